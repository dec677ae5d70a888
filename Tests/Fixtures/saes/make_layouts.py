"""Writes small autoencoders in the layouts of other programs, with those programs where they can be had, and what SAE
Bench, sae-lens and the programs themselves compute with them.

Run beside this file: python make_layouts.py
Needs torch, sae-lens, sae-bench, dictionary-learning, numpy and safetensors; the versions used are in README.md.
"""

import copy
import json
import math
import shutil
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import torch

# Only the collection of activations needs it.
for module in ("nnsight",):
    sys.modules.setdefault(module, MagicMock())

from dictionary_learning import dictionary
from dictionary_learning.trainers import batch_top_k, gdm, jumprelu, matryoshka_batch_top_k, p_anneal, standard, top_k
from dictionary_learning.training import trainSAE
from sae_bench.custom_saes import batch_topk_sae, gated_sae, identity_sae, jumprelu_sae, pca_sae, relu_sae, topk_sae
from sae_bench.custom_saes.run_all_evals_dictionary_learning_saes import TRAINER_LOADERS
from sae_bench.sae_bench_utils.general_utils import _standardize_sae_cfg
from sae_lens.loading import pretrained_sae_loaders as loaders
from sae_lens.saes.sae import SAE
from safetensors.torch import save_file

HERE = Path(__file__).parent
ROOT, EXPECTED = HERE / "layouts", HERE / "layouts-expected"
D, F, ROWS, LAYER = 8, 24, 12, 3
MODULES = [batch_topk_sae, gated_sae, jumprelu_sae, pca_sae, relu_sae, topk_sae, loaders]


def serve(folder: Path) -> None:
    """Lets every loader find its files in a folder instead of on the hub."""

    def find(repo_id, filename=None, subfolder=None, **_):
        path = folder / (subfolder or "") / filename
        if not path.exists():
            raise FileNotFoundError(path)
        return str(path)

    for module in MODULES:
        module.hf_hub_download = find


def inputs(seed: int, size: int = D) -> torch.Tensor:
    """Draws activations, some of them far from the origin."""
    g = torch.Generator().manual_seed(seed)
    return torch.randn(ROWS, size, generator=g) * torch.linspace(0.5, 4, ROWS)[:, None] + 0.4


