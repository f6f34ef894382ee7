"""A server for tests that speaks as much of W&B's protocol as reading finished reports asks for.

Written down from what the client of wandb 0.31 sends: who the key is, runs of a project by filter,
one run's settings, the artifacts that it logged, and their files; and for a run that is written,
its settings, its files and its artifacts.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENTITY = "lab"
KEY = "k" * 40
_LAST_PAGE = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}


@dataclass(kw_only=True)
class KeptRun:
    """A run as the service keeps it."""

    group: str
    created: str
    """Moment in ISO 8601."""
    config: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, bytes] = field(default_factory=dict)
    """Files of its tables, by the table's name."""
    job_type: str = "report"
    state: str = "finished"
    project: str = "p"

    @property
    def name(self) -> str:
        """Its id."""
        return f"{self.group}-{re.sub('[^0-9]', '', self.created)}"

    def as_node(self) -> dict[str, Any]:
        """Return it as the service describes runs."""
        texts = dict.fromkeys(("commit", "description", "notes", "sweepName", "historyKeys"))
        return {
            **texts,
            "id": self.name,
            "name": self.name,
            "displayName": f"{self.group}/report",
            "state": self.state,
            "group": self.group,
            "jobType": self.job_type,
            "createdAt": self.created,
            "heartbeatAt": self.created,
            "projectId": "1",
            "tags": [],
            "readOnly": False,
            "historyLineCount": 1,
            "user": {"name": ENTITY, "username": ENTITY},
        }

    def as_whole_node(self) -> dict[str, Any]:
        """Return it with what is heavy, which lists of runs lack."""
        return {
            **self.as_node(),
            "summaryMetrics": "{}",
            "systemMetrics": "{}",
            "config": json.dumps({key: {"value": value} for key, value in self.config.items()}),
        }

    def artifacts(self) -> list[dict[str, Any]]:
        """Return the artifacts of its tables as the service describes them."""
        project = {"id": "1", "internalId": "1", "name": self.project, "entity": {"name": ENTITY}}
        missing = dict.fromkeys(("description", "historyStep", "updatedAt"))
        return [
            {
                **missing,
                "__typename": "Artifact",
                "id": f"{self.name}/{table}",
                "artifactSequence": {
                    "__typename": "ArtifactSequence",
                    "name": f"run-{self.name}-{table}",
                    "project": project,
                },
                "versionIndex": 0,
                "artifactType": {"name": "run_table"},
                "metadata": "{}",
                "ttlDurationSeconds": -2,
                "ttlIsInherited": True,
                "tags": [],
                "aliases": [],
                "state": "COMMITTED",
                "size": len(content),
                "digest": _md5(content),
                "commitHash": "c0",
                "fileCount": 1,
                "createdAt": self.created,
            }
            for table, content in self.tables.items()
        ]


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


