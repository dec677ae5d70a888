"""A hub on 127.0.0.1 that serves a folder and makes mistakes on request.

    python3 stub.py ROOT RULES LOG [PAGE]

ROOT/models/org/name/ and ROOT/datasets/org/name/ are repositories at `main`;
ROOT/models/org/name@v2/ is the same repository at revision `v2`. PAGE is the number of entries of
one page of a listing.

RULES is a JSON array. The first rule whose `path` is found in a request's path (a regular
expression) and that was used fewer than `times` times changes the answer:

    status, headers   answer with them and no content
    cut               send that many bytes of the body, then close the connection
    drip              wait that many seconds after each byte
    burst             with `drip`: send that many bytes at once before
    delay             wait that many seconds before answering
    corrupt           change the first byte
    extra             append that many bytes, with a length that fits
    no_length         send no Content-Length and close the connection at the end
    ignore_range      send everything with status 200
    redirect          to `other` (the second port), `relative` or `loop`
    bare              leave out ETag and the commit
    entries           a listing with these entries instead
    text              this body instead

Two ports are opened; the second one stands for another host. They are printed, and the server ends
when standard input does. Every request is appended to LOG as one JSON line.

Needs the standard library alone.
"""
import hashlib
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit, parse_qs

ROOT, RULES, LOG = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
PAGE = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
LARGE = (".safetensors", ".bin", ".pt", ".npz")
lock = threading.Lock()
uses = [0] * len(RULES)
ports = []


def folder_of(kind, repository, revision):
    """The folder of a revision, which may be a commit; None when there is none."""
    plain = f"{ROOT}/{kind}s/{repository}"
    for name in [revision, "main"]:
        folder = plain if name == "main" else f"{plain}@{name.replace('/', '%2F')}"
        if os.path.isdir(folder) and revision in (name, commit_of(folder)):
            return folder
    parent = os.path.dirname(plain)
    for name in os.listdir(parent) if os.path.isdir(parent) else []:
        folder = f"{parent}/{name}"
        if folder.startswith(plain + "@") and commit_of(folder) == revision:
            return folder
    return None


def files_of(folder):
    """All files of a revision by their paths in it, in order."""
    found = []
    for place, _, names in os.walk(folder):
        found += [os.path.relpath(f"{place}/{name}", folder) for name in names]
    return sorted(found)


def commit_of(folder):
    """A commit that depends on the names of the files alone."""
    text = os.path.relpath(folder, ROOT) + "\n".join(files_of(folder))
    return hashlib.sha1(text.encode()).hexdigest()


def git_hash(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tree_of(folder):
    """The entries of a listing, as the hub gives them."""
    entries, folders = [], set()
    for path in files_of(folder):
        data = read(f"{folder}/{path}")
        parent = os.path.dirname(path)
        if parent and parent not in folders:
            folders.add(parent)
            entries.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": parent})
        entry = {"type": "file", "oid": git_hash(data), "size": len(data), "path": path}
        if path.endswith(LARGE):
            entry["oid"] = git_hash(b"pointer")
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data),
                            "pointerSize": 134}
        entries.append(entry)
    return entries


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def rule(self):
        for index, rule in enumerate(RULES):
            with lock:
                if re.search(rule["path"], self.path) and uses[index] < rule.get("times", 10**9):
                    uses[index] += 1
                    return rule
        return {}

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        with lock, open(LOG, "a") as log:
            log.write(json.dumps({
                "port": ports.index(self.server.server_port), "path": self.path,
                "method": self.command, "authorization": self.headers.get("Authorization"),
                "range": self.headers.get("Range")}) + "\n")
        rule = self.rule()
        time.sleep(rule.get("delay", 0))
        if "status" in rule:
            return self.send(rule["status"], rule.get("headers", {}), b"")
        path = unquote(urlsplit(self.path).path)
        if "redirect" in rule:
            target = {"other": f"http://127.0.0.1:{ports[1]}{self.path}",
                      "relative": "/moved" + self.path, "loop": self.path}[rule["redirect"]]
            return self.send(302, {"Location": target}, b"moved")
        if path.startswith("/moved/"):
            path = path[len("/moved"):]
        if "text" in rule:
            return self.send(200, {}, rule["text"].encode())
        match = re.fullmatch(r"/api/(model|dataset)s/(.+?)/(revision|tree)/(.+)", path)
        if match:
            return self.describe(rule, *match.groups())
        match = re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if match:
            kind = "dataset" if match[1] else "model"
            return self.file(rule, kind, match[2], match[3], match[4])
        self.send(404, {}, b"")

    def describe(self, rule, kind, repository, what, revision):
        if not os.path.isdir(f"{ROOT}/{kind}s/{repository}"):
            return self.send(401, {"X-Error-Code": "RepoNotFound"}, b"")
        folder = folder_of(kind, repository, revision)
        if folder is None:
            return self.send(404, {"X-Error-Code": "RevisionNotFound"}, b"")
        if what == "revision":
            body = {"id": repository, "sha": commit_of(folder), "private": False,
                    "siblings": [{"rfilename": path} for path in files_of(folder)]}
            return self.send(200, {}, json.dumps(body).encode(), rule)
        entries = rule.get("entries") or tree_of(folder)
        start = int(parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE < len(entries):
            address = f"http://127.0.0.1:{ports[0]}{urlsplit(self.path).path}"
            headers["Link"] = f'<{address}?recursive=true&cursor={start + PAGE}>; rel="next"'
        self.send(200, headers, json.dumps(entries[start:start + PAGE]).encode(), rule)

    def file(self, rule, kind, repository, revision, path):
        folder = folder_of(kind, repository, revision)
        if folder is None or not os.path.isfile(f"{folder}/{path}"):
            return self.send(404, {"X-Error-Code": "EntryNotFound"}, b"")
        data = read(f"{folder}/{path}")
        digest = hashlib.sha256(data).hexdigest() if path.endswith(LARGE) else git_hash(data)
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": commit_of(folder),
                   "Accept-Ranges": "bytes"}
        if rule.get("bare"):
            headers = {}
        if rule.get("corrupt"):
            data = bytes([data[0] ^ 1]) + data[1:]
        data += b"x" * rule.get("extra", 0)
        status, wanted = 200, re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted and not rule.get("ignore_range"):
            start = int(wanted[1])
            if start >= len(data):
                return self.send(416, {"Content-Range": f"bytes */{len(data)}"}, b"")
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            data = data[start:]
        self.send(status, headers, data, rule)

    def send(self, status, headers, body, rule={}):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if rule.get("no_length"):
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if "cut" in rule:
            body = body[:rule["cut"]]
            self.close_connection = True
        try:
            if "drip" in rule:
                start = rule.get("burst", 0)
                self.wfile.write(body[:start])
                for byte in body[start:]:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(rule["drip"])
            else:
                self.wfile.write(body)
        except OSError:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


servers = [Server(("127.0.0.1", 0), Handler) for _ in range(2)]
ports += [server.server_port for server in servers]
for server in servers:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
print(*ports, flush=True)
sys.stdin.read()
os._exit(0)
