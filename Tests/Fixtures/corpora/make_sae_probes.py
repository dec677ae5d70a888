"""Writes sae_probes.json: rows, labels and a hash of labels and texts of each dataset of sae-probes 0.4.2."""

import json
import pathlib

import pandas
import sae_probes
import xxhash
from sklearn.preprocessing import LabelEncoder

folder = pathlib.Path(sae_probes.__file__).parent / "data" / "cleaned_data"
facts = {}
for path in sorted(folder.glob("*.csv.zst")):
    table = pandas.read_csv(path, compression="zstd")
    fact = {"rows": len(table)}
    if table["target"].nunique() == 2:
        labels = LabelEncoder().fit_transform(table["target"].values)
        content = "".join(map(str, labels)).encode() + b"\0" + "\0".join(table["prompt"]).encode()
        fact |= {"ones": int(labels.sum()), "hash": xxhash.xxh3_128_hexdigest(content)}
    facts[path.name.removesuffix(".csv.zst")] = fact
text = ",\n".join(f"{json.dumps(name)}: {json.dumps(fact)}" for name, fact in facts.items())
pathlib.Path(__file__).with_name("sae_probes.json").write_text("{\n" + text + "\n}\n")
print(sum("ones" in fact for fact in facts.values()), "of two classes of", len(facts))
