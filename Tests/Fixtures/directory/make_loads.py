#!/usr/bin/env python3
"""Writes loads.json: what SAE Bench gets when it loads small autoencoders under names of the
directory, by `SAE.from_pretrained` of SAELens.

    python3 make_loads.py

Needs sae-lens 6.54.12 and sae-bench 0.6.0. The files of `../saes` are served in place of those on
the hub, so nothing is downloaded.
"""

import copy
import json
import pathlib
import re
import struct

import sae_lens.loading.pretrained_sae_loaders as loaders
import sae_lens.saes.sae as sae_module
import torch
from huggingface_hub.utils import EntryNotFoundError
from sae_bench.sae_bench_utils.general_utils import _standardize_sae_cfg
from sae_lens import SAE
from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

# Sizes that the loader of Gemma Scope takes from the name of its release.
SIZES = {"d_in": 8, "d_sae": 24}
overrides_of_directory = sae_module.get_config_overrides

SAES = pathlib.Path(__file__).resolve().parents[1] / "saes"
DICTIONARIES = "layouts/dictionary_learning/resid_post_layer_3"

# Release, id, and the folder of ../saes whose files stand for its own.
LOADS = [
    ("pythia-70m-deduped-res-sm", "blocks.3.hook_resid_post", "tiny-res/standard"),
    ("mistral-7b-res-wg", "blocks.8.hook_resid_pre", "tiny-res/standard"),
    ("gpt2-small-res-jb", "blocks.11.hook_resid_post", "tiny-res/v3"),
    ("gemma-2b-it-res-jb", "blocks.12.hook_resid_post", "tiny-res/v5-jumprelu"),
    ("gemma-scope-2b-pt-res-canonical", "layer_12/width_16k/canonical",
     "layouts/models--google--gemma-scope-2b-pt-res/snapshots/0/layer_3/width_16k/average_l0_5"),
    ("gemma-scope-2-270m-pt-res-all", "layer_3_width_16k_l0_small",
     "layouts/gemma-scope-2-270m-pt/resid_post/layer_3_width_16k_l0_small"),
    ("sae_bench_pythia70m_sweep_topk_ctx128_0730", "blocks.3.hook_resid_post__trainer_0",
     f"{DICTIONARIES}/trainer_5"),
    ("sae_bench_pythia70m_sweep_standard_ctx128_0712", "blocks.3.hook_resid_post__trainer_10",
     f"{DICTIONARIES}/trainer_1"),
    ("sae_bench_pythia70m_sweep_gated_ctx128_0730", "blocks.3.hook_resid_post__trainer_0",
     f"{DICTIONARIES}/trainer_3"),
    ("saebench_gemma-2-2b_width-2pow12_date-0108", "blocks.12.hook_resid_post__trainer_0",
     f"{DICTIONARIES}/trainer_7"),
    ("llama_scope_lxr_8x", "l3r_8x",
     "layouts/Llama3_1-8B-Base-LXR-8x/Llama3_1-8B-Base-L3R-8x"),
    ("llama_scope_r1_distill", "l3r_400m_slimpajama_400m_openr1_math",
     "layouts/Llama-Scope-R1-Distill/400M-Slimpajama-400M-OpenR1-Math-220k/L3R"),
    # With tensors, values and keys that SAELens passes over.
    ("llama_scope_r1_distill", "l3r_800m_slimpajama", "published/llama-scope-r1"),
    ("llama_scope_lxr_8x", "l4r_8x", "published/llama-scope"),
    ("sae_bench_pythia70m_sweep_topk_ctx128_0730", "blocks.3.hook_resid_post__trainer_1", "published/topk"),
    ("saebench_gemma-2-2b_width-2pow12_date-0108", "blocks.12.hook_resid_post__trainer_1",
     "published/batch-topk-unset"),
    ("saebench_gemma-2-2b_width-2pow12_date-0108", "blocks.12.hook_resid_post__trainer_2", "published/jumprelu"),
    ("gemma-scope-2-270m-pt-res-all", "layer_4_width_16k_l0_small", "published/gemma-scope-2"),
    ("gemma-scope-2-270m-pt-transcoders", "transcoder/layer_15_width_262k_l0_big_affine",
     "published/gemma-scope-2-transcoder"),
    ("gemma-scope-2b-pt-res", "embedding/width_4k/average_l0_6", "published/embedding"),
    ("qwen-scope-3.5-27b-w80k-l50", "layer3", "published/qwen"),
    ("deepseek-r1-distill-llama-8b-qresearch", "blocks.19.hook_resid_post", "published/deepseek"),
    ("goodfire-llama-3.1-8b-instruct", "layer_19", "published/goodfire"),
]


def serve(release, identifier, folder):
    """Lets the loaders find the files of an entry in a folder."""
    path = get_pretrained_saes_directory()[release].saes_map[identifier]

    def find(repo_id, filename=None, subfolder=None, **_):
        name = f"{subfolder}/{filename}" if subfolder else filename
        assert name == path or name.startswith(path + "/"), (name, path)
        file = folder / (name if name == path else name[len(path) + 1:])
        if not file.exists():
            raise EntryNotFoundError(str(file))
        return str(file)

    def shapes(repo_id, filename):
        with open(find(repo_id, filename), "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            return {name: entry["shape"] for name, entry in json.loads(file.read(length)).items()
                    if name != "__metadata__"}

    loaders.hf_hub_download, loaders.get_safetensors_tensor_shapes = find, shapes
    sizes = SIZES if release.startswith(("gemma-scope-2b-", "deepseek", "goodfire")) else {}
    if release.startswith("qwen"):
        sizes = {"d_in": 8, "d_sae": 64}
    sae_module.get_config_overrides = lambda *names: {**overrides_of_directory(*names), **sizes}


def main():
    rows = torch.tensor([
        [0.5, -1, 2, 0.25, 1.5, -0.75, 0.1, 3], [1.5, 0.2, -0.3, -0.7, 2, 0.4, -1.1, 0.6]])
    results = []
    for release, identifier, folder in LOADS:
        serve(release, identifier, SAES / folder)
        sae, _, _ = SAE.from_pretrained_with_cfg_and_sparsity(release, identifier, device="cpu")
        try:
            sae.fold_W_dec_norm()
        except NotImplementedError:
            pass
        with torch.no_grad():
            # Only `forward` adds a skip connection.
            skips = getattr(sae, "W_skip", None) is not None
            decoded = sae(rows) if skips else sae.decode(sae.encode(rows))
        config = copy.deepcopy(sae.cfg)
        try:
            _standardize_sae_cfg(config)
        except ValueError:  # SAE Bench finds no layer in `hook_embed`.
            config = None
        results.append({
            "release": release, "id": identifier, "folder": folder,
            "decoded": [round(value, 6) for value in decoded.flatten().tolist()],
            "sae_cfg_dict": config and config.to_dict(),
        })
    text = json.dumps({"rows": rows.flatten().tolist(), "loads": results}, indent=1)
    text = re.sub(r"\[\s+(-?[\d.e-]+,?\s+)+\]", lambda match: " ".join(match[0].split()), text)
    pathlib.Path(__file__).with_name("loads.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
