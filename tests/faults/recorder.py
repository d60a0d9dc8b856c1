"""Slack as far as nudges see it, over real HTTP: it records every call, keeps what it took, and fails on order.

What counts as lost or twice is told by `taken`, the messages that people would see, never by what the bot believes.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
import urllib.parse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

POST, HISTORY = "chat.postMessage", "conversations.history"


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in."""

    at: float  # on the recorder's clock, seconds since 1970
    method: str
    token: str
    channel: str
    key: str | None  # the nudge's id, of a post
    number: int  # the how-manieth post with this key, from 1


@dataclass(frozen=True, slots=True)
class Fault:
    """What Slack does in place of a good answer. `taken`: it took the message all the same."""

    kind: str  # "429", "500", "html", "timeout", "reset", "cut", "ok" or an error code of Slack's
    taken: bool = False
    retry_after: float = 1.0
    seconds: float = 0.0  # before anything else happens
    status: int = 200  # with an error code
    whom: tuple[str, str] | None = None  # method and token, of a 429


Decide = Callable[[Call], Fault | None]


@dataclass
class Recorder:
    """The record, and the orders given to it."""

    now: Callable[[], float] = time.time
    decide: Decide = lambda _call: None
    after_post: Callable[[Call], None] = lambda _call: None  # runs before the answer goes out
    wait: Callable[[float], object] = time.sleep
    latency: float = 0.0  # seconds on each post
    hang: float = 30.0  # seconds that a "timeout" keeps the caller waiting at most
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    taken: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))  # by channel
    held: dict[tuple[str, str], float] = field(default_factory=dict)  # until when, by method and token
    out: int = 0  # messages that stand in a conversation
    early: int = 0  # calls that came before the time that a 429 gave
    tries: Counter[str] = field(default_factory=Counter)  # posts by key, taken or not
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.grown = threading.Condition(self.lock)
        self.closing = threading.Event()
        self._ts = 0

    # --- what it saw

    def of(self, method: str) -> list[Call]:
        """All calls of a method."""
        with self.lock:
            return [call for call in self.calls if call.method == method]

    def keys(self) -> Counter[str]:
        """How often each nudge stands in a conversation."""
        with self.lock:
            return Counter(m["metadata"]["event_payload"]["key"] for ms in self.taken.values() for m in ms)

    def wait_for(self, true: Callable[[Recorder], bool], seconds: float) -> bool:
        """Wait until something holds of the record."""
        with self.grown:
            return self.grown.wait_for(lambda: true(self), seconds)

    # --- what it does

    def handle(self, method: str, token: str, body: dict[str, Any]) -> tuple[Fault | None, dict[str, Any]]:
        """Take one call in; the fault to act out and the good answer."""
        with self.grown:
            key = _key(body) if method == POST else None
            self.tries[str(key)] += 1
            call = Call(self.now(), method, token, str(body.get("channel") or ""), key, self.tries[str(key)])
            self.early += call.at < self.held.get((method, token), 0.0)
            self.calls.append(call)
            self.grown.notify_all()
            fault = self.decide(call)
            if fault and fault.kind == "429":  # known to the caller from the answer on; see told_to_wait
                fault = replace(fault, whom=(method, token))
        if fault and fault.seconds:
            self.wait(fault.seconds)
        answer = self._answer(call, body, taken=fault is None or fault.taken or fault.kind == "ok")
        if method == POST:
            if self.latency:
                self.wait(self.latency)
            self.after_post(call)
        return fault, answer

    def told_to_wait(self, fault: Fault) -> None:
        """From now on the caller knows: earlier calls of this method and token count as early."""
        assert fault.whom
        with self.lock:
            self.held[fault.whom] = max(self.held.get(fault.whom, 0.0), self.now() + fault.retry_after)

    def _answer(self, call: Call, body: dict[str, Any], *, taken: bool) -> dict[str, Any]:
        if call.method == POST:
            return self._take(call, body) if taken else {}
        if call.method == HISTORY:
            return self._history(body)
        if call.method == "users.info":
            return {"ok": True, "user": {"id": body.get("user"), "tz": "Europe/London"}}
        return {"ok": True, "channel": {"id": f"D{body.get('users')}"}}

    def _take(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        with self.grown:
            self._ts += 1
            ts = f"{int(call.at)}.{self._ts % 1_000_000:06d}"
            metadata = body.get("metadata") or {}
            message = {"type": "message", "ts": ts, "text": body.get("text"), "metadata": metadata}
            self.taken[call.channel].append(message)
            self.out += 1
            self.grown.notify_all()
        return {"ok": True, "channel": call.channel, "ts": ts, "message": message}

    def _history(self, body: dict[str, Any]) -> dict[str, Any]:
        oldest, limit, start = (
            float(body.get("oldest") or 0),
            int(body.get("limit") or 100),
            int(body.get("cursor") or 0),
        )
        with self.lock:
            found = [m for m in reversed(self.taken[str(body["channel"])]) if float(m["ts"]) >= oldest]
        page = found[start : start + limit]
        if str(body.get("include_all_metadata")).lower() not in {"true", "1"}:
            page = [{k: v for k, v in m.items() if k != "metadata"} for m in page]
        more = str(start + limit) if start + limit < len(found) else ""
        return {"ok": True, "messages": page, "has_more": bool(more), "response_metadata": {"next_cursor": more}}


def _key(body: dict[str, Any]) -> str | None:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return None
    return str((metadata.get("event_payload") or {}).get("key") or "") or None


@contextmanager
def recording(**orders: Any) -> Iterator[Recorder]:
    """A recorder that listens; its `url` is the Web API's address."""
    recorder = Recorder(**orders)
    server = _Server(("127.0.0.1", 0), _handler(recorder))
    recorder.url = f"http://127.0.0.1:{server.server_port}/api/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="recorder", daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        recorder.closing.set()
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers are killed in the middle of a call here: nothing to tell."""


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"recorder": recorder})


class _Handler(BaseHTTPRequestHandler):
    recorder: Recorder

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._serve(_body(raw, self.headers.get("Content-Type") or ""))

    def do_GET(self) -> None:
        self._serve(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))

    def _serve(self, body: dict[str, Any]) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or str(body.get("token") or "")
        method = urllib.parse.urlsplit(self.path).path.rpartition("/")[2]
        fault, answer = self.recorder.handle(method, token, body)
        if fault is None or fault.kind == "ok":
            self._json(200, answer)
        else:
            self._fail(fault, answer)

    def _fail(self, fault: Fault, answer: dict[str, Any]) -> None:
        match fault.kind:
            case "429":
                self._json(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": f"{fault.retry_after:g}"})
                self.recorder.told_to_wait(fault)
            case "timeout":
                self.recorder.closing.wait(self.recorder.hang)
                self._reset()
            case "reset":
                self._reset()
            case "cut":
                self._raw(200, json.dumps(answer or {"ok": True}).encode(), cut=True)
            case "html":
                self._raw(fault.status, b"<!DOCTYPE html><title>Slack</title>Server error", kind="text/html")
            case kind if kind.isdigit():
                self._raw(int(kind), b"upstream connect error", kind="text/plain")
            case code:
                self._json(fault.status, {"ok": False, "error": code})

    def _json(self, status: int, answer: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(answer).encode(), headers=headers)

    def _raw(
        self,
        status: int,
        data: bytes,
        *,
        kind: str = "application/json; charset=utf-8",
        headers: dict[str, str] | None = None,
        cut: bool = False,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)

    def _reset(self) -> None:
        """Break the connection as a crashed peer does (RST)."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _body(raw: bytes, kind: str) -> dict[str, Any]:
    if "json" in kind:
        parsed: dict[str, Any] = json.loads(raw or b"{}")
        return parsed
    form: dict[str, Any] = dict(urllib.parse.parse_qsl(raw.decode()))
    for name in ("metadata", "blocks"):
        if isinstance(form.get(name), str):
            form[name] = json.loads(form[name])
    return form


# --- orders -------------------------------------------------------------------------------------------------------

_UNCERTAIN = ("500", "502", "html", "reset", "cut")


def weather(seed: int, *, uncertain: float = 0.05, limited: float = 0.02, retry_after: float = 1.0) -> Decide:
    """Some posts end uncertainly, half of them taken all the same; some are turned away for a while."""
    chance = random.Random(seed)

    def decide(call: Call) -> Fault | None:
        if call.method != POST:
            return None
        drawn = chance.random()
        if drawn < limited:
            return Fault("429", retry_after=retry_after)
        if drawn < limited + uncertain:
            kind = chance.choice(_UNCERTAIN)
            status = 503 if kind == "html" else 200
            return Fault(kind, taken=kind == "cut" or chance.random() < 0.5, status=status)
        return None

    return decide
