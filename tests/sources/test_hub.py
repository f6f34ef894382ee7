import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from opencharacter.records import Persona
from opencharacter.sources import rows
from opencharacter.sources.lines import Row
from opencharacter.store.rows import read_records

SCRIPT = """
from opencharacter.errors import SourceError
from opencharacter.sources.rows import open_source

try:
    next(open_source("hub:owner/name", "personas.jsonl").files[0].rows())
except SourceError as error:
    print(error)
"""


def test_without_a_network_one_line_says_what_to_do():
    # In a process of its own: `datasets` reads the variable when it is imported.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    reply = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )

    (line,) = reply.stdout.splitlines()
    assert line.startswith("cannot stream hub:owner/name after row 0")
    assert "download its files and set the path to their folder" in line


COMMITS = """
from opencharacter.sources.pinning import pinned

for path, revision in (
    ("hub:o/n", None), ("hub:o/n:large", None), ("hub:o/n", "v1"), ("hub:o/n@v2", "v1"),
    ("hub:o/n@" + "c" * 40, None), ("rows.jsonl", None),
):
    read_from = {}
    print(pinned(path, revision, read_from), *read_from.values())
"""
MAIN, TAG, ASKED = "a" * 40, "b" * 40, "c" * 40


def commits(**environment):
    """Return what is read of some paths, and what is recorded; the hub's library is new to it."""
    reply = subprocess.run(
        [sys.executable, "-c", COMMITS],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return reply.stdout.splitlines()


def test_without_a_network_the_commit_is_that_of_the_hubs_cache(tmp_path):
    refs = tmp_path / "hub" / "datasets--o--n" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text(MAIN)
    (refs / "v1").write_text(TAG)

    assert commits(HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1") == [
        f"hub:o/n@{MAIN} {MAIN}",
        f"hub:o/n:large@{MAIN} {MAIN}",
        f"hub:o/n@{TAG} {TAG}",
        "hub:o/n@v2 not known",
        f"hub:o/n@{ASKED} {ASKED}",
        "rows.jsonl",
    ]


class Hub(BaseHTTPRequestHandler):
    """What the hub says of a data set; it has no tag v2."""

    def do_GET(self):
        """Tell the commit of a revision."""
        shas = {"/api/datasets/o/n": MAIN, "/api/datasets/o/n/revision/v1": TAG}
        sha = shas.get(self.path.partition("?")[0])
        self.send_response(200 if sha else 404)
        self.end_headers()
        about = {"id": "o/n", "sha": sha, "private": False, "downloads": 0, "likes": 0, "tags": []}
        self.wfile.write(json.dumps(about).encode())

    def log_message(self, *_):
        """Say nothing."""


def test_the_hub_is_asked_first(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        found = commits(
            HF_HOME=str(tmp_path),
            HF_HUB_OFFLINE="0",
            HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
            NO_PROXY="127.0.0.1",
        )
    finally:
        server.shutdown()
        server.server_close()

    assert found[0] == f"hub:o/n@{MAIN} {MAIN}"
    assert found[2:4] == [f"hub:o/n@{TAG} {TAG}", "hub:o/n@v2 not known"]


@pytest.mark.parametrize(("commit", "recorded"), [(MAIN, MAIN), (None, "not known")])
def test_a_run_says_which_commit_its_personas_are_of(
    opencharacter, tmp_path, monkeypatch, commit, recorded
):
    read = []

    def read_hub(name, config, revision):
        read.append(revision)
        yield Row(1, "o/n#1", {"persona": "A baker from Oslo"})

    hub = SimpleNamespace(hub_commit=lambda name, revision: commit, read_hub=read_hub)
    monkeypatch.setattr(rows, "_hub", lambda: hub)
    done = opencharacter("stage=personas", "personas.path=hub:o/n")

    folder = tmp_path / "runs" / "t" / "personas"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (done.returncode, set(read)) == (0, {commit}), done.stderr
    assert manifest["read_from"] == {"hub:o/n": recorded}
    assert f"| hub:o/n | {recorded} |" in (folder / "README.md").read_text()
    assert [each.origin for each in read_records(folder / "data", Persona)] == ["o/n#1"]
