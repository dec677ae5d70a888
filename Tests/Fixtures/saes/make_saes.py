"""Writes small autoencoders of every architecture with the real sae-lens, and what it computes with them.

Run beside this file: python make_saes.py
Needs torch, sae-lens, sae-bench and safetensors; the versions used are in README.md.
"""

import copy
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from sae_bench.sae_bench_utils.general_utils import _standardize_sae_cfg
from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.saes.gated_sae import GatedSAE, GatedSAEConfig
from sae_lens.saes.jumprelu_sae import JumpReLUSAE, JumpReLUSAEConfig
from sae_lens.saes.matryoshka_batchtopk_sae import (
    MatryoshkaBatchTopKTrainingSAE,
    MatryoshkaBatchTopKTrainingSAEConfig,
)
from sae_lens.saes.sae import SAE, SAEMetadata
from sae_lens.saes.standard_sae import StandardSAE, StandardSAEConfig
from sae_lens.saes.topk_sae import TopKSAE, TopKSAEConfig
from sae_lens.saes.transcoder import (
    JumpReLUSkipTranscoder,
    JumpReLUSkipTranscoderConfig,
    JumpReLUTranscoder,
    JumpReLUTranscoderConfig,
    SkipTranscoder,
    SkipTranscoderConfig,
    Transcoder,
    TranscoderConfig,
)

HERE = Path(__file__).parent
SAES, EXPECTED = HERE / "tiny-res", HERE / "expected"
D, F, ROWS = 8, 24, 12
HOOK = "blocks.3.hook_resid_post"
KINDS = {
    "standard": (StandardSAE, StandardSAEConfig),
    "topk": (TopKSAE, TopKSAEConfig),
    "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig),
    "gated": (GatedSAE, GatedSAEConfig),
    "batchtopk": (BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig),
    "matryoshka": (MatryoshkaBatchTopKTrainingSAE, MatryoshkaBatchTopKTrainingSAEConfig),
    "transcoder": (Transcoder, TranscoderConfig),
    "skip": (SkipTranscoder, SkipTranscoderConfig),
    "jumprelu-transcoder": (JumpReLUTranscoder, JumpReLUTranscoderConfig),
    "jumprelu-skip": (JumpReLUSkipTranscoder, JumpReLUSkipTranscoderConfig),
}


def fill(sae: torch.nn.Module, seed: int) -> None:
    """Draws weights whose decoder rows have norms from 0.2 to 3."""
    g = torch.Generator().manual_seed(seed)
    norms = torch.linspace(0.2, 3.0, F)
    with torch.no_grad():
        out = sae.W_dec.shape[1]
        rows = torch.randn(F, out, generator=g)
        sae.W_dec.copy_(rows / rows.norm(dim=-1, keepdim=True) * norms[:, None])
        noise = 0.1 * torch.randn(D, F, generator=g)
        if out == D:
            sae.W_enc.copy_(sae.W_dec.T / norms**1.5 + noise)
        else:
            sae.W_enc.copy_(torch.randn(D, F, generator=g) / norms + noise)
        sae.b_dec.copy_(0.3 * torch.randn(out, generator=g))
        if hasattr(sae, "W_skip"):
            sae.W_skip.copy_(0.3 * torch.randn(out, D, generator=g))
        for name, spread in [("b_enc", 0.2), ("b_gate", 0.2), ("b_mag", 0.2), ("r_mag", 0.3)]:
            if isinstance(getattr(sae, name, None), torch.nn.Parameter):
                getattr(sae, name).copy_(spread * torch.randn(F, generator=g))
        if isinstance(getattr(sae, "threshold", None), torch.nn.Parameter):
            sae.threshold.copy_(torch.linspace(0.05, 0.8, F))
        if hasattr(sae, "topk_threshold"):
            sae.topk_threshold.fill_(0.731)


def inputs(seed: int) -> torch.Tensor:
    """Draws activations, some of them far from the origin."""
    g = torch.Generator().manual_seed(seed)
    return torch.randn(ROWS, D, generator=g) * torch.linspace(0.5, 4, ROWS)[:, None] + 0.4


