"""Writes choices/: small made-up datasets, and which of their rows SAE Bench 0.6.0 and sae-probes take."""

import json
import pathlib
import random

import pandas
import sae_bench.evals.scr_and_tpp.dataset_creation as pairs
import sae_bench.sae_bench_utils.dataset_utils as classes
from sae_bench.sae_bench_utils.dataset_info import chosen_classes_per_dataset
from sklearn.preprocessing import LabelEncoder

HERE = pathlib.Path(__file__).parent / "choices"
draw = random.Random(11)


def write(folder, name, rows):
    """Writes rows as JSON lines."""
    (HERE / folder).mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (HERE / folder / f"{name}.jsonl").write_text(text)
    return rows


def serve(tables):
    """Lets SAE Bench open tables: by split, or by configuration of a streamed one."""

    def load(name, config=None, streaming=False, split=None, **rest):
        return iter(tables[config or "train"]) if streaming else tables

    classes.load_dataset = load
    pairs.load_dataset = load


def numbers(chosen, column, tables):
    """The places of chosen texts among the rows, by class."""
    where = {row[column]: place for place, row in enumerate(tables)}
    return [[name, [where[text] for text in texts]] for name, texts in chosen.items()]


cases = []


def add(dataset, folder, column, tables, train, test, seed, chosen, pair=None, rename=lambda t: t):
    wanted = chosen_classes_per_dataset[dataset]
    parts = {}
    for split, data in zip(("train", "test"), chosen):
        if pair is None:
            data = classes.filter_dataset(data, wanted)
        parts[split] = numbers({k: [rename(t) for t in v] for k, v in data.items()}, column, tables[split])
    cases.append(
        {"dataset": dataset, "folder": folder, "sizes": [train, test, seed], "pair": pair} | parts
    )


# Biographies: professions of all class sets, of unequal sizes.
bios = {}
for split, count in (("train", 900), ("test", 500)):
    ids = [0, 1, 2, 6, 9, 11, 13, 14, 18, 19, 20, 21, 22, 25, 26, 21, 13]
    rows = [
        {"hard_text": f"{split} {i}", "profession": draw.choice(ids), "gender": int(draw.random() < 0.4)}
        for i in range(count)
    ]
    bios[split] = write("bios", split, rows)
serve(bios)
for number, train, test, seed in ((1, 40, 20, 42), (2, 30, 10, 7), (3, 44, 22, 0)):
    name = f"LabHC/bias_in_bios_class_set{number}"
    chosen = classes.get_multi_label_train_test_data(name, train, test, seed)
    add(name, "bios", "hard_text", bios, train, test, seed, chosen)
for first, second, train, test, seed in (("professor", "nurse", 40, 20, 42), ("nurse", "teacher", 30, 18, 3)):
    name = "LabHC/bias_in_bios_class_set1"
    chosen = pairs.get_train_test_data(name, True, train, test, seed, (first, second), ("male", "female"))
    add(name, "bios", "hard_text", bios, train, test, seed, chosen, [first, second])

# Reviews.
reviews = {}
for split, count in (("train", 400), ("test", 240)):
    rows = [
        {"text": f"{split} {i}", "category": draw.choice([1, 2, 3, 5, 6]), "rating": draw.choice([1.0, 5.0])}
        for i in range(count)
    ]
    reviews[split] = write("reviews", split, rows)
serve(reviews)
name = "canrager/amazon_reviews_mcauley_1and5"
for dataset, train, test, seed in ((name, 40, 20, 42), (name + "_sentiment", 50, 22, 42), (name + "_sentiment", 9, 7, 5)):
    chosen = classes.get_multi_label_train_test_data(dataset, train, test, seed)
    add(dataset, "reviews", "text", reviews, train, test, seed, chosen)
pair = ("Industrial_and_Scientific", "Toys_and_Games")
chosen = pairs.get_train_test_data(name, True, 40, 16, 42, pair, (1.0, 5.0))
add(name, "reviews", "text", reviews, 40, 16, 42, chosen, list(pair))

