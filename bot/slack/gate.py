"""A Web API client whose call goes out only if a condition still holds when its last byte is written.

Whoever sends under a lease looks at it first. But looking up the host, connecting and the TLS handshake may take
seconds, and a process that is frozen meanwhile (SIGSTOP, a paused virtual machine, a machine that swaps) would write
its request whenever it wakes, when another replica has long sent the same. So the request is written up to its last
byte, then the condition is asked, then that byte goes. Slack can't act on a request whose announced length is not
there, so one that is broken off here was surely not taken.

Between the answer and the byte, too, a process may be frozen, and other threads may have their turn of Python's lock.
So the last look at the clock and the write are one expression whose parts all run in C, without letting go of that
lock: where the answer is older than a moment by then, it is asked for anew. What is left is a freeze between two system
calls, about a microsecond. No sender can rule that out by itself.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from itertools import compress
from ssl import SSLContext
from typing import Any
from urllib.request import BaseHandler, HTTPHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient

from bot.services.lease import COUNT, seconds

Condition = Callable[[], bool]

_FRESH = 0.25  # seconds for which an answer counts; what it answers for must hold for longer

_condition: ContextVar[Condition | None] = ContextVar("condition", default=None)


class Withheld(Exception):
    """The condition no longer held: the request was broken off before its last byte, so Slack has not taken it."""


@contextmanager
def only_if(condition: Condition | None) -> Iterator[None]:
    """Calls of a GatedClient in this block, by this thread, go out only where `condition()` holds at the last moment.

    They raise Withheld where it doesn't. None: no condition.
    """
    before = _condition.set(condition)
    try:
        yield
    finally:
        _condition.reset(before)


class GatedClient(WebClient):
    """Slack's client, which heeds `only_if`."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        condition = _condition.get()
        if condition is None or not url.lower().startswith("http"):
            return super()._perform_urllib_http_request_internal(url, req)
        handlers: list[BaseHandler] = [_Http(condition, self.timeout), _Https(condition, self.timeout, self.ssl)]
        if self.proxy:
            handlers.append(ProxyHandler({"http": self.proxy, "https": self.proxy}))
        with build_opener(*handlers).open(req, timeout=self.timeout) as response:
            charset = response.headers.get_content_charset() or "utf-8"
            return {"status": response.status, "headers": response.headers, "body": response.read().decode(charset)}


class _Held(HTTPConnection):
    """A connection that keeps back the last byte of its request until the condition was asked."""

    def __init__(self, *args: Any, condition: Condition, unread: float, **more: Any) -> None:
        super().__init__(*args, **more)
        self._condition, self._unread = condition, unread

    def connect(self) -> None:
        super().connect()
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # the kernel, too, gives up what nobody acknowledges so long
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(self._unread * 1000))

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        if not isinstance(message_body, bytes) or not message_body or encode_chunked:
            raise Withheld("only a body of known length can be held back")
        super().endheaders(message_body[:-1])
        self.sock.settimeout(None)  # else the write first waits for room, and lets other threads have their turn
        while True:
            until = seconds() + _FRESH
            if not self._condition():
                raise Withheld
            if self._write_before(until, message_body[-1:]):
                break
        self.sock.settimeout(self.timeout)

    def _write_before(self, until: float, last: bytes) -> bool:
        """Write the last byte unless that second has come; whether it was written.

        One chain that is pulled in C. Written as statements, the clock's answer could be minutes old at the write.
        """
        count, of = COUNT
        in_time = map(until.__gt__, map(count, (of,)))
        return bool(list(map(self._writer(), compress((last,), in_time))))

    def _writer(self) -> Callable[[bytes], int]:
        return self.sock.send


class _HeldTls(_Held, HTTPSConnection):
    """The same over TLS: the last byte is a record of its own."""

    def _writer(self) -> Callable[[bytes], int]:
        inner: Any = self.sock._sslobj  # type: ignore[union-attr]  # noqa: SLF001 - a TLS socket's `send` is Python
        write: Callable[[bytes], int] = inner.write
        return write


class _Http(HTTPHandler):
    def __init__(self, condition: Condition, unread: float) -> None:
        super().__init__()
        self._connection = partial(_Held, condition=condition, unread=unread)

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._connection, req)


class _Https(HTTPSHandler):
    def __init__(self, condition: Condition, unread: float, context: SSLContext | None) -> None:
        super().__init__(context=context)
        self._connection, self._tls = partial(_HeldTls, condition=condition, unread=unread), context

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(self._connection, req, context=self._tls)
