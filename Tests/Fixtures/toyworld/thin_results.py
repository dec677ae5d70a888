"""Keeps of SAE Bench's core results of the toy world every metric and every 16th latent.

    python3 thin_results.py FOLDER

FOLDER holds one folder for each autoencoder with `result.json` and `settings.json`, as our driver
of SAE Bench 0.6.0 left them.
"""

import json
import pathlib
import sys

source = pathlib.Path(sys.argv[1])
target = pathlib.Path(__file__).parent
for path in sorted(source.glob("*/result.json")):
    result = json.loads(path.read_text())
    settings = json.loads((path.parent / "settings.json").read_text())["settings"]
    thin = {
        "settings": settings,
        "eval_result_metrics": result["eval_result_metrics"],
        "eval_result_details": result["eval_result_details"][::16],
    }
    (target / f"{path.parent.name}.json").write_text(json.dumps(thin, indent=1) + "\n")
