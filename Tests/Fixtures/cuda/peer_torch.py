#!/usr/bin/env python3
"""Measures in PyTorch what `saeval bench --device cuda` measures, and compares the two.

    peer_torch.py [--device cuda|cpu] [--quick] [--only TEXT] [--json FILE]
    peer_torch.py compare OURS.json TORCH.json

Shapes and names are those of `saeval bench`. Times are the device's, by events: the fastest and the
median of several repetitions, each of at least a millisecond. Encoders and decoders are computed
densely, as SAE Bench does; the model is plain eager PyTorch with Gemma 2's formulas, its attention
once with soft cap (as transformers computes it) and once by scaled_dot_product_attention without.
float32 products use no TF32, as ours. Needs PyTorch alone.
"""

import argparse
import json
import sys
import time

# Types of products.
TYPES = ("bfloat16", "float16", "float32")


def compare(ours_path, torch_path):
    """Prints the times of both and PyTorch's over ours; above 1 ours is faster."""
    ours, peer = (json.load(open(path, encoding="utf-8")) for path in (ours_path, torch_path))
    times = {}
    for line in ours["measurements"]:
        times.setdefault((line["operation"], line["shape"]), line["fastest_seconds"])
    print(f"ours: {ours['device']}\nPyTorch: {peer['device']}, {peer['program']}\n")
    rows, slower, missing = [], 0, 0
    for line in peer["measurements"]:
        for against in line["against"]:
            keys = [(name, line["shape"]) for name in against]
            if not all(key in times for key in keys):
                missing += 1
                continue
            mine, theirs = sum(times[key] for key in keys), line["fastest_seconds"]
            name = line["operation"]
            if against != [name]:
                name += " / ours: " + " + ".join(against)
            slower += theirs < mine
            rows.append((name, line["shape"], f"{1e3 * mine:.4f}", f"{1e3 * theirs:.4f}",
                         f"{theirs / mine:.2f}", "slower" if theirs < mine else ""))
    rows.insert(0, ("PyTorch", "shape", "ours ms", "torch ms", "ratio", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        print("  ".join(cell.ljust(width) if column in (0, 1, 5) else cell.rjust(width)
                        for column, (cell, width) in enumerate(zip(row, widths))).rstrip())
    print(f"\n{slower} slower than PyTorch; {missing} without a partner")
    return 0


class Bench:
    """Timing and the list of lines."""

    def __init__(self, arguments):
        import torch

        self.torch, self.quick = torch, arguments.quick
        self.device, self.only, self.path = arguments.device, arguments.only, arguments.json
        self.lines, self.failures = [], []
        if self.device == "cuda":
            self.name = torch.cuda.get_device_name()
        else:
            self.name = "the processor"
        torch.manual_seed(1)
        torch.set_grad_enabled(False)
        torch.backends.cuda.matmul.allow_tf32 = False

    def random(self, shape, kind="float32", scale=1.0):
        """Numbers between -scale and scale."""
        numbers = self.torch.empty(shape, device=self.device, dtype=getattr(self.torch, kind))
        return numbers.uniform_(-scale, scale)

    def seconds(self, body, calls):
        """Seconds of some calls one after the other."""
        if self.device == "cpu":
            start = time.perf_counter()
            for _ in range(calls):
                body()
            return time.perf_counter() - start
        begin, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(calls):
            body()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3

    def measure(self, operation, shape, body, against=None):
        """Times a call and keeps the line; `against` lists sums of ours that it stands beside."""
        body()
        once = max(self.seconds(body, 1), 1e-7)
        calls = 1 if self.quick else min(100, max(1, int(1e-3 / once)))
        count = 2 if self.quick else min(25, max(5, int(0.35 / (once * calls))))
        times = sorted(self.seconds(body, calls) / calls for _ in range(count))
        line = {
            "operation": operation, "shape": shape, "fastest_seconds": times[0],
            "median_seconds": times[len(times) // 2], "repetitions": count, "calls": calls,
            "against": against or [[operation]],
        }
        self.lines.append(line)
        print(f"{operation}, {shape}: {1e3 * times[0]:.4f} ms, median "
              f"{1e3 * line['median_seconds']:.4f}", flush=True)
        if self.path:
            with open(self.path, "w", encoding="utf-8") as file:
                json.dump({"program": f"PyTorch {self.torch.__version__}", "device": self.name,
                           "measurements": self.lines}, file, indent=1)

    def part(self, name, body):
        """Measures a part; what fails is told and the rest goes on."""
        if self.only and self.only not in name:
            return
        try:
            body()
        except Exception as error:  # any failure is one part's alone
            self.failures.append(f"{name} was not measured: {error}")
        if self.device == "cuda":
            self.torch.cuda.empty_cache()


def products(bench):
    """The products that bound everything, and those of the model."""
    side, rows = (128, 32) if bench.quick else (8192, 2048)
    shapes = [(side, side, side, kind) for kind in TYPES]
    inner = ([(64, 128), (128, 64)] if bench.quick else
             [(2304, 2048), (2304, 1024), (2048, 2304), (2304, 9216), (9216, 2304)])
    shapes += [(rows, i, o, "bfloat16") for i, o in inner]
    if not bench.quick:
        shapes.append((1024, 2304, 256000, "bfloat16"))
    for r, i, o, kind in shapes:
        x, w = bench.random((r, i), kind), bench.random((o, i), kind)
        bench.measure("product", f"{r} × {i} × {o} {kind}", lambda: x @ w.T)


def autoencoder(bench, latents, kind):
    """Dense encoding and decoding, as SAE Bench's classes compute them."""
    torch = bench.torch
    rows, model = (32, 64) if bench.quick else (2048, 2304)
    k = 8 if bench.quick else 64
    shape = f"{rows} × {model} × {latents} {kind}"
    x, w = bench.random((rows, model), kind), bench.random((model, latents), kind)
    decoder, centre = bench.random((latents, model), kind), torch.zeros(model, device=x.device)
    deviations = 2 if bench.quick else 3.03 if latents > 40000 else 2.58
    limit = torch.full((latents,), deviations * (model / 9) ** 0.5, device=x.device)
    limit, bias, centre = limit.to(x.dtype), torch.zeros_like(limit, dtype=x.dtype), centre.to(x)
    bench.measure("product", shape, lambda: x @ w)

    def jump():
        pre = x @ w + bias
        return torch.relu(pre) * (pre > limit)

    def top():
        pre = (x - centre) @ w + bias
        found = torch.topk(pre, k, dim=-1)
        values = torch.relu(found.values)
        return torch.zeros_like(pre).scatter_(-1, found.indices, values)

    def relu():
        return torch.relu((x - centre) @ w - limit)

    for name, encode in (("jump relu", jump), (f"top {k}", top), ("relu", relu)):
        ours = f"encode, {name}"
        bench.measure(ours, shape, encode, [[ours], [f"{ours}, and codes to the host"]])
        codes = encode()
        if name != "relu":
            bench.measure(f"decode, {name}", shape, lambda: codes @ decoder + centre)


def eager(bench, q, k, v, cap):
    """Causal attention as transformers computes it, `[batch, heads, position, head]`."""
    torch = bench.torch
    groups = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if cap:
        scores = torch.tanh(scores / cap) * cap
    n = q.shape[2]
    mask = torch.full((n, n), float("-inf"), device=q.device, dtype=q.dtype).triu(1)
    return torch.softmax(scores + mask, -1, dtype=torch.float32).to(q.dtype) @ v


def fused(bench, q, k, v):
    """The same by PyTorch's fused kernel, which has no soft cap."""
    groups = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    return bench.torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def attention(bench):
    """Attention of Gemma 2's shape."""
    heads, key_heads, size = (4, 2, 32) if bench.quick else (8, 4, 256)
    for batch, positions in [(2, 8), (1, 40)] if bench.quick else [(16, 128), (4, 1024), (1, 4096)]:
        shape = f"{batch} × {positions} × {heads} × {size}"
        for kind in ("float32", "bfloat16"):
            q, k, v = (bench.random((batch, h, positions, size), kind)
                       for h in (heads, key_heads, key_heads))
            bench.measure(f"attention, eager with soft cap, {kind}", shape,
                          lambda: eager(bench, q, k, v, 50), [["attention"]])
            bench.measure(f"attention, fused without soft cap, {kind}", shape,
                          lambda: fused(bench, q, k, v), [["attention"]])


def divergence(bench, clean, changed):
    """Kullback-Leibler divergence of each row, from logits."""
    p = bench.torch.log_softmax(clean, -1)
    q = bench.torch.log_softmax(changed, -1)
    return (p.exp() * (p - q)).sum(-1)


def distributions(bench):
    """Reductions over the vocabulary."""
    torch = bench.torch
    rows, vocabulary = (8, 1009) if bench.quick else (1024, 256000)
    shape = f"{rows} × {vocabulary}"
    clean, changed = (bench.random((rows, vocabulary), scale=8) for _ in range(2))
    index = torch.zeros((rows, 1), dtype=torch.int64, device=clean.device)
    bench.measure("log_softmax and gather", shape,
                  lambda: torch.log_softmax(clean, -1).gather(-1, index), [["log-sum-exp"]])
    bench.measure("divergence from logits", shape, lambda: divergence(bench, clean, changed),
                  [["log-sum-exp", "log-sum-exp", "divergence"]])
    bench.measure("soft cap", shape, lambda: torch.tanh(clean / 30) * 30)


def rms_norm(torch, x, weight):
    """Gemma 2's norm: in float32, the weight plus 1."""
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
    return (wide * (1 + weight.float())).to(x.dtype)


def rotate(torch, x, cosines, sines):
    """Rotary embedding of `[…, position, head]`."""
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat((-second, first), -1) * sines


def elements(bench, rows):
    """Norms, gates, rotation and addition, in float32 as ours and in bfloat16."""
    torch = bench.torch
    functional = torch.nn.functional
    model, inner, heads, size = (64, 128, 4, 16) if bench.quick else (2304, 9216, 8, 256)
    positions = 8 if bench.quick else 128
    for kind in ("float32", "bfloat16"):
        x, y, gate, up = (bench.random((rows, w), kind) for w in (model, model, inner, inner))
        weight = bench.random((model,), kind)
        queries = bench.random((rows // positions, heads, positions, size), kind)
        cosines, sines = (bench.random((positions, size), kind) for _ in range(2))
        for name, shape, body in (
            ("rms norm", f"{rows} × {model}", lambda: rms_norm(torch, x, weight)),
            ("layer norm", f"{rows} × {model}",
             lambda: functional.layer_norm(x, (model,), weight, weight)),
            ("add", f"{rows} × {model}", lambda: x + y),
            ("rotate", f"{rows} × {heads} × {size}",
             lambda: rotate(torch, queries, cosines, sines)),
            ("gate", f"{rows} × {inner}",
             lambda: functional.gelu(gate, approximate="tanh") * up),
        ):
            bench.measure(f"{name}, {kind}", shape, body, [[name]])


class Gemma2:
    """Gemma 2 with random weights in bfloat16, as plain eager operations."""

    def __init__(self, bench, has_soft_cap):
        self.bench, self.has_soft_cap = bench, has_soft_cap
        (self.layers, self.model, self.inner, self.vocabulary, self.heads, self.key_heads,
         self.size) = ((3, 64, 128, 503, 4, 2, 16) if bench.quick
                       else (26, 2304, 9216, 256000, 8, 4, 256))
        self.embedding = self.matrix(self.vocabulary, self.model)
        wide, narrow = self.heads * self.size, self.key_heads * self.size
        self.blocks = [
            {"q": self.matrix(wide, self.model), "k": self.matrix(narrow, self.model),
             "v": self.matrix(narrow, self.model), "o": self.matrix(self.model, wide),
             "gate": self.matrix(self.inner, self.model), "up": self.matrix(self.inner, self.model),
             "down": self.matrix(self.model, self.inner)}
            for _ in range(self.layers)]
        self.norm = bench.torch.zeros(self.model, device=bench.device, dtype=bench.torch.bfloat16)

    def matrix(self, outputs, inputs):
        """A matrix whose products keep the size of what goes in."""
        return self.bench.random((outputs, inputs), "bfloat16", 1.7 / inputs ** 0.5)

    def attend(self, block, x, cosines, sines):
        """Attention of one block, `[batch, position, model]`."""
        torch = self.bench.torch
        batch, positions, _ = x.shape

        def split(y, heads):
            return y.view(batch, positions, heads, self.size).transpose(1, 2)

        q = rotate(torch, split(x @ block["q"].T, self.heads), cosines, sines)
        k = rotate(torch, split(x @ block["k"].T, self.key_heads), cosines, sines)
        v = split(x @ block["v"].T, self.key_heads)
        mixed = eager(self.bench, q, k, v, 50) if self.has_soft_cap else fused(self.bench, q, k, v)
        return mixed.transpose(1, 2).reshape(batch, positions, -1) @ block["o"].T

    def run(self, x, first, last):
        """The blocks from first to last, without the last."""
        torch = self.bench.torch
        angles = (torch.arange(x.shape[1], device=x.device)[:, None]
                  * 10000.0 ** (-torch.arange(0, self.size, 2, device=x.device) / self.size))
        angles = torch.cat((angles, angles), -1)
        cosines, sines = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for block in self.blocks[first:last]:
            normed = rms_norm(torch, x, self.norm)
            x = x + rms_norm(torch, self.attend(block, normed, cosines, sines), self.norm)
            normed = rms_norm(torch, x, self.norm)
            gate = torch.nn.functional.gelu(normed @ block["gate"].T, approximate="tanh")
            x = x + rms_norm(torch, (gate * (normed @ block["up"].T)) @ block["down"].T, self.norm)
        return x

    def embed(self, tokens):
        """The stream that enters the first block."""
        return self.embedding[tokens] * self.model ** 0.5

    def logits(self, x):
        """Final norm, unembedding and soft cap."""
        torch = self.bench.torch
        return torch.tanh((rms_norm(torch, x, self.norm) @ self.embedding.T) / 30) * 30


def forward(bench, has_soft_cap):
    """Passes to a hook and to the logits, and the core evaluation of eight autoencoders."""
    torch = bench.torch
    model = Gemma2(bench, has_soft_cap)
    batch, positions = (2, 8) if bench.quick else (16, 128)
    layer = 1 if bench.quick else 12
    tokens = torch.randint(0, model.vocabulary, (batch, positions), device=bench.device)
    shape = f"{batch} × {positions}, Gemma 2 of {model.layers} × {model.model} bfloat16"
    hook = f"blocks.{layer}.hook_resid_post"
    kind = "" if has_soft_cap else ", fused attention without soft cap"
    bench.measure(f"forward to {hook}{kind}", shape,
                  lambda: model.run(model.embed(tokens), 0, layer + 1), [[f"forward to {hook}"]])
    bench.measure(f"forward to the logits{kind}", shape,
                  lambda: model.logits(model.run(model.embed(tokens), 0, model.layers)),
                  [["forward to the logits"]])
    if has_soft_cap:
        core(bench, model, hook, layer)


def core(bench, model, hook, layer):
    """Losses and divergences with eight reconstructions spliced in, the clean suffix run once, as
    ours; SAE Bench runs whole passes for each autoencoder."""
    torch = bench.torch
    rows, positions, step = (4, 8, 4) if bench.quick else (64, 128, 8)
    latents = 256 if bench.quick else 16384
    tokens = torch.randint(0, model.vocabulary, (rows, positions), device=bench.device)
    stream = torch.cat([model.run(model.embed(tokens[i:i + step]), 0, layer + 1)
                        for i in range(0, rows, step)])
    threshold = stream.float().pow(2).mean().sqrt() * (2 if bench.quick else 2.55)
    autoencoders = [(model.matrix(latents, model.model).T.contiguous(),
                     model.matrix(model.model, model.model).new_empty((latents, model.model))
                     .uniform_(-0.03, 0.03)) for _ in range(8)]

    def suffix(x):
        return torch.log_softmax(
            model.logits(model.run(x, layer + 1, model.layers)).float(), -1)

    def sums():
        result = []
        for i in range(0, rows, step):
            x, following = stream[i:i + step], tokens[i:i + step, 1:, None]
            clean = suffix(x)
            result.append(clean[:, :-1].gather(-1, following).sum())
            for encoder, decoder in autoencoders:
                pre = x @ encoder
                spliced = suffix((torch.relu(pre) * (pre > threshold)) @ decoder)
                result.append(spliced[:, :-1].gather(-1, following).sum())
                result.append((clean.exp() * (clean - spliced)).sum())
        return torch.stack(result).cpu()

    bench.measure(f"core, reconstruction, 8 autoencoders at {hook}",
                  f"{rows * positions} tokens, {latents} latents, bfloat16", sums)


def main():
    """Measures or compares."""
    if sys.argv[1:2] == ["compare"]:
        if len(sys.argv) != 4:
            sys.exit("usage: peer_torch.py compare OURS.json TORCH.json")
        return compare(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="small shapes")
    parser.add_argument("--only", help="measure only parts named like this")
    parser.add_argument("--json", help="write all numbers to this file")
    bench = Bench(parser.parse_args())
    bench.part("products", lambda: products(bench))
    for latents in [512] if bench.quick else [16384, 65536]:
        for kind in ("bfloat16", "float32"):
            bench.part(f"autoencoders, {latents} latents, {kind}",
                       lambda: autoencoder(bench, latents, kind))
    bench.part("attention", lambda: attention(bench))
    bench.part("distributions", lambda: distributions(bench))
    for rows in (16, 32) if bench.quick else (2048, 16384):
        bench.part("elements", lambda: elements(bench, rows))
    bench.part("model", lambda: forward(bench, True))
    bench.part("model", lambda: forward(bench, False))
    for failure in bench.failures:
        print(failure, file=sys.stderr)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
