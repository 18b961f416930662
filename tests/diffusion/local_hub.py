"""A hub on this machine: what huggingface_hub asks for is served from a folder, as quickly or as badly as a test needs.

huggingface_hub reads the hub's address when it is imported, so that it has to be used in another process:
`LocalHub.told` runs one.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

_ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Fault:
    """What happens to the next requests of a method whose path has these letters.

    Attributes:
        method, part: which requests; an empty string is in every path.
        times: to how many of them.
        status: the answer; 0: none, the connection is closed; 200: a good one.
        wait: seconds before the answer.
        cut: bytes of a good answer after which the connection is closed; None: all.
    """

    method: str
    part: str = ""
    times: int = 1 << 30
    status: int = 503
    wait: float = 0.0
    cut: int | None = None


@dataclass
class LocalHub:
    """A hub that has each folder of ``root/owner`` as the model ``owner/folder``.

    Attributes:
        url: its address.
        faults: what goes wrong; the first that fits a request counts.
        requests: what it was asked for: the method and the path, and the first byte if that was not 0.
        authorizations: what the askers said who they are.
    """

    root: Path
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    def files(self, name: str) -> dict[str, Path]:
        """The files of a model, by their paths in it; empty if there is no such model."""
        folder = self.root / name
        return {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}

    def fault(self, method: str, path: str) -> Fault | None:
        """What goes wrong with a request."""
        with self.lock:
            for each in self.faults:
                if each.method == method and each.part in path and each.times:
                    each.times -= 1
                    return each
        return None

    def told(self, command: str, *names: str, cache: Path, **environment: str) -> list[tuple[str, str]]:
        """What an observer is told while another process, without a token, gets models; see `hub_client`.

        Args:
            command: ``"locate"`` or ``"load"``.
            cache: what it has as HF_HOME.

        Raises:
            AssertionError: something was printed besides, on stdout or stderr.
        """
        own = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "GENIE_"))}
        own |= {"HF_ENDPOINT": self.url, "HF_HOME": str(cache), "NO_PROXY": "127.0.0.1"} | environment
        words = [sys.executable, "-m", "tests.diffusion.hub_client", command, *names]
        ended = subprocess.run(words, env=own, cwd=_ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert ended.stderr == ""
        return [(kind, message) for kind, message in json.loads(ended.stdout)]


@contextmanager
def local_hub(root: Path) -> Iterator[LocalHub]:
    """A hub that answers while this is open."""
    hub = LocalHub(root)

    class Handler(_Handler):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: LocalHub
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with suppress(ConnectionError):  # who asked has given up
            super().handle()

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_GET(self) -> None:
        self._answer("GET")

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, method: str) -> None:
        path = self.path.partition("?")[0].strip("/")
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.served.requests.append(f"{method} {path}" + (f" from {start}" if start else ""))
        if said := self.headers.get("Authorization"):
            self.served.authorizations.add(said)
        fault = self.served.fault(method, path)
        if fault:
            time.sleep(fault.wait)
            if fault.status != 200:
                self.close_connection = True
                return self._send(fault.status, b"") if fault.status else None
        cut = fault.cut if fault else None
        parts = path.split("/")
        if parts[:2] == ["api", "models"]:
            return self._send_json("/".join(parts[2:4]), parts[4:5] == ["tree"])
        if parts[2:3] == ["resolve"]:
            return self._send_file("/".join(parts[:2]), "/".join(parts[4:]), start, cut)
        return self._send(404, b"")

    def _send_json(self, name: str, tree: bool) -> None:
        files = self.served.files(name)
        if not files:
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        sizes = {file: {"size": where.stat().st_size, "oid": _etag(where)} for file, where in files.items()}
        listed: Any = [{"type": "file", "path": file, **each} for file, each in sizes.items()]
        if not tree:
            blobs = "blobs" in self.path  # asked for with files_metadata=True
            siblings = [
                {"rfilename": file} | ({"size": each["size"], "blobId": each["oid"]} if blobs else {})
                for file, each in sizes.items()
            ]
            listed = {"id": name, "sha": COMMIT, "siblings": siblings}
        return self._send(200, json.dumps(listed).encode(), {"Content-Type": "application/json"})

    def _send_file(self, name: str, path: str, start: int, cut: int | None) -> None:
        file = self.served.files(name).get(path)
        if file is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        content = file.read_bytes()
        headers = {"ETag": f'"{_etag(file)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self._send(206 if start else 200, content[start:], headers, cut)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True


def _etag(file: Path) -> str:
    return hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()
