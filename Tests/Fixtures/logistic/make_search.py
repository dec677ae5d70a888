"""Searches for the strength of a penalty with scikit-learn's splitters, scores and optima.

Writes search.json: for each number of rows the folds and what the search ends with. The data are
those of the specification's example, continued. Usage: python make_search.py
"""

import json
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import LeavePOut, StratifiedKFold

warnings.simplefilter("ignore")
STRENGTHS = np.logspace(5, -5, 10)


def rows(count):
    """Rows of the example and labels with a disturbance that no probe can learn."""
    i = np.arange(count)
    x = np.stack(
        [((7 * i) % 11 - 5) / 5, ((3 * i) % 7 - 3) / 3, ((5 * i) % 13 - 6) / 6], axis=1
    ).astype(np.float32)
    return x, x[:, 0] + 0.5 * x[:, 1] + 0.3 * (i % 5 - 2.0) > 0


def fit(x, y, strength, penalty):
    """The optimum."""
    if penalty == "l2":
        model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    else:
        model = LogisticRegression(
            C=strength, l1_ratio=1.0, solver="saga", tol=1e-9, max_iter=200_000, random_state=0
        )
    return model.fit(x.astype(np.float64), y)


def splits(x, y, seed):
    """Training and held-out rows of every fold that counts."""
    count = len(y)
    if count >= 128:
        held = min(int(0.2 * count), 100)
        return [(np.arange(count - held), np.arange(count - held, count))]
    splitter = LeavePOut(2) if count <= 12 else StratifiedKFold(6, shuffle=True, random_state=seed)
    return [(a, b) for a, b in splitter.split(x, y) if len(set(y[b])) == 2]


def main():
    cases = []
    for count, seed, penalty in [
        (10, 1, "l2"), (12, 5, "l1"), (20, 42, "l2"), (61, 7, "l1"), (127, 42, "l2"), (150, 1, "l1"),
        (150, 1, "l2"), (700, 3, "l2"),
    ]:
        x, y = rows(count + 50)
        x, unseen, y, truth = x[:count], x[count:], y[:count], y[count:]
        folds = splits(x, y, seed)
        areas = []
        for strength in STRENGTHS:
            scores = []
            for training, held in folds:
                if len(set(y[training])) < 2:
                    scores.append(0.5)
                    continue
                model = fit(x[training], y[training], strength, penalty)
                scores.append(roc_auc_score(y[held], model.decision_function(x[held])))
            areas.append(np.mean(scores))
        best = int(np.argmax(areas))
        model = fit(x, y, STRENGTHS[best], penalty)
        decisions = model.decision_function(unseen)
        cases.append(
            {
                "rows": count,
                "seed": seed,
                "penalty": penalty,
                "heldOut": [held.tolist() for _, held in folds],
                "c": float(STRENGTHS[best]),
                "validationAUC": float(areas[best]),
                "accuracy": accuracy_score(truth, decisions > 0),
                "auc": roc_auc_score(truth, decisions),
                "f1": f1_score(truth, decisions > 0, average="weighted", zero_division=0),
            }
        )
        print(count, seed, penalty, best, areas)
    with open("search.json", "w") as file:
        json.dump(cases, file)
        file.write("\n")


if __name__ == "__main__":
    main()
