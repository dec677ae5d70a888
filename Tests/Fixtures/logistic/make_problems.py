"""Random problems of logistic regression and their optima by scikit-learn, for the tests of Probes.

Writes problems.json: features as base64 of little-endian float32, rows by columns, and the optimum of
each. Usage: python make_problems.py
"""

import base64
import json

import numpy as np
from sklearn.linear_model import LogisticRegression

# rows, columns, spread of the columns' sizes in powers of ten, C, penalty, whether the classes can be
# told apart without error
SHAPES = [
    (40, 1, 0, 1.0, "l2", False),
    (60, 3, 0, 1.0, "l2", False),
    (60, 3, 2, 1e5, "l2", False),
    (120, 8, 2, 1.0, "l2", False),
    (120, 8, 3, 1e-5, "l2", False),
    (120, 8, 1, 1e5, "l2", True),
    (30, 50, 0, 1.0, "l2", True),
    (30, 50, 1, 1e5, "l2", True),
    (200, 20, 3, 100.0, "l2", False),
    (80, 5, 2, 0.01, "l2", False),
    (40, 1, 0, 1.0, "l1", False),
    (60, 3, 0, 1.0, "l1", False),
    (60, 3, 0, 1e5, "l1", False),
    (120, 8, 1, 1.0, "l1", False),
    (120, 8, 0, 0.3, "l1", False),
    (120, 8, 1, 5.0, "l1", False),
    (200, 20, 0, 10.0, "l1", False),
    (200, 20, 1, 100.0, "l1", False),
    (80, 5, 1, 1e5, "l1", False),
    (100, 40, 0, 1.0, "l1", True),
]


def problem(index, rows, columns, spread, separable):
    """Features, a third of them zero as latents are, and labels of both classes."""
    random = np.random.RandomState(index)
    x = random.randn(rows, columns) + 0.5 * random.randn(rows, 1)
    x[random.rand(rows, columns) < 0.3] = 0
    weights = random.randn(columns)
    odds = x @ weights + 0.3
    if not separable:
        odds += 1.5 * random.logistic(size=rows)
    x = (x + random.randn(columns)) * 10 ** random.uniform(-spread, spread, columns)
    if columns > 4:
        x[:, 4] = 0
    return x.astype(np.float32), odds > np.median(odds)


def violation(x, y, strength, penalty, weights, intercept):
    """How far from the conditions of an optimum, relative to the size of the terms."""
    decision = x @ weights + intercept
    residual = 1 / (1 + np.exp(-decision)) - y
    terms = np.abs(x).T @ np.abs(residual) + 1 / strength
    gradient = x.T @ residual
    if penalty == "l2":
        distance = np.abs(gradient + weights / strength)
    else:
        distance = np.where(
            weights == 0,
            np.maximum(np.abs(gradient) - 1 / strength, 0),
            np.abs(gradient + np.sign(weights) / strength),
        )
    return max((distance / terms).max(), abs(residual.sum()) / np.abs(residual).sum())


def main():
    problems = []
    for index, (rows, columns, spread, strength, penalty, separable) in enumerate(SHAPES):
        x, y = problem(index, rows, columns, spread, separable)
        wide = x.astype(np.float64)
        if penalty == "l2":
            # Newton's method does not mind the columns' sizes.
            model = LogisticRegression(
                C=strength, solver="newton-cholesky", tol=1e-12, max_iter=10_000
            )
        else:
            model = LogisticRegression(
                C=strength, l1_ratio=1.0, solver="saga", tol=1e-10, max_iter=3_000_000,
                random_state=0,
            )
        model.fit(wide, y)
        weights, intercept = model.coef_[0], model.intercept_[0]
        far = violation(wide, y, strength, penalty, weights, intercept)
        print(index, rows, columns, strength, penalty, f"violation {far:.1e}", flush=True)
        assert far < 1e-7, "scikit-learn did not converge"
        problems.append(
            {
                "rows": rows,
                "columns": columns,
                "c": strength,
                "penalty": penalty,
                "features": base64.b64encode(x.tobytes()).decode(),
                "labels": y.astype(int).tolist(),
                "weights": weights.tolist(),
                "intercept": float(intercept),
            }
        )
    with open("problems.json", "w") as file:
        json.dump(problems, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
