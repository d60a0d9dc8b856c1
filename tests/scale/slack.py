"""Slack as a bot of many workspaces sees it, over real HTTP: tokens, installations, DMs with a history, a record."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in."""

    method: str
    token: str
    body: dict[str, Any]
    path: str = ""  # below /api/


@dataclass
class FakeSlack:
    """What stands in the conversations, and every call."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    said: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))  # by channel
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)  # what an installation's code is worth
    dead: set[str] = field(default_factory=set)  # revoked tokens
    on_post: Callable[[dict[str, Any]], None] = lambda _message: None

    def __post_init__(self) -> None:
        self._number = 0
        self.changed = threading.Condition(threading.RLock())

    def texts(self) -> list[str]:
        """Everything that the bot said."""
        with self.changed:
            return [m["text"] for messages in self.said.values() for m in messages]

    def of(self, method: str) -> list[Call]:
        """All calls of a method."""
        with self.changed:
            return [c for c in self.calls if c.method == method]

    def wait_for(self, true: Callable[[], bool], seconds: float = 20.0) -> bool:
        """Wait until something holds."""
        with self.changed:
            return self.changed.wait_for(true, seconds)

    def handle(self, method: str, token: str, body: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Answer one call."""
        with self.changed:
            self.calls.append(Call(method, token, body, path))
            self.changed.notify_all()
            if token in self.dead:
                return {"ok": False, "error": "token_revoked"}
            return self._answer(method, token, body)

    def _answer(self, method: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "auth.test": lambda: {"user_id": "U0COACH", "bot_id": "B0COACH", "team_id": token.rpartition("-")[2]},
            "oauth.v2.access": lambda: self.codes.get(body.get("code", ""), {"ok": False, "error": "invalid_code"}),
            "chat.postMessage": lambda: self._post(token, body),
            "conversations.history": lambda: self._history(body),
            "conversations.replies": lambda: self._history(body),
            "conversations.open": lambda: {"channel": {"id": f"D{body['users'].removeprefix('U')}"}},
            "users.info": lambda: {"user": {"id": body.get("user"), "tz": "Europe/London", "is_admin": False}},
        }
        return {"ok": True} | answers.get(method, lambda: {"view": {"id": "V1", "hash": "h"}})()

    def _history(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"messages": list(reversed(self.said[body["channel"]])), "has_more": False}

    def _post(self, token: str, body: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        metadata = body.get("metadata")
        message = {
            "ts": f"1790000000.{self._number:06d}",
            "channel": body["channel"],
            "text": body.get("text") or "",
            "metadata": json.loads(metadata) if isinstance(metadata, str) else metadata or {},
            "token": token,
        }
        self.said[body["channel"]].append(message)
        self.on_post(message)
        self.changed.notify_all()
        return {"ok": True, "channel": body["channel"], "ts": message["ts"]}


@contextmanager
def fake_slack() -> Iterator[FakeSlack]:
    """One that listens; its `url` is the Web API's address."""
    slack = FakeSlack()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"slack": slack}))
    slack.url = f"http://127.0.0.1:{server.server_port}/api/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="fake-slack", daemon=True)
    thread.start()
    try:
        yield slack
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers are killed in the middle of a call here: nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    slack: FakeSlack

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.headers.get("Content-Type") or ""
        body = json.loads(raw or b"{}") if "json" in kind else dict(urllib.parse.parse_qsl(raw.decode()))
        self._serve(body)

    def do_GET(self) -> None:
        self._serve(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))

    def _serve(self, body: dict[str, Any]) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or str(body.get("token") or "")
        path = urllib.parse.urlsplit(self.path).path.removeprefix("/api/")
        data = json.dumps(self.slack.handle(path.rpartition("/")[2], token, body, path)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quiet."""
