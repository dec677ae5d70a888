"""Runs SAE Bench 0.6.0 on the small oracle models and keeps what the parity tests compare.

  ORACLE_WORK=... ORACLE_THREADS=1 python make_runs.py ORACLE [EVAL/TAG ...]

ORACLE is the folder with `run_eval.py` (see README.md). Without names every run of `RUNS` is made.
Each run is a process of its own, so that no state is left over from the one before.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIOS = "LabHC/bias_in_bios_class_set1"
AMAZON = "canrager/amazon_reviews_mcauley_1and5"
NEWS = "fancyzhx/ag_news"
PAIRS = {
    BIOS: [("professor", "nurse"), ("architect", "attorney")],
    AMAZON: [("Toys_and_Games", "Cell_Phones_and_Accessories")],
}
# Every run: model, autoencoder, seed, changed settings.
RUNS: dict[str, tuple[str, str, int, dict]] = {
    "sparse_probing/jumprelu_seed7": (
        "tiny-neox", "tiny-neox_jumprelu_512", 7, {"k_values": [1, 3, 10]}),
    "sparse_probing/gated_seed123": (
        "tiny-neox", "tiny-neox_gated_512", 123,
        {"dataset_names": [AMAZON + "_sentiment", BIOS], "probe_train_set_size": 600,
         "probe_test_set_size": 160, "context_length": 64, "k_values": [2, 5, 20]}),
    "sparse_probing/gemma_lower_vram_seed3": (
        "gemma-2-2b-it", "gemma-2-2b-it_topk_512", 3,
        {"dataset_names": [NEWS, AMAZON + "_sentiment"], "k_values": [1, 2, 50],
         "lower_vram_usage": True}),
    "scr/jumprelu_seed7": (
        "tiny-neox", "tiny-neox_jumprelu_512", 7,
        {"dataset_names": [BIOS, AMAZON], "column1_vals_lookup": PAIRS, "n_values": [2, 10, 50]}),
    "scr/gated_seed123": (
        "tiny-neox", "tiny-neox_gated_512", 123,
        {"dataset_names": [AMAZON], "column1_vals_lookup": PAIRS, "train_set_size": 320,
         "test_set_size": 160, "context_length": 64, "probe_epochs": 8,
         "n_values": [5, 20, 100, 500]}),
    "scr/topk_seed42": ("tiny-neox", "tiny-neox_topk_512", 42, {}),
    "tpp/topk_seed42": ("tiny-neox", "tiny-neox_topk_512", 42, {}),
    "tpp/gemma_seed11": (
        "gemma-2-2b-it", "gemma-2-2b-it_topk_512", 11, {"n_values": [2, 5, 20, 50]}),
    "tpp/gated_seed123": (
        "tiny-neox", "tiny-neox_gated_512", 123,
        {"train_set_size": 320, "test_set_size": 160,
         "probe_epochs": 8, "probe_l1_penalty": 1e-2, "n_values": [2, 3, 10, 100, 500]}),
    "sparse_probing_sae_probes/jumprelu_seed7": (
        "tiny-neox", "tiny-neox_jumprelu_512", 7,
        {"dataset_names": ["118_us_state_CA", "87_glue_cola", "126_art_type_book"],
         "ks": [1, 3, 10]}),
    "sparse_probing_sae_probes/gated_l2_seed123": (
        "tiny-neox", "tiny-neox_gated_512", 123,
        {"dataset_names": ["21_headline_istrump", "131_temp_cat_Typical Time", "67_social-security"],
         "ks": [1, 2, 5, 16], "reg_type": "l2"}),
}


def digest(values) -> str:
    """SHA-256 of integers as little-endian int32."""
    import numpy as np

    return hashlib.sha256(np.asarray(values).astype("<i4").tobytes()).hexdigest()


def keep_permutations(trace, folder: Path) -> None:
    """Writes all permutations' lengths and hashes, or the first 200 when that is too long."""
    everything = hashlib.sha256()
    calls = []
    for permutation in trace.perms:
        content = permutation.numpy().astype("<i4").tobytes()
        everything.update(content)
        calls.append({"n": len(permutation), "sha256_i32le": hashlib.sha256(content).hexdigest()})
    shown = calls if len(calls) <= 1400 else calls[:200]
    lines = ",\n".join(json.dumps(call) for call in shown)
    (folder / "randperm_trace.json").write_text(
        f'{{"count": {len(calls)}, "all_sha256_i32le": "{everything.hexdigest()}", "calls": [\n'
        f"{lines}\n]}}\n")


