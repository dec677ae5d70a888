#!/usr/bin/env python3
"""Compares result files of the core evaluation.

    compare_results.py golden OURS.json GOLDEN.json   float32 on a GPU beside SAE Bench's numbers
    compare_results.py half GPU.json CPU.json         bfloat16 on a GPU beside the processor's numbers
    compare_results.py widen FOLDER TARGET            copies a folder, its bfloat16 tensors as float32

`golden`: every metric and statistic of a latent within 1e-3 of itself, divergences within 1e-2;
numbers below 1e-3 count as 1e-3. Ten times the tolerances of `ParityTests.swift`, as there for GPUs.
`half`: the metrics of HALF; the largest difference among the others is told. `widen`: products of
float32 weights are float32 on a GPU, those of bfloat16 weights are not, and SAE Bench's numbers are
of float32. Needs nothing but Python. Exit code 1 when a tolerance is exceeded.
"""

import json
import os
import shutil
import sys

# Relative tolerances of bfloat16 products, whose factors are rounded to 8 bits.
HALF = {
    "model_performance_preservation.ce_loss_with_sae": 1e-3,
    "model_performance_preservation.ce_loss_without_sae": 1e-3,
    "reconstruction_quality.explained_variance": 1e-3,
    "sparsity.l0": 1e-3,
    "model_behavior_preservation.kl_div_with_sae": 2e-2,
}


def read(path):
    """A result file."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def metrics(result):
    """All metrics by `category.name`."""
    return {f"{category}.{name}": value
            for category, values in result["eval_result_metrics"].items()
            for name, value in values.items()}


def is_number(value):
    """Whether a value can be compared."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def share(actual, expected, relative, least):
    """The difference as a share of the tolerance."""
    if not is_number(actual) or not is_number(expected):
        return 0 if actual == expected else float("inf")
    if actual == expected:
        return 0
    difference = abs(actual - expected) / (relative * max(abs(expected), least))
    return difference if difference == difference else float("inf")


def told(name, worst, what, count):
    """Prints the worst of some comparisons and says whether it is within the tolerance."""
    verdict = "ok" if worst <= 1 else "WRONG"
    print(f"{name}: {verdict}, {count} numbers, worst {worst:.3g} of the tolerance: {what}")
    return 0 if worst <= 1 else 1


def compare(ours_path, entries):
    """Compares entries of name, actual, expected, relative tolerance and least magnitude."""
    worst, what = -1.0, "nothing"
    for name, actual, expected, relative, least in entries:
        ratio = share(actual, expected, relative, least)
        if ratio > worst:
            worst, what = ratio, f"{name} is {actual} for {expected}"
    return told(os.path.basename(ours_path), worst, what, len(entries))


def golden(ours_path, golden_path):
    """Our float32 numbers beside SAE Bench's."""
    ours, upstream = read(ours_path), read(golden_path)
    found, entries = metrics(ours), []
    for name, expected in metrics(upstream).items():
        relative = 1e-2 if ".kl_" in name else 1e-3
        entries.append((name, found.get(name), expected, relative, 1e-3))
    details = ours["eval_result_details"]
    for latent in upstream["eval_result_details"]:
        index = latent["index"]
        mine = details[index] if index < len(details) else {}
        entries += [(f"latent {index} {key}", mine.get(key), expected, 1e-3, 1e-3)
                    for key, expected in latent.items()]
    return compare(ours_path, entries)


def half(gpu_path, cpu_path):
    """A GPU's bfloat16 numbers beside the processor's."""
    gpu, cpu = metrics(read(gpu_path)), metrics(read(cpu_path))
    others = [(share(gpu.get(name), expected, 1, 1e-3), name) for name, expected in cpu.items()
              if name not in HALF]
    for name, relative in HALF.items():
        print(f"    {name}: {gpu.get(name)} for {cpu.get(name)}, "
              f"{share(gpu.get(name), cpu.get(name), relative, 1e-3):.3g} times {relative:g}")
    if others:
        print("    largest difference of the others: {0:.3g} of {1}".format(*max(others)))
    return compare(gpu_path, [(name, gpu.get(name), cpu.get(name), relative, 1e-3)
                              for name, relative in HALF.items()])


def widened(data):
    """A safetensors file whose bfloat16 tensors are float32, in the order of the old one."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8:8 + length]), data[8 + length:]
    tensors = [item for item in header.items() if item[0] != "__metadata__"]
    pieces, end = [], 0
    for _, entry in sorted(tensors, key=lambda item: item[1]["data_offsets"]):
        start, stop = entry["data_offsets"]
        piece = body[start:stop]
        if entry["dtype"] == "BF16":
            wide = bytearray(2 * len(piece))
            wide[2::4], wide[3::4] = piece[0::2], piece[1::2]
            piece, entry["dtype"] = bytes(wide), "F32"
        entry["data_offsets"] = [end, end + len(piece)]
        end += len(piece)
        pieces.append(piece)
    text = json.dumps(header).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(pieces)


def widen(folder, target):
    """Copies a folder and widens its safetensors files."""
    shutil.copytree(folder, target)
    for parent, _, names in os.walk(target):
        for name in names:
            if name.endswith(".safetensors"):
                path = os.path.join(parent, name)
                with open(path, "rb") as file:
                    data = file.read()
                with open(path, "wb") as file:
                    file.write(widened(data))
    return 0


def main():
    """Does what the first argument says."""
    actions = {"golden": golden, "half": half, "widen": widen}
    if len(sys.argv) != 4 or sys.argv[1] not in actions:
        print(__doc__, file=sys.stderr)
        return 64
    return actions[sys.argv[1]](sys.argv[2], sys.argv[3])


if __name__ == "__main__":
    sys.exit(main())
