"""Compares the cache that `saeval fetch` fills with the one of `huggingface_hub`.

    python3 compare_with_hub.py SAEVAL

Serves the quickstart's model, autoencoders and text with stub.py, lets SAEVAL (the built program)
and `huggingface_hub.snapshot_download` download them into two caches, and compares blobs, links and
references. Then the package looks everything up in our cache, offline, and our program in the
package's. Needs the package `huggingface_hub`; run it in the project's folder.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
SERVED = {"models/toy/model": "model", "models/toy/saes": "saes/sae_lens",
          "datasets/toy/text/data": "toyworld/corpus"}
CONFIG = """
model: toy/model
saes: [{{repo: toy/saes}}]
evals: {{core: {{dataset: text}}}}
datasets: {{text: "hf://datasets/toy/text/data/heldout.jsonl"}}
output: {folder}/run
artifacts: {folder}/artifacts
"""


def content(cache):
    """Blobs by size, links by target and references by text, of the three repositories."""
    found = {}
    for path in sorted(Path(cache).rglob("*")):
        name = str(path.relative_to(cache))
        if not name.startswith(("models--", "datasets--")) or "/trees/" in name:
            continue
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_file():
            found[name] = path.read_text() if "/refs/" in name else path.stat().st_size
    return found


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        for place, source in SERVED.items():
            source = ROOT / "configs/quickstart" / source
            for path in source.rglob("*"):
                if path.is_file():
                    link = Path(folder) / "hub" / place / path.relative_to(source)
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(path)
        stub = subprocess.Popen(
            [sys.executable, HERE / "stub.py", f"{folder}/hub", "[]", f"{folder}/log"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        port = stub.stdout.readline().split()[0]
        environment = dict(os.environ, HF_ENDPOINT=f"http://127.0.0.1:{port}",
                           HF_HOME=f"{folder}/home", HF_HUB_DISABLE_XET="1")
        Path(f"{folder}/config.yaml").write_text(CONFIG.format(folder=folder))
        subprocess.run([program, "fetch", f"{folder}/config.yaml"], check=True, cwd=ROOT,
                       env=dict(environment, HF_HUB_CACHE=f"{folder}/ours"))
        download = """
from huggingface_hub import snapshot_download
snapshot_download("toy/model")
snapshot_download("toy/saes")
snapshot_download("toy/text", repo_type="dataset", allow_patterns=["data/heldout.jsonl"])
"""
        theirs = dict(environment, HF_HUB_CACHE=f"{folder}/theirs")
        subprocess.run([sys.executable, "-c", download], check=True, env=theirs)
        stub.kill()
        ours, other = content(f"{folder}/ours"), content(f"{folder}/theirs")
        for name in sorted(set(ours) | set(other)):
            if ours.get(name) != other.get(name):
                sys.exit(f"{name}: ours {ours.get(name)}, theirs {other.get(name)}")
        print(f"{len(ours)} blobs, links and references are the same")
        lookup = """
from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache
assert hf_hub_download("toy/model", "config.json").endswith("/config.json")
assert isinstance(try_to_load_from_cache(
    "toy/text", "data/heldout.jsonl", repo_type="dataset"), str)
cache = scan_cache_dir()
assert not cache.warnings, cache.warnings
assert sorted(repo.repo_id for repo in cache.repos) == ["toy/model", "toy/saes", "toy/text"]
"""
        offline = dict(environment, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:1")
        subprocess.run([sys.executable, "-c", lookup], check=True,
                       env=dict(offline, HF_HUB_CACHE=f"{folder}/ours"))
        print("huggingface_hub finds everything in our cache")
        subprocess.run([program, "plan", f"{folder}/config.yaml"], check=True, cwd=ROOT,
                       stdout=subprocess.DEVNULL,
                       env=dict(offline, HF_HUB_CACHE=f"{folder}/theirs"))
        print("saeval finds everything in the package's cache")


main()