def record(name: str, sae: SAE, seed: int) -> None:
    """Saves what an autoencoder computes, before and after its decoder norms are folded."""
    x = inputs(seed)
    out = {"x": x}
    with torch.no_grad():
        out["encode"] = sae.encode(x)
        out["decode"] = sae.decode(out["encode"])
        if hasattr(sae, "W_skip"):  # left out of decode, part of forward
            out["decode"] = sae(x)
        try:
            sae.fold_W_dec_norm()
            folded = True
        except NotImplementedError:
            folded = False
        out["encode_folded"] = sae.encode(x)
        out["decode_folded"] = sae.decode(out["encode_folded"])
        if hasattr(sae, "W_skip"):
            out["decode_folded"] = sae(x)
        out["encoder_norms"] = sae.W_enc.norm(dim=0)
        out["decoder_norms"] = sae.W_dec.norm(dim=1)
        bias = getattr(sae, "b_enc", None)
        out["encoder_bias"] = (sae.b_mag if bias is None else bias).detach()
    save_file({k: v.contiguous().clone() for k, v in out.items()}, EXPECTED / f"{name}.safetensors")
    cfg = copy.deepcopy(sae.cfg)
    _standardize_sae_cfg(cfg)
    result = {"folded": folded, "sae_cfg_dict": cfg.to_dict()}
    (EXPECTED / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def build(kind: str, seed: int, metadata: dict | None = None, **settings) -> torch.nn.Module:
    """Makes an autoencoder of a kind."""
    cls, cfg = KINDS[kind]
    entries = {
        "model_name": "tiny", "hook_name": HOOK, "hook_head_index": None, "context_size": 64,
        "prepend_bos": True, **(metadata or {}),
    }
    metadata = SAEMetadata(**entries)
    sae = cls(cfg(d_in=D, d_sae=F, metadata=metadata, **settings))
    fill(sae, seed)
    return sae


def reload(path: Path) -> SAE:
    """Loads as SAE Bench does, in float32."""
    return SAE.load_from_disk(path, dtype="float32")


def modern(name: str, kind: str, seed: int, stored: torch.dtype | None = None, **settings) -> None:
    """Writes one in the form of version 6."""
    path = SAES / name
    build(kind, seed, **settings).save_model(path)
    if stored is not None:
        file = path / "sae_weights.safetensors"
        tensors = load_file(file)
        for key in ("W_enc", "W_dec"):
            tensors[key] = tensors[key].to(stored)
        save_file(tensors, file)
    record(name, reload(path), seed + 1)


def scaled(name: str, kind: str, seed: int, factor: float, **settings) -> None:
    """Writes one that was trained on scaled activations; sae-lens folds the factor as it loads."""
    path = SAES / name
    sae = build(kind, seed, normalize_activations="expected_average_only_in", **settings)
    sae.save_model(path)
    cfg = json.loads((path / "cfg.json").read_text())
    (path / "cfg.json").write_text(json.dumps({**cfg, "norm_scaling_factor": factor}, indent=1) + "\n")
    sae = reload(path)
    sae.fold_activation_norm_scaling_factor(factor)
    record(name, sae, seed + 1)


def finetuned(name: str, seed: int) -> None:
    """Writes one whose decoder was finetuned with factors, as SAELens 3 to 5 applied them."""
    path = SAES / name
    sae = build("standard", seed)
    factors = torch.linspace(0.5, 1.5, F)
    sae.save_model(path)
    file = path / "sae_weights.safetensors"
    save_file({**load_file(file), "scaling_factor": factors}, file)
    (path / "cfg.json").write_text(json.dumps({
        "d_in": D, "d_sae": F, "model_name": "tiny", "hook_name": HOOK, "hook_layer": 3,
        "hook_head_index": None, "context_size": 64, "prepend_bos": True, "dataset_path": "none",
        "dtype": "torch.float32", "device": "cuda", "architecture": "standard",
        "activation_fn_str": "relu", "activation_fn_kwargs": {}, "apply_b_dec_to_input": True,
        "finetuning_scaling_factor": True, "normalize_activations": "none",
    }, indent=1) + "\n")
    # decode(f) of those versions is (f * factors) W_dec + b_dec. Without its factors version 6 reads
    # the file, and a wrapper multiplies.
    plain = HERE / "plain"
    shutil.copytree(path, plain)
    tensors = load_file(file)
    del tensors["scaling_factor"]
    save_file(tensors, plain / "sae_weights.safetensors")
    sae = reload(plain)
    shutil.rmtree(plain)
    decode = sae.decode
    sae.decode = lambda f: decode(f * factors)
    record(name, sae, seed + 1)


def training(name: str, kind: str, seed: int, **settings) -> None:
    """Writes the training form; the expectations come from sae-lens's own export of it."""
    sae = build(kind, seed, **settings)
    sae.save_model(SAES / name)
    exported = HERE / "exported"
    sae.save_inference_model(exported)
    record(name, reload(exported), seed + 1)
    shutil.rmtree(exported)


def old(name: str, kind: str, seed: int, cfg: dict, extra: dict | None = None, **settings) -> None:
    """Writes one under a configuration of an older version."""
    path = SAES / name
    build(kind, seed, **settings).save_model(path)
    file = path / "sae_weights.safetensors"
    save_file({**load_file(file), **(extra or {})}, file)
    (path / "cfg.json").write_text(json.dumps({"d_in": D, "d_sae": F, **cfg}, indent=1) + "\n")
    record(name, reload(path), seed + 1)


def main() -> None:
    """Writes everything anew."""
    for folder in (SAES, EXPECTED):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    modern("standard", "standard", 1)
    modern("standard-no-input-bias", "standard", 2, apply_b_dec_to_input=False)
    modern("standard-layer-norm", "standard", 3, normalize_activations="layer_norm")
    modern("standard-constant-norm", "standard", 4, normalize_activations="constant_norm_rescale")
    modern("standard-bf16", "standard", 5, stored=torch.bfloat16)
    modern("topk", "topk", 6, k=5)
    modern("topk-rescaled", "topk", 7, k=5, rescale_acts_by_decoder_norm=True)
    modern("topk-f16", "topk", 8, stored=torch.float16, k=4, rescale_acts_by_decoder_norm=True)
    modern("jumprelu", "jumprelu", 9)
    modern("jumprelu-no-input-bias", "jumprelu", 10, apply_b_dec_to_input=False)
    modern("gated", "gated", 11)
    modern("gated-layer-norm", "gated", 12, normalize_activations="layer_norm")
    training("batchtopk-training", "batchtopk", 13, k=4.0)
    training("batchtopk-training-plain", "batchtopk", 14, k=4.0, rescale_acts_by_decoder_norm=False)
    training("matryoshka-training", "matryoshka", 15, k=4.0, matryoshka_widths=[8, 24])

    out = {"hook_name": "blocks.3.ln2.hook_normalized", "hook_name_out": "blocks.3.hook_mlp_out"}
    modern("transcoder", "transcoder", 30, metadata=out, d_out=6, apply_b_dec_to_input=False)
    modern("skip-transcoder", "skip", 31, metadata=out, d_out=6, apply_b_dec_to_input=False)
    modern("jumprelu-transcoder", "jumprelu-transcoder", 32, metadata=out, d_out=6,
           apply_b_dec_to_input=False)
    modern("jumprelu-skip-transcoder", "jumprelu-skip", 33, metadata=out, d_out=6,
           apply_b_dec_to_input=False)
    scaled("scaled-standard", "standard", 40, 0.37)
    scaled("scaled-topk", "topk", 41, 2.6, k=5)
    scaled("scaled-topk-rescaled", "topk", 42, 2.6, k=5, rescale_acts_by_decoder_norm=True)
    scaled("scaled-jumprelu", "jumprelu", 43, 0.37, apply_b_dec_to_input=False)
    scaled("scaled-gated", "gated", 44, 2.6)
    finetuned("finetuned", 45)

    flat = {
        "model_name": "tiny", "hook_name": HOOK, "hook_layer": 3, "hook_head_index": None,
        "context_size": 64, "prepend_bos": True, "dataset_path": "none", "dtype": "torch.float32",
        "device": "cuda",
    }
    v1 = {k: v for k, v in flat.items() if not k.startswith("hook")}
    old("v1", "standard", 20, {
        **v1, "hook_point": HOOK, "hook_point_layer": 3, "hook_point_head_index": None,
    }, extra={"scaling_factor": torch.ones(F)})
    old("v3", "standard", 21, {
        **flat, "activation_fn_str": "relu", "apply_b_dec_to_input": False,
        "finetuning_scaling_factor": False, "normalize_activations": False,
        "sae_lens_training_version": "3.0.0",
    }, apply_b_dec_to_input=False)
    old("v3-gated", "gated", 22, {
        **flat, "architecture": "gated", "activation_fn_str": "relu", "activation_fn_kwargs": {},
        "apply_b_dec_to_input": True, "finetuning_scaling_factor": False,
        "normalize_activations": "none", "sae_lens_training_version": "3.11.0",
    })
    old("v4-topk", "topk", 23, {
        **flat, "architecture": "standard", "activation_fn_str": "topk",
        "activation_fn_kwargs": {"k": 6}, "apply_b_dec_to_input": True,
        "normalize_activations": "layer_norm", "seqpos_slice": [None],
    }, k=6)
    old("v5-jumprelu", "jumprelu", 24, {
        **flat, "architecture": "jumprelu", "activation_fn_str": "relu", "activation_fn_kwargs": {},
        "apply_b_dec_to_input": False, "normalize_activations": "none", "neuronpedia_id": None,
        "model_from_pretrained_kwargs": {"center_writing_weights": True},
    }, apply_b_dec_to_input=False)
    old("v5-topk", "topk", 25, {
        **flat, "architecture": "topk", "activation_fn_str": "topk",
        "activation_fn_kwargs": {"k": 3}, "apply_b_dec_to_input": True,
        "normalize_activations": "none", "sae_lens_training_version": "5.1.0",
    }, k=3)


main()
