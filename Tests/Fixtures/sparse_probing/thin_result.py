"""Keeps of a result of SAE Bench's sparse probing what the tests compare.

python thin_result.py RESULT.json > toyworld.json
"""

import json
import sys

KEPT = ["eval_config", "eval_result_metrics", "eval_result_details", "eval_result_unstructured"]

with open(sys.argv[1], encoding="utf-8") as file:
    result = json.load(file)
json.dump({key: result[key] for key in KEPT}, sys.stdout, indent=1)
print()
