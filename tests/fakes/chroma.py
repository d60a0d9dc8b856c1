"""A throwaway Chroma server (`chroma run`), and a proxy before it that is slow, broken or gone on order."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

_START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ChromaServer:
    """A running server that keeps its folder when it is stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        program = Path(sys.executable).with_name("chroma")
        command = [program, "run", "--path", self._folder / "data", "--host", "127.0.0.1", "--port", str(self.port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text())
            time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL, by its own id."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_START_SECONDS)
            self._process = None

    def _answers(self) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            line.request("GET", "/api/v2/heartbeat")
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        else:
            return answer.status == 200
        finally:
            line.close()


@contextmanager
def chroma_server() -> Iterator[ChromaServer]:
    """A server for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="coach-chroma-", ignore_cleanup_errors=True) as folder:
        server = ChromaServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


class Proxy:
    """Stands before a Chroma server; `mode` says what it does with requests."""

    def __init__(self, target: ChromaServer) -> None:
        self.mode: Literal["ok", "slow", "500", "reset"] = "ok"
        self.seen = 0
        self.over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self, "port": target.port}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Lines break here on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy
    port: int

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.proxy.seen += 1
        mode = self.proxy.mode
        if mode == "slow":
            self.proxy.over.wait(30)
        if mode == "reset":
            self.close_connection = True
            self.connection.close()
            return
        status, data, kind = (500, b"upstream error", "text/plain") if mode == "500" else self._forward(body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _forward(self, body: bytes) -> tuple[int, bytes, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            sent = {"Content-Type": self.headers.get("Content-Type") or "application/json"}
            line.request(self.command, self.path, body or None, sent)
            answer = line.getresponse()
            return answer.status, answer.read(), answer.headers.get("Content-Type") or "application/json"
        except (OSError, http.client.HTTPException):
            return 502, b"bad gateway", "text/plain"
        finally:
            line.close()

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def do_DELETE(self) -> None:
        self._pass()

    def log_message(self, *_: object) -> None:
        """Quiet."""
