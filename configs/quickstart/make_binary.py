"""Makes small datasets of two classes from the toy world's texts, in the layout of sae-probes.

  python3 configs/quickstart/make_binary.py

Each is a CSV file with the columns `prompt` and `target`, 200 texts of either class in turn. The same
texts give the same bytes.
"""

import csv
import json
from pathlib import Path

WORLD = Path(__file__).resolve().parent / "toyworld"
TEXTS = 200
# Name, file, column of the text, column that tells the class, its two values with their targets.
DATASETS = [
    ("1_review_is_positive", "amazon_reviews/train.jsonl", "text", "rating",
     {1.0: "negative", 5.0: "positive"}),
    ("2_biography_is_hers", "bias_in_bios/train.jsonl", "hard_text", "gender", {0: 0, 1: 1}),
    ("3_biography_is_surgeons", "bias_in_bios/train.jsonl", "hard_text", "profession",
     {13: 0, 25: 1}),
    ("4_news_is_sport", "ag_news/train.jsonl", "text", "label", {2: 0, 1: 1}),
]


def main() -> None:
    folder = WORLD / "binary"
    folder.mkdir(exist_ok=True)
    for name, source, text, column, targets in DATASETS:
        groups = {value: [] for value in targets}
        for line in (WORLD / source).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            group = groups.get(row[column])
            if group is not None and len(group) < TEXTS:
                group.append((row[text], targets[row[column]]))
        assert all(len(group) == TEXTS for group in groups.values()), name
        with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["prompt", "target"])
            for pair in zip(*groups.values()):
                table.writerows(pair)


if __name__ == "__main__":
    main()
