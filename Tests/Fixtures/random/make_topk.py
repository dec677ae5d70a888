"""Features that torch.topk picks among equal scores, for TorchSelectionTests.swift: run and compare.

    python make_topk.py
"""
import torch
for n, m in ((200, 11), (64, 3), (7, 2), (1000, 5), (4096, 9), (33, 1)):
    s = torch.tensor([float((7 * i * i + 3 * i) % m - m // 2) for i in range(n)])
    for k in sorted({1, 3, n // 64 or 2, n // 3, n // 2, n - 1}):
        c = sorted(torch.topk(s, k).indices.tolist())
        print(f"({n}, {m}, {k}, {sum((j + 1) * x for j, x in enumerate(c)) % 1000003}),", c if k <= 4 else "")