class WandbServer(ThreadingHTTPServer):
    """Answers of runs in `lab/p`; see the module."""

    def __init__(self, runs: list[KeptRun]) -> None:
        """Listen on a free port of loopback."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs = runs
        self.asked: list[str] = []
        self.upserted: list[dict[str, Any]] = []
        """What clients said of their own runs, in order."""
        self.put: dict[str, bytes] = {}
        """Files that they sent, `run/NAME` and `artifact/NAME`."""
        self.dies_at = ""
        """Operation, or `file`, from which on it hangs up at everything; empty = none."""
        self.is_dead = False

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """Say nothing: a client that is done hangs up."""

    def answer(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """Return the data of one operation."""
        known: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "Viewer": self._viewer,
            "GetDefaultEntity": self._viewer,
            "ServerFeaturesQuery": lambda _: {"serverInfo": {"features": []}},
            "Runs": self._runs,
            "Run": lambda given: {"project": {"run": self._run(given["name"]).as_whole_node()}},
            "RunOutputArtifacts": self._artifacts,
            "ArtifactMembershipFiles": self._files,
            "UpsertBucket": self._upsert,
            "CreateRunFiles": self._run_files,
            "ArtifactType": lambda _: {"project": None},
            "CreateArtifact": self._new_artifact,
            "CreateArtifactManifest": self._new_manifest,
            "CreateArtifactFiles": self._artifact_files,
            "CommitArtifact": lambda _: {"commitArtifact": {"artifact": {"id": "1"}}},
        }
        return known[operation](given) if operation in known else {}

    def _viewer(self, _: dict[str, Any]) -> dict[str, Any]:
        viewer = {"id": "1", "entity": ENTITY, "username": ENTITY, "email": "", "flags": "{}"}
        return {"viewer": {**viewer, "teams": {"edges": []}}}

    def _run(self, name: str) -> KeptRun:
        [found] = [run for run in self.runs if run.name == name]
        return found

    def _runs(self, given: dict[str, Any]) -> dict[str, Any]:
        mine = [run for run in self.runs if run.project == given["project"]]
        if not mine or given["entity"] != ENTITY:
            return {"project": None}
        wanted = json.loads(given["filters"]).items()
        found = [run for run in mine if wanted <= run.as_node().items()]
        assert given["order"] == "-created_at"
        found.sort(key=lambda run: run.created, reverse=True)
        edges = [{"node": run.as_node(), "cursor": run.name} for run in found]
        listed = {"edges": edges, "pageInfo": _LAST_PAGE}
        about = {"internalId": "1", "runCount": len(found), "readOnly": False}
        return {"project": {**about, "runs": listed}}

    def _artifacts(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self._run(given["run"]).artifacts()
        edges = [{"node": each} for each in found]
        listed = {"totalCount": len(found), "pageInfo": _LAST_PAGE, "edges": edges}
        return {"project": {"run": {"artifacts": listed}}}

    def _files(self, given: dict[str, Any]) -> dict[str, Any]:
        name, _, table = given["collection"].removeprefix("run-").rpartition("-")
        content = self._run(name).tables[table]
        node = {
            "__typename": "File",
            "id": "1",
            "name": f"{table}.table.json",
            "url": None,
            "sizeBytes": len(content),
            "storagePath": None,
            "mimetype": None,
            "updatedAt": None,
            "digest": _md5(content),
            "md5": _md5(content),
            "directUrl": f"{self.address}/file/{name}/{table}",
        }
        files = {"totalCount": 1, "pageInfo": _LAST_PAGE, "edges": [{"node": node}]}
        membership = {"__typename": "ArtifactSequence", "artifactMembership": {"files": files}}
        return {"project": {"artifactCollection": membership}}

    def _upsert(self, given: dict[str, Any]) -> dict[str, Any]:
        self.upserted.append(given)
        entity = {"id": "1", "name": ENTITY}
        bucket = {"id": "1", "name": given["name"], "historyLineCount": 0, "sweepName": None}
        bucket |= {"project": {"id": "1", "name": given["project"], "entity": entity}}
        return {"upsertBucket": {"bucket": bucket, "inserted": True}}

    def _link(self, name: str) -> dict[str, Any]:
        return {"uploadUrl": f"{self.address}/put/{name}", "uploadHeaders": []}

    def _run_files(self, given: dict[str, Any]) -> dict[str, Any]:
        files = [{"name": name, **self._link(f"run/{name}")} for name in given["files"]]
        return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}

    def _new_artifact(self, _: dict[str, Any]) -> dict[str, Any]:
        sequence = {"id": "1", "latestArtifact": None}
        artifact = {"id": "1", "state": "PENDING", "artifactSequence": sequence}
        return {"createArtifact": {"artifact": artifact}}

    def _new_manifest(self, _: dict[str, Any]) -> dict[str, Any]:
        file = {"id": "1", "name": "manifest", "displayName": "manifest", **self._link("manifest")}
        return {"createArtifactManifest": {"artifactManifest": {"id": "1", "file": file}}}

    def _artifact_files(self, given: dict[str, Any]) -> dict[str, Any]:
        names = [each["name"] for each in given["input"]["artifactFiles"]]
        about = {"storagePath": None, "uploadMultipartUrls": None, "artifact": {"id": "1"}}
        edges = [{"node": {**about, **self._link(f"artifact/{name}")}} for name in names]
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def stored(self, path: str) -> bytes:
        """Return what storage holds under a path."""
        _, name, table = path.strip("/").split("/")
        return self._run(name).tables[table]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WandbServer

    def do_POST(self):
        """Answer one operation, for who has the key."""
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/graphql":  # lines of history while a run goes on
            self._send(200, b"{}")
            return
        body = json.loads(sent)
        operation = re.search(r"(?:query|mutation) (\w+)", body["query"])[1]
        kind, _, key = self.headers.get("Authorization", "").partition(" ")
        is_known = kind == "Basic" and base64.b64decode(key).decode() == f"api:{KEY}"
        if self._is_gone(operation):
            return
        if not is_known:
            self._send(401, b'{"errors": [{"message": "user is not logged in"}]}')
            return
        data = self.server.answer(operation, body.get("variables") or {})
        self._send(200, json.dumps({"data": data}).encode())

    def do_GET(self):
        """Send a file."""
        if not self._is_gone(self.path.split("/")[1]):
            self._send(200, self.server.stored(self.path))

    def do_PUT(self):
        """Take a file."""
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._is_gone("put"):
            self.server.put[self.path.removeprefix("/put/")] = sent
            self._send(200, b"")

    def _is_gone(self, asked: str) -> bool:
        self.server.asked.append(asked)
        if asked == self.server.dies_at:
            self.server.is_dead = True
        if self.server.is_dead:
            self.close_connection = True
        return self.server.is_dead

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def keeping(*runs: KeptRun) -> Iterator[WandbServer]:
    """Serve from a thread until the end of the block."""
    with WandbServer(list(runs)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
