"""Loads result files of sparse probing with SAE Bench's own classes and checks its JSON Schema.

python check_result.py RESULT.json ...

Needs `sae-bench` 0.6.0 and `jsonschema`. The keys of metrics and details must be SAE Bench's, in its
order, before any of ours.
"""

import dataclasses
import json
import sys
from pathlib import Path

import jsonschema
import pydantic
from sae_bench.evals.sparse_probing import eval_output as upstream


def check(path: str) -> None:
    """Checks one file."""
    result = json.loads(Path(path).read_text(encoding="utf-8"))
    folder = Path(upstream.__file__).parent
    schema = json.loads((folder / "eval_output_schema_sparse_probing.json").read_text())
    jsonschema.validate(result, schema)
    loaded = pydantic.TypeAdapter(upstream.SparseProbingEvalOutput).validate_python(result)
    again = json.loads(json.dumps(dataclasses.asdict(loaded), default=str))
    order = list(again)
    fields = sorted(again, key=list(result).index)
    assert set(order) <= set(result), set(order) - set(result)
    assert list(result)[: len(fields)] == fields, list(result)
    for category, values in again["eval_result_metrics"].items():
        written = result["eval_result_metrics"][category]
        assert list(written)[: len(values)] == list(values), category
        assert all(written[name] == value for name, value in values.items()), category
    for written, values in zip(result["eval_result_details"], again["eval_result_details"]):
        assert [key for key in written if key in values] == list(values), written["dataset_name"]
    assert list(result["eval_config"]) == list(again["eval_config"])
    print(f"{path}: {len(again['eval_result_details'])} datasets")


for argument in sys.argv[1:]:
    check(argument)
