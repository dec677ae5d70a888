#!/usr/bin/env python3
"""Writes expectations.json: what SAELens and SAE Bench make of the directory of published SAEs.

    python3 make_expectations.py

Needs sae-lens 6.54.12 and sae-bench 0.6.0; reads nothing but what these packages contain.
"""

import json
import pathlib
import re
from importlib.metadata import version

import sae_lens.loading.pretrained_sae_loaders as loaders
from huggingface_hub.utils import EntryNotFoundError
from sae_bench.sae_bench_utils.sae_selection_utils import get_saes_from_regex
from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

# Release and id as SAE Bench takes them. The first is the one that the documentation names.
SELECTIONS = [
    (r"gemma-scope-2b-pt-res.*", r"layer_(5|12|19)/width_16k/.*"),
    (r".*", r".*"),
    (r"gemma-scope-2b-pt-res", r"layer_20/width_16k/average_l0_139"),
    (r"sae_bench_pythia70m_sweep_standard_ctx128_0712", r"blocks.4.hook_resid_post__trainer_10"),
    (r"sae_bench_pythia70m.*", r"blocks\.4\.hook_resid_post__.*"),
    (r"sae_bench_gemma-2-2b_(topk|vanilla)_width-2pow14.*", r"(?!.*_step_).*trainer_\d+"),
    (r"gemma-scope-2b-pt-res|gemma-scope-2b-pt-res-canonical", r"layer_12/.*canonical"),
    (r"gemma-scope-2b-pt-re", r".*"),
    (r"emma-scope-2b-pt-res", r".*"),
    (r"gemma-scope-2b-pt-res", r"layer_12"),
    (r"gemma-scope-2b-pt-res.*?", r"layer_12/.*?"),
    (r"(?i)GEMMA-SCOPE-9B.*", r"layer_\d{2}/width_131k/average_l0_[1-4]\d"),
    (r"llama_scope_lx[ar]_(8|32)x", r"l(?P<layer>\d+)[ar]_\d+x"),
    (r".*", r"[^/]*resid_p.{2,3}"),
    (r"gpt2-small-res_scefr-ajt", r".*"),
    (r"mntss.*", r"layer_2."),
    (r"[^gqs].*", r"[a-z.]+\d+[]a-z_.]*"),
    (r".*", r"[[l]ayer[&&_]\d+[--/].*"),
    (r"gemma-scope-2-(1b|4b)-(pt|it)-res(-all)?", r"layer_\d+_width_(16|65)k_l0_(small|medium)(_seed_\d)?"),
    (r"gpt2-small-.*v5-(32|128)k", r"blocks\.(?:0|11)\..*"),
]

# Loaders that conclude hook, model and latents from names alone.
NAMING_LOADERS = ["gemma_2", "gemma_2_transcoder", "gemma_3", "qwen_scope", "goodfire", "deepseek_r1"]


def fnv(lines):
    """FNV-1a of 64 bits over lines that each end with a line feed, as hexadecimal digits."""
    value = 0xCBF29CE484222325
    for byte in "".join(line + "\n" for line in lines).encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def number(value):
    """A number as Swift prints a Double; nothing for none."""
    return "" if value is None else repr(float(value))


def without_network():
    """Makes the loader of Gemma Scope 2 conclude from names what it would read from files."""

    def absent(*arguments, **options):
        raise EntryNotFoundError("not there")

    loaders.hf_hub_download = absent
    loaders.get_safetensors_tensor_shapes = lambda *_: {"w_enc": [8, 16], "w_dec": [16, 8]}


def main():
    without_network()
    directory = get_pretrained_saes_directory()
    places, facts, counts = [], {name: [] for name in NAMING_LOADERS}, {}
    for release, lookup in directory.items():
        loader = loaders.get_conversion_loader_name(release)
        count = counts.setdefault(loader, [0, 0])
        count[0] += 1
        count[1] += len(lookup.saes_map)
        for identifier, path in lookup.saes_map.items():
            places.append("\t".join([
                release, identifier, lookup.repo_id, path, loader, lookup.model,
                number(lookup.expected_l0[identifier]),
                number(lookup.norm_scaling_factor.get(identifier)),
                lookup.neuronpedia_id[identifier] or "",
            ]))
            if loader in NAMING_LOADERS:
                config = loaders.NAMED_PRETRAINED_SAE_CONFIG_GETTERS[loader](
                    lookup.repo_id, path, "cpu", False, {})
                # The shapes of Gemma Scope 2 are not in its names.
                width = "" if loader == "gemma_3" else str(config["d_sae"])
                facts[loader].append("\t".join([
                    release, identifier, config["hook_name"], config["model_name"], width]))
    selections = []
    for release, identifier in SELECTIONS:
        names = get_saes_from_regex(release, identifier)
        selections.append({
            "release": release, "id": identifier, "count": len(names),
            "hash": fnv("\t".join(name) for name in names),
        })
    result = {
        "sae_lens": version("sae-lens"), "sae_bench": version("sae-bench"),
        "releases": len(directory), "entries": len(places), "places": fnv(places),
        "loaders": counts, "selections": selections,
        "facts": {name: fnv(lines) for name, lines in facts.items()},
        "overrides": {
            release: lookup.config_overrides
            for release, lookup in directory.items() if lookup.config_overrides
        },
    }
    text = json.dumps(result, indent=1, sort_keys=True)
    text = re.sub(r"\[\s+(\d+),\s+(\d+)\s+\]", r"[\1, \2]", text)
    pathlib.Path(__file__).with_name("expectations.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