def record(name: str, folder: str, x: torch.Tensor, encode, decode, cfg: dict | None, **extra) -> None:
    """Saves what an autoencoder computes, and its configuration in results."""
    with torch.no_grad():
        f = encode(x)
        out = {"x": x, "encode": f, "decode": decode(f), **extra}
    save_file({k: v.detach().float().contiguous().clone() for k, v in out.items()}, EXPECTED / f"{name}.safetensors")
    facts = {"folder": folder, "sae_cfg_dict": cfg}
    (EXPECTED / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")


def standardized(cfg) -> dict:
    """The configuration as SAE Bench writes it into results."""
    cfg = copy.deepcopy(cfg)
    _standardize_sae_cfg(cfg)
    return cfg.to_dict()


def through_sae_lens(name: str, folder: str, base: Path, loader: str, repo: str, path: str, factor=None, **overrides):
    """Records what sae-lens makes of files, decoder norms folded as SAE Bench folds them."""
    serve(base)
    load = getattr(loaders, loader)
    cfg, state, _ = load(repo_id=repo, folder_name=path, device="cpu",
                         cfg_overrides={"device": "cpu", "dtype": "float32", **overrides})
    cfg = loaders.handle_config_defaulting(cfg)
    sae = SAE.from_dict(cfg)
    sae.process_state_dict_for_loading(state)
    sae.load_state_dict(state, assign=True)
    if factor is not None:
        sae.fold_activation_norm_scaling_factor(factor)
    sae = sae.to(dtype=torch.float32)
    try:
        sae.fold_W_dec_norm()
    except NotImplementedError:
        pass
    encode, decode = sae.encode, sae.decode
    if getattr(sae, "W_skip", None) is not None:
        x = inputs(7)
        decode = lambda f: sae(x)  # noqa: E731
    if sae.cfg.reshape_activations == "hook_z":
        sae.d_head = 4
        encode = lambda x: sae.encode(x.reshape(ROWS, 2, 4))  # noqa: E731
        decode = lambda f: sae.decode(f).reshape(ROWS, D)  # noqa: E731
    record(name, folder, inputs(7), encode, decode, standardized(sae.cfg))


# MARK: dictionary_learning


class Activations(list):
    """Batches of activations with the configuration that a buffer has."""

    config = {"d_submodule": D, "io": "out", "n_ctxs": 4, "ctx_len": 64, "refresh_batch_size": 2,
              "out_batch_size": 32, "device": "cpu"}


def dictionaries() -> None:
    """Trains one dictionary with each trainer and records what SAE Bench's classes compute."""
    base = ROOT / "dictionary_learning"
    common = {"activation_dim": D, "dict_size": F, "layer": LAYER, "lm_name": "org/tiny", "lr": 0.03, "seed": 1,
              "device": "cpu", "submodule_name": f"resid_post_layer_{LAYER}"}
    steps = {"steps": 24, "warmup_steps": 2}
    sparse = {"sparsity_warmup_steps": None, **steps}
    kept = {"k": 5, "threshold_start_step": 3, "threshold_beta": 0.5, **steps}
    kinds = [
        ("standard", standard.StandardTrainer, {**sparse, "resample_steps": None}),
        ("april", standard.StandardTrainerAprilUpdate, sparse),
        ("p-anneal", p_anneal.PAnnealTrainer, {**sparse, "sparsity_function": "Lp^p", "initial_sparsity_penalty": 0.1,
                                               "anneal_start": 4}),
        ("gated", gdm.GatedSAETrainer, sparse),
        ("jumprelu", jumprelu.JumpReluTrainer, {**steps, "sparsity_warmup_steps": 2, "bandwidth": 0.5}),
        ("topk", top_k.TopKTrainer, kept),
        ("batch-topk", batch_top_k.BatchTopKTrainer, kept),
        ("matryoshka", matryoshka_batch_top_k.MatryoshkaBatchTopKTrainer, {**kept, "group_fractions": [0.25, 0.25, 0.5]}),
    ]
    g = torch.Generator().manual_seed(5)
    batches = Activations(torch.randn(32, D, generator=g) * 1.5 + 0.5 for _ in range(26))
    save_dir = base / f"resid_post_layer_{LAYER}"
    trainSAE(batches, [{"trainer": kind, **common, **more} for _, kind, more in kinds], steps=24, save_steps=[1],
             save_dir=str(save_dir), device="cpu", normalize_activations=True)
    serve(base)
    for index, (name, _, _) in enumerate(kinds):
        folder = f"resid_post_layer_{LAYER}/trainer_{index}"
        config = json.loads((base / folder / "config.json").read_text())
        sae = TRAINER_LOADERS[config["trainer"]["trainer_class"]](
            repo_id="org/saes", filename=f"{folder}/ae.pt", model_name="tiny", device=torch.device("cpu"),
            dtype=torch.float32, layer=LAYER)
        record(f"dictionary-{name}", f"dictionary_learning/{folder}", inputs(7), sae.encode, sae.decode,
               standardized(sae.cfg))

    # The class with a bias of its own behind the decoder, which SAE Bench cannot read.
    torch.manual_seed(9)
    new = dictionary.AutoEncoderNew(D, F)
    with torch.no_grad():
        new.encoder.bias.copy_(0.1 * torch.randn(F))
        new.decoder.bias.copy_(0.3 * torch.randn(D))
        new.decoder.weight.mul_(torch.linspace(2, 30, F))
    folder = base / "new" / "trainer_0"
    folder.mkdir(parents=True)
    torch.save(new.state_dict(), folder / "ae.pt")
    (folder / "config.json").write_text(json.dumps({"trainer": {
        "trainer_class": "StandardTrainer", "dict_class": "AutoEncoderNew", "activation_dim": D, "dict_size": F,
        "layer": LAYER, "lm_name": "org/tiny", "submodule_name": f"resid_post_layer_{LAYER}"}, "buffer": {"ctx_len": 64}}))
    x = inputs(7)
    _, f = new(x, output_features=True)
    record("dictionary-new", "dictionary_learning/new/trainer_0", x, lambda _: f, lambda _: new(x), None)


def published_vectors() -> None:
    """Writes the dictionaries of the specification's published vectors."""
    base = ROOT / "vectors"
    size, latents = 4, 8
    rows = torch.tensor([[math.sin(1 + 0.5 * f + 0.9 * i) for i in range(size)] for f in range(latents)],
                        dtype=torch.float64)
    rows = (rows / rows.norm(dim=1, keepdim=True)).float()
    b_enc = torch.tensor([0.05 * (f - 3) for f in range(latents)])
    b_dec = torch.tensor([0.1, -0.2, 0.3, 0.0])
    r_mag = torch.tensor([0.1 * (f % 3 - 1) for f in range(latents)])
    linear = {"encoder.weight": rows, "decoder.weight": rows.T}
    flat = {"W_enc": rows.T, "W_dec": rows, "b_enc": b_enc, "b_dec": b_dec}
    threshold = {"k": torch.tensor(2, dtype=torch.int), "threshold": torch.tensor(0.9)}
    states = {
        "AutoEncoder": {**linear, "encoder.bias": b_enc, "bias": b_dec},
        "AutoEncoderNew": {**linear, "encoder.bias": b_enc, "decoder.bias": b_dec},
        "GatedAutoEncoder": {**linear, "decoder_bias": b_dec, "r_mag": r_mag, "gate_bias": b_enc, "mag_bias": -b_enc},
        "JumpReluAutoEncoder": {**flat, "threshold": torch.tensor([0.4 + 0.2 * f for f in range(latents)])},
        "AutoEncoderTopK": {**linear, "encoder.bias": b_enc, "b_dec": b_dec, **threshold,
                            "k": torch.tensor(2, dtype=torch.int64)},
        "BatchTopKSAE": {**linear, "encoder.bias": b_enc, "b_dec": b_dec, **threshold},
        "MatryoshkaBatchTopKSAE": {**flat, **threshold, "group_sizes": torch.tensor([2, 2, 4])},
    }
    modules = {
        "AutoEncoder": dictionary.AutoEncoder(size, latents), "AutoEncoderNew": dictionary.AutoEncoderNew(size, latents),
        "GatedAutoEncoder": dictionary.GatedAutoEncoder(size, latents),
        "JumpReluAutoEncoder": dictionary.JumpReluAutoEncoder(size, latents),
        "AutoEncoderTopK": top_k.AutoEncoderTopK(size, latents, 2), "BatchTopKSAE": batch_top_k.BatchTopKSAE(size, latents, 2),
        "MatryoshkaBatchTopKSAE": matryoshka_batch_top_k.MatryoshkaBatchTopKSAE(size, latents, 2, [2, 2, 4]),
    }
    for name, state in states.items():
        module = modules[name]
        module.load_state_dict(state)
        saved = module.state_dict()
        if name == "AutoEncoderTopK":  # as written before January 2025
            saved["k"] = saved["k"].long()
        folder = base / name
        folder.mkdir(parents=True)
        torch.save(saved, folder / "ae.pt")
        spelled = name.replace("Matryoshka", "Matroyshka")
        (folder / "config.json").write_text(json.dumps({"trainer": {
            "dict_class": spelled, "trainer_class": "OwnTrainer", "activation_dim": size, "dict_size": latents,
            "layer": 0, "lm_name": "tiny", "k": 2}, "buffer": {"ctx_len": 64}}))


# MARK: Other layouts


def weights(seed: int, out: int = D) -> dict[str, torch.Tensor]:
    """Draws the tensors of an autoencoder whose decoder rows have norms from 0.2 to 3."""
    g = torch.Generator().manual_seed(seed)
    norms = torch.linspace(0.2, 3.0, F)
    rows = torch.randn(F, out, generator=g)
    return {
        "W_dec": rows / rows.norm(dim=1, keepdim=True) * norms[:, None],
        "W_enc": torch.randn(D, F, generator=g) / norms.sqrt(),
        "b_enc": 0.2 * torch.randn(F, generator=g),
        "b_dec": 0.3 * torch.randn(out, generator=g),
        "threshold": torch.linspace(0.05, 0.8, F),
    }


def linear(w: dict, prefix: str = "{}") -> dict:
    """The tensors of two linear maps."""
    return {prefix.format("encoder") + ".weight": w["W_enc"].T.contiguous(),
            prefix.format("encoder") + ".bias": w["b_enc"],
            prefix.format("decoder") + ".weight": w["W_dec"].T.contiguous(),
            prefix.format("decoder") + ".bias": w["b_dec"]}


def gemma_scopes() -> None:
    """Gemma Scope in a snapshot of the hub's cache, and Gemma Scope 2."""
    base = ROOT / "models--google--gemma-scope-2b-pt-res" / "snapshots" / "0"
    folder = "layer_3/width_16k/average_l0_5"
    (base / folder).mkdir(parents=True)
    np.savez(base / folder / "params.npz", **{k: v.numpy() for k, v in weights(20).items()})
    through_sae_lens("gemma-scope", f"{base.relative_to(ROOT)}/{folder}", base, "gemma_2_sae_huggingface_loader",
                     "google/gemma-scope-2b-pt-res", folder, d_in=D, d_sae=F)
    base = ROOT / "gemma-scope-2-270m-pt"
    for name, folder, hooks in [
        ("gemma-scope-2", "resid_post/layer_3_width_16k_l0_small", {"hf_hook_point_in": "model.layers.3.output"}),
        ("gemma-scope-2-transcoder", "transcoder/layer_3_width_16k_l0_small_affine",
         {"hf_hook_point_in": "model.layers.3.pre_feedforward_layernorm.output",
          "hf_hook_point_out": "model.layers.3.post_feedforward_layernorm.output", "affine_connection": True}),
    ]:
        w = {k.lower(): v for k, v in weights(21).items()}
        if "affine" in folder:
            w["affine_skip_connection"] = 0.3 * torch.randn(D, D, generator=torch.Generator().manual_seed(22))
        (base / folder).mkdir(parents=True)
        save_file(w, base / folder / "params.safetensors")
        (base / folder / "config.json").write_text(json.dumps(
            {"hook_name": "x", "model_name": "gemma-v3-270m-pt", "architecture": "jump_relu", "l0": 10, **hooks}))
        loaders.get_safetensors_tensor_shapes = lambda *_: {k: list(v.shape) for k, v in w.items()}  # noqa: B023
        through_sae_lens(name, f"{base.name}/{folder}", base, "gemma_3_sae_huggingface_loader",
                         "google/gemma-scope-2-270m-pt", folder)


def llama_scopes() -> None:
    """Llama Scope and its successor for R1."""
    base, folder = ROOT / "Llama3_1-8B-Base-LXR-8x", "Llama3_1-8B-Base-L3R-8x"
    norm = 5.5
    factor = D**0.5 / norm
    (base / folder / "checkpoints").mkdir(parents=True)
    save_file(linear(weights(23)), base / folder / "checkpoints" / "final.safetensors")
    (base / folder / "hyperparams.json").write_text(json.dumps({
        "hook_point_in": "blocks.3.hook_resid_post", "d_model": D, "d_sae": F, "act_fn": "jumprelu",
        "jump_relu_threshold": 0.4, "dataset_average_activation_norm": {"in": norm, "out": norm}}))
    through_sae_lens("llama-scope", f"{base.name}/{folder}", base, "llama_scope_sae_huggingface_loader",
                     "fnlp/Llama3_1-8B-Base-LXR-8x", folder, factor=factor)
    base, folder = ROOT / "Llama-Scope-R1-Distill", "400M-Slimpajama-400M-OpenR1-Math-220k/L3R"
    w = weights(24)
    (base / folder).mkdir(parents=True)
    save_file({**linear(w), "log_jumprelu_threshold": w["threshold"].log()}, base / folder / "sae_weights.safetensors")
    (base / folder / "config.json").write_text(json.dumps({
        "hook_point_in": "blocks.3.hook_resid_post", "d_model": D, "expansion_factor": F // D}))
    (base / folder / "sae.yaml").write_text("layout: llama_scope_r1_distill\nnorm_scaling_factor: 2.5\n")
    through_sae_lens("llama-scope-r1-distill", f"{base.name}/{folder}", base,
                     "llama_scope_r1_distill_sae_huggingface_loader", "fnlp/Llama-Scope-R1-Distill", folder, factor=2.5)


def llamascopium() -> None:
    """What OpenMOSS' library writes today, by its names and its formulas."""
    hook = "blocks.3.hook_resid_post"
    kinds = {
        "jumprelu": {"act_fn": "jumprelu"},
        "jumprelu-plain": {"act_fn": "JumpReLU", "sparsity_include_decoder_norm": False, "norm_activation": "inference"},
        "topk": {"act_fn": "topk", "apply_decoder_bias_to_pre_encoder": True},
        "topk-token-wise": {"act_fn": "topk", "norm_activation": "token-wise"},
        "relu": {"act_fn": "relu", "use_decoder_bias": False, "sae_type": "matryoshka_sae", "matryoshka_widths": [8, F]},
    }
    for index, (name, more) in enumerate(kinds.items()):
        w = weights(40 + index)
        cfg = {"sae_type": "sae", "d_model": D, "expansion_factor": 3.0, "use_decoder_bias": True, "act_fn": "relu",
               "norm_activation": "dataset-wise", "sparsity_include_decoder_norm": True, "top_k": 5,
               "use_triton_kernel": False, "sparsity_threshold_for_triton_spmm_kernel": 0.996,
               "jumprelu_threshold_window": 2.0, "hook_point_in": hook, "hook_point_out": hook,
               "use_glu_encoder": False, **more}
        norm = 5.5
        state = {"W_E": w["W_enc"], "b_E": w["b_enc"], "W_D": w["W_dec"],
                 f"dataset_average_activation_norm.{hook}": torch.tensor(norm)}
        if cfg["use_decoder_bias"]:
            state["b_D"] = w["b_dec"]
        if cfg["act_fn"].lower() == "jumprelu":
            state["activation_function.log_jumprelu_threshold"] = w["threshold"].log()
        folder = ROOT / "llamascopium" / name
        folder.mkdir(parents=True)
        save_file({k: v.contiguous() for k, v in state.items()}, folder / "sae_weights.safetensors")
        (folder / "config.json").write_text(json.dumps(cfg, indent=4))

        x = inputs(7)
        norms = w["W_dec"].norm(dim=1)
        bias = w["b_dec"] if cfg["use_decoder_bias"] else torch.zeros(D)
        factor = {"dataset-wise": torch.tensor(D**0.5 / norm), "inference": torch.tensor(1.0),
                  "token-wise": D**0.5 / x.norm(dim=-1, keepdim=True)}[cfg["norm_activation"]]

        def encode(x, w=w, cfg=cfg, norms=norms, bias=bias, factor=factor):
            staged = x * factor
            if cfg.get("apply_decoder_bias_to_pre_encoder"):
                staged = staged - bias
            pre = staged @ w["W_enc"] + w["b_enc"]
            scale = norms if cfg["sparsity_include_decoder_norm"] else torch.ones(F)
            pre = pre * scale
            kind = cfg["act_fn"].lower()
            if kind == "jumprelu":
                acts = pre * (pre > w["threshold"])
            else:
                acts = pre * (pre > 0)
                if kind == "topk":
                    top = acts.topk(cfg["top_k"], dim=-1)
                    acts = torch.zeros_like(acts).scatter(-1, top.indices, top.values)
            return acts / scale

        # Folded, latents carry the norms of a decoder that works on activations as they come.
        unit = norms / (factor if cfg["norm_activation"] == "dataset-wise" else 1)
        record(f"llamascopium-{name}", f"llamascopium/{name}", x, lambda x, e=encode, u=unit: e(x) * u,
               lambda f, u=unit, w=w, b=bias, s=factor: (f / u @ w["W_dec"] + b) / s, None)


def published_extras() -> None:
    """Files whose tensors, values and keys SAELens passes over, for names of its directory."""
    base = ROOT.parent / "published"
    shutil.rmtree(base, ignore_errors=True)
    hook = "blocks.3.hook_resid_post"

    def write(name: str, state: dict, config: dict | None = None, weights_file="", config_file="config.json") -> None:
        path = base / name / weights_file
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            save_file({k: v.contiguous() for k, v in state.items()}, path)
        else:
            torch.save(state, path)
        if config is not None:
            (base / name / config_file).write_text(json.dumps(config))

    owner = {"sae_type": "crosscoder", "d_model": D, "expansion_factor": F // D, "use_decoder_bias": True,
             "act_fn": "topk", "norm_activation": "token-wise", "sparsity_include_decoder_norm": True, "top_k": 5,
             "apply_decoder_bias_to_pre_encoder": True, "hook_point_in": hook, "hook_point_out": "blocks.3.hook_mlp_out",
             "use_glu_encoder": True, "a_key_of_tomorrow": 1}
    w = weights(60)
    norms = {f"dataset_average_activation_norm.{hook}": torch.tensor(5.5), "encoder_glu.bias": torch.ones(F)}
    write("llama-scope-r1", {**linear(w), "log_jumprelu_threshold": w["threshold"].log(), **norms}, owner,
          "sae_weights.safetensors")
    write("llama-scope", {**linear(w), **norms},
          {**owner, "d_sae": F, "jump_relu_threshold": 0.4, "dataset_average_activation_norm": {"in": 5.5, "out": 4.0}},
          "checkpoints/final.safetensors", "../hyperparams.json")
    shutil.move(base / "hyperparams.json", base / "llama-scope" / "hyperparams.json")
    trainer = {"trainer_class": "OwnTrainer", "activation_dim": D, "dict_size": F, "layer": 3, "lm_name": "org/tiny",
               "submodule_name": "mlp_3", "a_key_of_tomorrow": 1, "k": 3}
    flat = {k: w[k] for k in ("W_enc", "W_dec", "b_enc", "b_dec")}
    batch = {**linear(w), "b_dec": w["b_dec"], "k": torch.tensor(4), "threshold": torch.tensor(0.9),
             "steps": torch.tensor(7.0), "best": "yes"}
    del batch["decoder.bias"]
    for name, kind, state in [
        ("topk", "AutoEncoderTopK", batch),
        ("batch-topk-unset", "BatchTopKSAE", {**batch, "threshold": torch.tensor(-1.0)}),
        ("jumprelu", "JumpReluAutoEncoder", {**flat, "threshold": w["threshold"], "log": torch.ones(2)}),
    ]:
        write(name, state, {"trainer": {**trainer, "dict_class": kind}, "buffer": {"ctx_len": 64, "io": "in"},
                            "more": {}}, "ae.pt")
    lower = {k.lower(): v for k, v in w.items()}
    config = {"model_name": "gemma-v3-270m-pt", "architecture": "jump_relu", "l0": 10, "width": 3, "type": "crosscoder",
              "hf_hook_point_in": "model.layers.3.output", "hf_hook_point_out": "model.layers.4.output", "more": 1}
    write("gemma-scope-2", {**lower, "w_more": torch.ones(2)}, config, "params.safetensors")
    skip = torch.randn(D, D, generator=torch.Generator().manual_seed(61))
    write("gemma-scope-2-transcoder", {**lower, "affine_skip_connection": skip, "w_more": torch.ones(2)},
          {**config, "type": "transcoder", "affine_connection": True,
           "hf_hook_point_in": "model.layers.3.pre_feedforward_layernorm.output",
           "hf_hook_point_out": "model.layers.3.post_feedforward_layernorm.output"}, "params.safetensors")
    (base / "embedding").mkdir()
    np.savez(base / "embedding" / "params.npz", **{k: v.numpy() for k, v in w.items()})
    more = {"scale": torch.ones(1), "step": 3}
    write("qwen", {"W_enc": torch.linspace(-1, 1, 64 * D).reshape(64, D).cos(), "b_enc": torch.zeros(64),
                   "W_dec": torch.linspace(-2, 2, 64 * D).reshape(D, 64).sin(), "b_dec": w["b_dec"], **more},
          weights_file="layer3.sae.pt")
    write("deepseek", {**linear(w), **more}, weights_file="DeepSeek-R1-Distill-Llama-8B-SAE-l19.pt")
    write("goodfire", {**linear(w, "{}_linear"), **more}, weights_file="Llama-3.1-8B-Instruct-SAE-l19.pth")


def single_files() -> None:
    """Layouts of one file for each autoencoder."""
    base = ROOT / "SAE-Res-Qwen3-1.7B-Base-W32K-L0_5"
    base.mkdir()
    w = weights(25)
    torch.save({"W_enc": w["W_enc"].T.contiguous(), "W_dec": w["W_dec"].T.contiguous(), "b_enc": w["b_enc"],
                "b_dec": w["b_dec"]}, base / "layer3.sae.pt")
    through_sae_lens("qwen-scope", f"{base.name}/layer3.sae", base, "qwen_scope_sae_huggingface_loader",
                     "Qwen/SAE-Res-Qwen3-1.7B-Base-W32K-L0_5", "layer3.sae.pt", d_in=D, d_sae=F)
    base = ROOT / "DeepSeek-R1-Distill-Llama-8B-SAE-l3"
    base.mkdir()
    torch.save(linear(weights(26)), base / "DeepSeek-R1-SAE-l3.pt")
    through_sae_lens("deepseek-r1", f"{base.name}/DeepSeek-R1-SAE-l3", base, "deepseek_r1_sae_huggingface_loader",
                     "qresearch/DeepSeek-R1-Distill-Llama-8B-SAE-l3", "DeepSeek-R1-SAE-l3.pt", d_in=D, d_sae=F)
    base = ROOT / "Llama-3.1-8B-Instruct-SAE-l19"
    base.mkdir()
    torch.save(linear(weights(27), "{}_linear"), base / "Llama-3.1-8B-Instruct-SAE-l19.pth")
    through_sae_lens("goodfire", f"{base.name}/Llama-3.1-8B-Instruct-SAE-l19", base, "get_goodfire_huggingface_loader",
                     "Goodfire/Llama-3.1-8B-Instruct-SAE-l19", "Llama-3.1-8B-Instruct-SAE-l19.pth", d_in=D, d_sae=F)
    base = ROOT / "attn-saes-gpt2-small-all-layers"
    base.mkdir()
    w = weights(28)
    del w["threshold"]
    torch.save(w, base / "gpt2-small_L3_Hcat_z.pt")
    (base / "gpt2-small_L3_Hcat_z_cfg.json").write_text(json.dumps(
        {"act_size": D, "dict_size": F, "act_name": "blocks.3.attn.hook_z"}))
    through_sae_lens("hook-z", f"{base.name}/gpt2-small_L3_Hcat_z", base, "connor_rob_hook_z_huggingface_loader",
                     "ckkissane/attn-saes-gpt2-small-all-layers", "gpt2-small_L3_Hcat_z.pt")


def written_by_hand() -> None:
    """Layouts whose programs are not on PyPI; their functions are written out here."""
    w = weights(29)
    folder = ROOT / "sae-tiny-8x" / "layers.3"
    folder.mkdir(parents=True)
    save_file({"encoder.weight": w["W_enc"].T.contiguous(), "encoder.bias": w["b_enc"], "W_dec": w["W_dec"],
               "b_dec": w["b_dec"]}, folder / "sae.safetensors")
    (folder / "cfg.json").write_text(json.dumps({
        "activation": "topk", "expansion_factor": F // D, "normalize_decoder": True, "num_latents": 0, "k": 5,
        "multi_topk": False, "skip_connection": False, "transcode": False, "d_in": D}))
    (folder.parent / "config.json").write_text(json.dumps({"model": "org/tiny", "ctx_len": 64}))

    def top(p: torch.Tensor, k: int) -> torch.Tensor:
        kept = p.topk(k, dim=-1)
        return torch.zeros_like(p).scatter(-1, kept.indices, kept.values.relu())

    record("sparsify", "sae-tiny-8x/layers.3", inputs(7),
           lambda x: top(((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"]).relu(), 5), lambda f: f @ w["W_dec"] + w["b_dec"], None)

    for seed, name, activation in [(30, "resid_post_mlp", "ReLU"), (31, "resid_post_mlp_v5_32k", "TopK")]:
        v = weights(seed)
        state = {"pre_bias": v["b_dec"], "latent_bias": v["b_enc"],
                 "stats_last_nonzero": torch.zeros(F, dtype=torch.long), "latents_activation_frequency": torch.ones(F),
                 "latents_mean_square": torch.zeros(F), "encoder.weight": v["W_enc"].T.contiguous(),
                 "decoder.weight": v["W_dec"].T.contiguous(), "activation": activation,
                 "activation_state_dict": {"k": 5, "postact_fn": "ReLU"} if activation == "TopK" else {}}
        folder = ROOT / name / "autoencoders"
        folder.mkdir(parents=True)
        torch.save(state, folder / "3.pt")
        x = inputs(7)
        mean = x.mean(dim=-1, keepdim=True)
        scale = (x - mean).std(dim=-1, keepdim=True)
        if activation == "ReLU":
            # Decoder norms are folded, as for any ReLU autoencoder.
            n = v["W_dec"].norm(dim=1)
            record(f"openai-{activation.lower()}", f"{name}/autoencoders/3", x,
                   lambda x: ((x - v["b_dec"]) @ v["W_enc"] + v["b_enc"]).relu() * n,  # noqa: B023
                   lambda f: (f / n) @ v["W_dec"] + v["b_dec"], None)  # noqa: B023
        else:
            record(f"openai-{activation.lower()}", f"{name}/autoencoders/3", x,
                   lambda x: top(((x - mean) / (scale + 1e-5) - v["b_dec"]) @ v["W_enc"] + v["b_enc"], 5),  # noqa: B023
                   lambda f: (f @ v["W_dec"] + v["b_dec"]) * scale + mean, None)  # noqa: B023


def openai_tied() -> None:
    """A tied decoder of OpenAI's, whose matrix is the encoder's once more, and files with more than they write."""
    v = weights(33)
    rows = v["W_enc"].T.contiguous()
    state = {"pre_bias": v["b_dec"], "latent_bias": v["b_enc"], "stats_last_nonzero": torch.full((F,), 7),
             "latents_activation_frequency": torch.full((F,), 5.0), "latents_mean_square": torch.full((F,), 3.0),
             "encoder.weight": rows, "decoder.linear.weight": rows, "activation": "ReLU", "activation_state_dict": {}}
    folder = ROOT / "resid_delta_mlp_tied" / "autoencoders"
    folder.mkdir(parents=True)
    torch.save(state, folder / "3.pt")
    n = rows.norm(dim=1)
    record("openai-tied", "resid_delta_mlp_tied/autoencoders/3", inputs(7),
           lambda x: ((x - v["b_dec"]) @ v["W_enc"] + v["b_enc"]).relu() * n, lambda f: (f / n) @ rows + v["b_dec"], None)
    more = ROOT.parent / "published" / "openai"
    more.mkdir(parents=True)
    torch.save({**state, "scale": torch.ones(F)}, more / "tensor.pt")
    torch.save({**state, "normalize": True}, more / "value.pt")
    np.savez(ROOT.parent / "published" / "embedding" / "more.npz", scale=np.ones(2, np.float32),
             **{k: t.numpy() for k, t in weights(60).items()})


def baselines() -> None:
    """SAE Bench's identity and principal components."""
    folder = ROOT / "gemma-2-2b_pca_saes"
    folder.mkdir()
    g = torch.Generator().manual_seed(32)
    components = torch.linalg.qr(torch.randn(D, D, generator=g)).Q
    torch.save({"W_enc": components, "W_dec": components.T.clone(), "mean": 0.5 * torch.randn(D, generator=g)},
               folder / "pca_tiny_blocks.3.hook_resid_post.pt")
    serve(folder)
    find = pca_sae.hf_hub_download
    pca_sae.hf_hub_download = lambda repo_id, filename, **_: find(repo_id, filename)
    sae = pca_sae.PCASAE(D, "tiny", LAYER, torch.device("cpu"), torch.float32)
    sae.load_from_file("pca_tiny_blocks.3.hook_resid_post.pt")
    record("pca", f"{folder.name}/pca_tiny_blocks.3.hook_resid_post", inputs(7), sae.encode, sae.decode,
           standardized(sae.cfg))
    folder = ROOT / "identity"
    folder.mkdir()
    (folder / "sae.yaml").write_text(f"layout: identity\nhook: blocks.3.hook_resid_post\nmodel: tiny\nd_in: {D}\n")
    sae = identity_sae.IdentitySAE(D, "tiny", LAYER, torch.device("cpu"), torch.float32)
    record("identity", folder.name, inputs(7), sae.encode, sae.decode, standardized(sae.cfg))


def main() -> None:
    """Writes everything anew."""
    for folder in (ROOT, EXPECTED):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    dictionaries()
    published_vectors()
    gemma_scopes()
    llama_scopes()
    llamascopium()
    published_extras()
    single_files()
    written_by_hand()
    openai_tied()
    baselines()


main()