def keep_tokens(trace, folder: Path) -> None:
    """Writes shape and hash of the token rows of each class, in the order of the calls."""
    rows = {
        name: {"shape": list(tokens.shape), "sha256_i32le": digest(tokens)}
        for name, tokens in trace.tokens.items()
    }
    (folder / "tokens.json").write_text(json.dumps(rows, indent=1) + "\n")


def watch_splits(found: dict) -> None:
    """Records which rows SAE-probes trains on and tests on."""
    from sae_probes import utils_data

    real = utils_data.get_train_test_indices

    def recorded(y, num_train, num_test, *rest, **named):
        train, test = real(y, num_train, num_test, *rest, **named)
        found[f"{len(y)} rows, {num_train} train, {num_test} test, labels {digest(y)}"] = {
            "train_first": [int(i) for i in train[:8]], "train_sha256_i32le": digest(train),
            "test_first": [int(i) for i in test[:8]], "test_sha256_i32le": digest(test),
        }
        return train, test

    utils_data.get_train_test_indices = recorded


def watch_ablations(found: list) -> None:
    """Records the accuracies behind SCR and TPP scores and the latents that were ablated."""
    from sae_bench.evals.scr_and_tpp import main as module

    real_run, real_choice = module.run_eval_single_dataset, module.select_top_n_features
    chosen: list = []

    def choice(effects, n, name):
        latents = real_choice(effects, n, name)
        chosen.append({"class": name, "n": n, "latents": latents.nonzero().flatten().tolist()})
        return latents

    def run(*rest, **named):
        chosen.clear()
        ablated, clean = real_run(*rest, **named)
        found.append({"clean": clean, "ablated": ablated, "latents": list(chosen)})
        return ablated, clean

    module.select_top_n_features, module.run_eval_single_dataset = choice, run


def run_here(oracle: Path, name: str) -> None:
    """Makes one run in this process."""
    sys.path.insert(0, str(oracle))
    import common
    import run_eval

    evaluation, tag = name.split("/")
    model, autoencoder, seed, settings = RUNS[name]
    folder = HERE / evaluation / tag
    folder.mkdir(parents=True, exist_ok=True)
    splits: dict = {}
    if evaluation == "sparse_probing_sae_probes":
        watch_splits(splits)
    ablations: list = []
    if evaluation in ("scr", "tpp"):
        watch_ablations(ablations)
    run_eval.Trace.save = lambda trace, _: (
        (keep_permutations(trace, folder), keep_tokens(trace, folder)) if trace.perms else None)
    arguments = [evaluation, f"models/{model}", autoencoder, "--seed", str(seed), "--tag", tag]
    for key, value in settings.items():
        arguments += ["--set", f"{key}={value!r}"]
    sys.argv = ["run_eval.py", *arguments]
    run_eval.main()
    out = common.WORK / "out" / evaluation / tag
    text = (out / "result_normalised.json").read_text()
    (folder / "result.json").write_text(text.replace(str(common.WORK), "$ORACLE_WORK"))
    if ablations:
        lines = ",\n".join(json.dumps(each, default=float) for each in ablations)
        (folder / "accuracies.json").write_text(f"[\n{lines}\n]\n")
    if evaluation == "sparse_probing_sae_probes":
        (folder / "splits.json").write_text(json.dumps(splits, indent=1) + "\n")
        tables = {
            file.name: json.loads(file.read_text())
            for file in sorted((out / "probe_results").rglob("*.json"))
        }
        (folder / "probe_results.json").write_text(json.dumps(tables, indent=1) + "\n")


def main() -> None:
    oracle = Path(sys.argv[1]).resolve()
    if len(sys.argv) == 4 and sys.argv[2] == "--here":
        return run_here(oracle, sys.argv[3])
    for name in sys.argv[2:] or RUNS:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, __file__, str(oracle), "--here", name], env=os.environ)
        print(f"== {name}: exit {done.returncode}", flush=True)


if __name__ == "__main__":
    main()
