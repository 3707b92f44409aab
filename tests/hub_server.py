"""A Hub on loopback: speaks its protocol for one repo, and misbehaves on request.

As on the real one, `HEAD` and `GET` of a resolve address answer with a redirect to another host
(its CDN), whose headers carry commit, size and digest; the CDN knows ranges.
"""

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Request:
    """One request that arrived: method, path and headers (names in lower case)."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class HubServer:
    """Serves `data` as `repo`/`file` at `commit`, and `more` beside it; a context manager.

    card: what the repo's card says. digests: whether the API states any. loop: addresses answer
    with themselves. pieces: whether ranges with an end are honoured.

    sha256: the digest announced, if not that of the data. etags: whether any digest is announced.
    failures: answered before anything else, one a request: (status, headers); status 0 lets the
    request pass. cuts: after how many bytes each GET in turn closes the connection. silence:
    seconds before any answer. ranges: whether a range is honoured. surplus: sent after the data.
    warning: sent along, for the client to show. requests: all that arrived.
    """

    repo: str
    commit: str
    file: str
    data: bytes
    sha256: str = ""
    etags: bool = True
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    silence: float = 0.0
    ranges: bool = True
    surplus: bytes = b""
    warning: str = ""
    more: dict[str, bytes] = field(default_factory=dict)
    card: dict[str, str] = field(default_factory=dict)
    digests: bool = True
    loop: bool = False
    pieces: bool = True
    requests: list[Request] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """The Hub's address, as HF_ENDPOINT takes it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def cdn(self) -> str:
        """Another host to HTTP, though the same server."""
        return f"http://localhost:{self._server.server_port}"

    def gets(self) -> list[Request]:
        """The requests for bytes that reached the CDN."""
        return [r for r in self.requests if r.method == "GET" and r.path == "/cdn"]

    def __enter__(self) -> "HubServer":
        owner = self

        class Handler(_Handler):
            hub = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_POST(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is written."""

    def _answer(self, body: bool) -> None:
        hub = self.hub
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.requests.append(Request(self.command, self.path, headers))
        sent = self.rfile.read(int(headers.get("content-length", "0")))
        time.sleep(hub.silence)
        status, extra = hub.failures.pop(0) if hub.failures else (0, {})
        if status:
            self._send(status, {"Content-Length": "0", **extra})
            return
        path = self.path.partition("?")[0]
        files = {hub.file: hub.data, **hub.more}
        prefix = f"/{hub.repo}/resolve/{hub.commit}/"
        name = path.removeprefix(prefix)
        if hub.loop and path.startswith(prefix):
            self._send(302, {"Location": self.path, "Content-Length": "0"})
        elif path.startswith(prefix) and name in files:
            self._redirect(name, files[name])
        elif path == "/cdn":
            self._bytes(hub.data, body)
        elif path.startswith("/cdn/") and path.removeprefix("/cdn/") in hub.more:
            self._bytes(hub.more[path.removeprefix("/cdn/")], body)
        elif path in (f"/api/models/{hub.repo}/revision/{rev}" for rev in ("main", hub.commit)):
            told = {"id": hub.repo, "modelId": hub.repo, "sha": hub.commit, "cardData": hub.card}
            self._json(told)
        elif path == f"/api/models/{hub.repo}/paths-info/{hub.commit}":
            self._paths_info(files, parse_qs(sent.decode())["paths"])
        else:
            self._send(404, {"Content-Length": "0", "X-Error-Code": "EntryNotFound"})

    def _paths_info(self, files: Mapping[str, bytes], asked: list[str]) -> None:
        told = []
        for name in asked:
            if name not in files:
                continue
            entry = {"type": "file", "path": name, "size": len(files[name]), "oid": "0" * 40}
            if self.hub.digests:
                digest = hashlib.sha256(files[name]).hexdigest()
                entry["lfs"] = {"oid": digest, "size": len(files[name]), "pointerSize": 130}
            told.append(entry)
        self._json(told)

    def _json(self, content: object) -> None:
        data = json.dumps(content).encode()
        self._send(200, {"Content-Type": "application/json", "Content-Length": str(len(data))})
        self.wfile.write(data)

    def _redirect(self, name: str, data: bytes) -> None:
        hub = self.hub
        place = "/cdn" if name == hub.file else f"/cdn/{name}"
        headers = {
            "Location": f"{hub.cdn}{place}",
            "X-Repo-Commit": hub.commit,
            "X-Linked-Size": str(len(data)),
            "Content-Length": "0",
        }
        if hub.warning:
            headers["X-HF-Warning"] = hub.warning
        if hub.etags:
            headers["X-Linked-Etag"] = f'"{hub.sha256 or hashlib.sha256(data).hexdigest()}"'
        self._send(302, headers)

    def _bytes(self, data: bytes, body: bool) -> None:
        whole, start, end = data + self.hub.surplus, 0, 0
        asked = self.headers.get("Range", "").removeprefix("bytes=")
        if asked and self.hub.ranges and (self.hub.pieces or asked.endswith("-")):
            first, _, last = asked.partition("-")
            start, end = int(first), min(int(last or len(whole)), len(whole) - 1)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(whole)}")
            data = whole[: end + 1]
        else:
            self.send_response(200)
            data = whole
        self.send_header("ETag", f'"{hashlib.sha256(whole).hexdigest()}"')
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if not body:
            return
        rest = data[start:]
        if self.hub.cuts:
            rest = rest[: self.hub.cuts.pop(0)]
            self.close_connection = True
        with contextlib.suppress(ConnectionError):  # a client that has heard enough
            self.wfile.write(rest)

    def _send(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
