#!/usr/bin/env python3
"""Writes PublishedData.swift: the facts that `saeval` keeps of published autoencoders.

    python3 make_directory.py PATH/TO/pretrained_saes.yaml [--version 6.54.12] [--text]

The source is the directory of releases that SAELens ships (MIT licence). Of each entry this keeps
its names, its place on the Hugging Face hub and what the loaders of SAELens would conclude from
release, repository and path alone: hook, number of latents, model. Everything else of the file,
links first of all, is left out. `--text` prints the facts instead of writing the Swift file.

The Swift file holds a table as deflated text, one value a line. First the number of releases and
the number of entries; then for each release a line of columns divided by tabs:

    release, repository, model, layout, model in results, number of entries, overrides as JSON

then seven columns of all entries, one after the other:

    id, path, hook, latents, l0, scaling factor, neuronpedia id

Each of their lines begins with a character that says how many bytes it shares with the line above
(`!` for none, `"` for one and so on); the first entry of a release shares none. An empty path is
the id, any other empty value is unknown. A hook that is a bare number is a layer whose hook is
unknown.
"""

import argparse
import base64
import json
import pathlib
import re
import zlib

import yaml

WIDTHS = {
    "4k": 4096, "16k": 16384, "32k": 32768, "65k": 65536, "131k": 131072, "262k": 262144,
    "524k": 524288, "1m": 1048576,
}
GEMMA_2 = ["2b-it", "9b-it", "27b-it", "2b", "9b", "27b"]
LLAMA_SITES = {"A": "hook_attn_out", "M": "hook_mlp_out", "R": "hook_resid_post"}


def first(pattern, text):
    """The first group of the first match as a number, or None."""
    match = re.search(pattern, text)
    return int(match.group(1)) if match else None


def named_width(text):
    """The latents of a part such as `width_16k` of a path."""
    match = re.search(r"width_(\d+[km])(?![0-9a-z])", text)
    return WIDTHS[match.group(1)] if match else None


def sae_lens(repo, identifier, path):
    """The id begins with the hook; repository or path may name a width."""
    hook = re.match(r"blocks\.\d+\.hook_[a-z]+_[a-z]+", identifier).group(0)
    thousands = first(r"-(?:w|v5)-(\d+)k-", repo)
    return hook, thousands * 1024 if thousands else first(r"hook_[a-z]+_[a-z]+_(\d+)", path)


def gemma_2(repo, identifier, path):
    """Layer and width stand in the path, the site in the repository's name."""
    layer = first(r"layer_(\d+)", path)
    if "res" in repo:
        hook = "hook_embed" if "embedding" in path else f"blocks.{layer}.hook_resid_post"
    else:
        hook = f"blocks.{layer}." + ("hook_mlp_out" if "mlp" in repo else "attn.hook_z")
    return hook, named_width(path)


def gemma_3(repo, identifier, path):
    """Layer, width and site stand in the path."""
    layer = first(r"layer_(\d+)", path)
    for part, hook in [
        ("resid_post", "hook_resid_post"), ("attn_out", "attn.hook_z"), ("mlp_out", "hook_mlp_out"),
        ("transcoder", "hook_mlp_in"), ("clt", "hook_mlp_in"),
    ]:
        if part in path:
            return f"blocks.{layer}.{hook}", named_width(path)
    raise ValueError(path)


def dictionary_learning(repo, identifier, path):
    """Always the residual stream behind a layer; the repository may name a width."""
    width = first(r"width-2pow(\d+)", repo)
    layer = first(r"resid_post_layer_(\d+)", path)
    return f"blocks.{layer}.hook_resid_post", 2**width if width else None


def llama_scope(repo, identifier, path):
    """Layer, site and expansion of 4096 stand in the path."""
    layer, site, factor = re.search(r"-L(\d+)([AMR])-(\d+)x$", path).groups()
    return f"blocks.{layer}.{LLAMA_SITES[site]}", 4096 * int(factor)


def by_path(pattern, site, width=lambda repo, path: None):
    """A loader that takes the layer from the path and knows the site."""
    return lambda repo, identifier, path: (
        f"blocks.{first(pattern, path)}.{site}", width(repo, path))