# News.
news = {}
for split, count in (("train", 160), ("test", 80)):
    news[split] = write(
        "news", split, [{"text": f"{split} {i}", "label": draw.choice([0, 1, 2, 3])} for i in range(count)]
    )
serve(news)
chosen = classes.get_multi_label_train_test_data("fancyzhx/ag_news", 32, 14, 42)
add("fancyzhx/ag_news", "news", "text", news, 32, 14, 42, chosen)

# Code: texts around the shortest length, of characters of two bytes; other languages between.
code = []
for i in range(140):
    length = draw.choice([150, 533, 534, 535, 535, 536, 536])
    text = f"{i:04d}" + "é" * 146 + f"{i:04d}" + "x" * (length - 154)
    code.append({"code": text, "language": draw.choice(["C", "Python", "HTML", "Java", "PHP", "Go"])})
write("code", "train", code)
serve({"train": code})
chosen = classes.get_multi_label_train_test_data("codeparrot/github-code", 8, 4, 42)
add("codeparrot/github-code", "code", "start", {s: [{"start": row["code"][:4]} for row in code] for s in ("train", "test")},
    8, 4, 42, chosen, rename=lambda text: text[:4])

# Languages: the hub's folders, and the same sentences in one table with a column of languages.
hub = {}
for language, pair in (("en", "en-fr"), ("fr", "fr-it"), ("de", "de-en"), ("es", "es-fr"), ("nl", "nl-pt")):
    hub[pair] = write(
        f"europarl/{pair}", "train",
        [{"translation": {pair[3:]: "other", language: f"{language} {i}"}} for i in range(draw.choice([30, 40]))],
    )
serve(hub)
chosen = classes.get_multi_label_train_test_data("Helsinki-NLP/europarl", 40, 20, 42)
parts = {
    split: [[language, [int(text[3:]) for text in texts]] for language, texts in data.items()]
    for split, data in zip(("train", "test"), chosen)
}
cases.append({"dataset": "Helsinki-NLP/europarl", "folder": "europarl", "sizes": [40, 20, 42], "pair": None} | parts)
table = [
    {"text": row["translation"][pair[:2]], "language": pair[:2]} for pair, rows in hub.items() for row in rows
]
draw.shuffle(table)
order = {}
for row in table:
    order.setdefault(row["language"], []).append(row["text"])
write("languages", "train", table)
serve({p: [{"translation": {p[:2]: t}} for t in order[p[:2]]] for p in hub})
chosen = classes.get_multi_label_train_test_data("Helsinki-NLP/europarl", 40, 20, 9)
add("Helsinki-NLP/europarl", "languages", "text", {"train": table, "test": table}, 40, 20, 9, chosen)

(HERE / "cases.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")

# Datasets of two classes, as pandas writes and reads them.
folder = HERE / "binary"
folder.mkdir(exist_ok=True)
targets = {
    "1_words": ["yes", "no"], "2_truths": [True, False], "3_integers": [10, 9], "4_numbers": [1e3, 20.5],
    "5_accents": ["zebra", "Éclair"], "6_cases": ["b", "A"],
}
texts = ["plain", "a, comma", 'a "quote"', "two\nlines", "two\r\nlines", " spaces ", "é😀", '"', "'", "a\tb", "5", "NAN"]
found = {}
for name, values in targets.items():
    rows = [(draw.choice(texts) + f" {i}", draw.choice(values)) for i in range(60)]
    pandas.DataFrame(rows, columns=["prompt", "target"]).assign(prompt_len=1).to_csv(
        folder / f"{name}.csv.zst", index=False, compression="zstd"
    )
    again = pandas.read_csv(folder / f"{name}.csv.zst", compression="zstd")
    found[name] = {
        "labels": LabelEncoder().fit_transform(again["target"].values).tolist(),
        "texts": again["prompt"].tolist(),
    }
(HERE / "binary.json").write_text(json.dumps(found, indent=1) + "\n")