LOADERS = {
    "sae_lens": sae_lens,
    "gemma_2": gemma_2,
    "gemma_3": gemma_3,
    "dictionary_learning_1": dictionary_learning,
    "llama_scope": llama_scope,
    "llama_scope_r1_distill": by_path(r"L(\d+)R$", "hook_resid_post"),
    "gemma_2_transcoder": by_path(
        r"layer_(\d+)", "ln2.hook_normalized", lambda repo, path: named_width(path)),
    "connor_rob_hook_z": by_path(
        r"_L(\d+)_", "attn.hook_z", lambda repo, path: first(r"_ds(\d+)_", path)),
    "qwen_scope": by_path(
        r"layer(\d+)", "hook_resid_post", lambda repo, path: 1024 * first(r"-W(\d+)K-", repo)),
    "goodfire": by_path(r"-l(\d+)", "hook_resid_post", lambda repo, path: 65536),
    "deepseek_r1": by_path(r"l(\d+)", "hook_resid_post", lambda repo, path: 65536),
    "mwhanna_transcoder": by_path(r"_(\d+)", "mlp.hook_in"),
    "mntss_clt_layer_transcoder": lambda repo, identifier, path: (path, None),
    "temporal": by_path(r"layer_(\d+)", "hook_resid_post"),
}


def model_in_results(layout, repo, model):
    """The model that a loader names in the configuration where the files name none."""
    if layout in ("gemma_2", "gemma_2_transcoder"):
        return "gemma-2-" + next(name for name in GEMMA_2 if name in repo)
    if layout in ("llama_scope", "llama_scope_r1_distill"):
        return "meta-llama/Llama-3.1-8B"
    return model


def number(value):
    """A number as short as it can be written."""
    return "" if value is None else repr(int(value) if value == int(value) else value)


def facts(directory):
    """For each release its columns and those of its entries."""
    releases = []
    for release, value in directory.items():
        layout, repo, model = value["conversion_func"] or "sae_lens", value["repo_id"], value["model"]
        overrides = value.get("config_overrides")
        entries = []
        for entry in value["saes"]:
            identifier, path = entry["id"], str(entry["path"])
            hook, width = LOADERS[layout](repo, identifier, path)
            assert "None" not in hook, (release, identifier, hook)
            entries.append([
                identifier, "" if path == identifier else path, hook, number(width),
                number(entry.get("l0")), number(entry.get("norm_scaling_factor")),
                entry.get("neuronpedia") or "",
            ])
        assert len({entry[0] for entry in entries}) == len(entries), release
        releases.append(([
            release, repo, model, layout, model_in_results(layout, repo, model),
            str(len(entries)), json.dumps(overrides) if overrides else "",
        ], entries))
    for columns in (row for head, entries in releases for row in [head, *entries]):
        assert all(re.fullmatch(r"[ -~]*", column) for column in columns), columns
    return releases


def shortened(values):
    """Values without what each shares with the one above."""
    above = ""
    for value in values:
        shared = 0
        while shared < min(len(value), len(above), 90) and value[shared] == above[shared]:
            shared += 1
        yield chr(ord("!") + shared) + value[shared:]
        above = value


def table(releases):
    """The table as one text."""
    lines = [str(len(releases)), str(sum(len(entries) for _, entries in releases))]
    lines += ["\t".join(head) for head, _ in releases]
    for column in range(7):
        for _, entries in releases:
            lines += shortened(entry[column] for entry in entries)
    return "\n".join(lines) + "\n"


def swift(text, version):
    """The Swift file."""
    data = text.encode()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    packed = base64.b64encode(deflate.compress(data) + deflate.flush()).decode()
    rows = [packed[start:start + 160] for start in range(0, len(packed), 160)]
    return "\n".join([
        "// swift-format-ignore-file",
        "// Written by make_directory.py; change that script and run it again.",
        "",
        "/// The version of SAELens whose directory this is.",
        f'let publishedVersion = "{version}"',
        "",
        "/// Length of the table in bytes.",
        f"let publishedByteCount = {len(data)}",
        "",
        "/// The table that make_directory.py describes, as deflated bytes in base64.",
        'let publishedTable: StaticString = """',
        *rows,
        '"""',
        "",
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", help="pretrained_saes.yaml of SAELens")
    parser.add_argument("--version", default="6.54.12", help="the version that it comes from")
    parser.add_argument("--text", action="store_true", help="print the table")
    arguments = parser.parse_args()
    with open(arguments.directory, encoding="utf-8") as file:
        directory = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    releases = facts(directory)
    if arguments.text:
        for head, entries in releases:
            for row in [head, *entries]:
                print("\t".join(row))
        return
    place = pathlib.Path(__file__).with_name("PublishedData.swift")
    place.write_text(swift(table(releases), arguments.version), encoding="utf-8")


if __name__ == "__main__":
    main()
