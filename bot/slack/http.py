"""HTTP mode: Slack's requests over ASGI.

The loop reads, checks, and acknowledges what isn't addressed to the bot, which is most of it. The rest goes through
Bolt and the inbox in a bounded pool: a request is answered when its row is written, and only then work on it begins.
What passes the guard is handed to Bolt as a payload, as Socket Mode hands it: neither the signature is checked twice
nor the body read twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog

from bot.ports import Metrics
from bot.slack.guard import MAX_BYTES, Headers, Refusal, challenge, check_signature, declared_length, read_payload
from bot.slack.manifest import CALLBACK, EVENTS_PATH, INSTALL_PATH

log = structlog.get_logger()

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ALIVE = "/healthz"

_THREADS = 8  # deliveries written at the same time
_WAITING = 400  # and waiting for that: two seconds of Slack's largest rate; more is told to come again
_READ_SECONDS = 10.0
_DRAINED = 4 * MAX_BYTES  # read and dropped, so that the sender of too much gets to see the answer
_AT_ONCE = 20_000  # bytes that the loop reads by itself; what is larger is read in the pool
_MOST_QUERY = 4000
_TOO_LARGE = 413
_PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """An HTTP answer, and what begins once it is out."""

    status: int
    body: str = ""
    content_type: str = _PLAIN
    headers: tuple[tuple[str, str], ...] = ()
    then: Callable[[], None] | None = None


Dispatch = Callable[[dict[str, Any]], Page]
Glance = Callable[[dict[str, Any]], Page | None]  # an answer where a payload needs no work; pure and quick
Browse = Callable[[str, str], Page]  # query and cookies of a browser


class SlackHttp:
    """The ASGI application. `close` it when the server has stopped."""

    def __init__(
        self,
        dispatch: Dispatch,
        glance: Glance,
        *,
        secret: str,
        metrics: Metrics,
        install: Browse | None = None,
        callback: Browse | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dispatch, self._glance = dispatch, glance
        self._secret, self._metrics, self._now = secret, metrics, now
        self._pages = {path: page for path, page in ((INSTALL_PATH, install), (CALLBACK, callback)) if page}
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="http")
        self._browsers = ThreadPoolExecutor(2, thread_name_prefix="install")  # these wait for Slack
        self._under_way = 0

    def close(self) -> None:
        """End the threads; what they have taken in is written first."""
        self._pool.shutdown(wait=True)
        self._browsers.shutdown(wait=True, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        page = await self._page(scope, receive)
        try:
            await _send(page, send)
        finally:
            if page.then:
                page.then()  # written down, so worked, even where the line broke under the acknowledgement
        if scope["path"] == EVENTS_PATH:
            self._metrics.taken_in("http", page.status, time.perf_counter() - begun)

    async def _page(self, scope: Scope, receive: Receive) -> Page:
        path, method = scope["path"], scope["method"]
        wanted = "POST" if path == EVENTS_PATH else "GET"
        if path not in {EVENTS_PATH, ALIVE, *self._pages}:
            return Page(404, "There is nothing here.")
        if method != wanted and not (method == "HEAD" and wanted == "GET"):
            return Page(405, f"This address takes {wanted}.", headers=(("allow", wanted),))
        if path == ALIVE:
            return Page(200, "ok")
        if path == EVENTS_PATH:
            return await self._event(scope, receive)
        return await self._browse(scope)

    async def _event(self, scope: Scope, receive: Receive) -> Page:
        headers: Headers = scope["headers"]
        try:
            body = await _read(headers, receive)
            check_signature(headers, body, secret=self._secret, now=self._now())
            payload = read_payload(headers, body) if len(body) <= _AT_ONCE else None
        except Refusal as refusal:
            return self._refused(refusal)
        known = self._known(payload) if payload is not None else None
        if known is not None:
            return known
        if self._under_way >= _WAITING:
            log.warning("http.busy")
            return Page(503, "Busy; please try again in a moment.", headers=(("retry-after", "1"),))
        self._under_way += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._take, headers, body, payload)
        finally:
            self._under_way -= 1

    def _known(self, payload: dict[str, Any]) -> Page | None:
        """The answer to what needs no work."""
        word = challenge(payload)
        if word is not None:
            return Page(200, word)
        return Page(200) if "ssl_check" in payload else self._glance(payload)

    def _take(self, headers: Headers, body: bytes, payload: dict[str, Any] | None) -> Page:
        """In the pool: hand the payload on. Whatever fails has a name in the log and no words."""
        if payload is None:
            try:
                payload = read_payload(headers, body)
            except Refusal as refusal:
                return self._refused(refusal)
            known = self._known(payload)
            if known is not None:
                return known
        try:
            return self._dispatch(payload)
        except Exception as error:  # noqa: BLE001 - nothing was written, so Slack is asked to come again
            log.error("http.dispatch_failed", error=type(error).__name__)  # noqa: TRY400 - a trace may hold words
            return Page(503, "This didn't work; please try again in a moment.")

    def _refused(self, refusal: Refusal) -> Page:
        log.info("http.refused", status=refusal.status, reason=refusal.reason)
        return Page(refusal.status, f"Refused: {refusal.reason}.")

    async def _browse(self, scope: Scope) -> Page:
        query = scope["query_string"].decode("latin-1")
        cookies = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
        if len(query) > _MOST_QUERY or len(cookies) > _MOST_QUERY:
            return Page(414, "This address is too long.")
        page = self._pages[scope["path"]]
        return await asyncio.get_running_loop().run_in_executor(self._browsers, page, query, cookies)


async def _read(headers: Headers, receive: Receive) -> bytes:
    """The whole body. Raises Refusal where it is too large, too slow or cut off."""
    body = bytearray()
    too_large = False
    try:
        declared_length(headers)
    except Refusal as refusal:
        if refusal.status != _TOO_LARGE:
            raise
        too_large = True
    dropped = 0
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for part in _parts(receive):
                if too_large or len(body) + len(part) > MAX_BYTES:
                    too_large = True
                    dropped += len(part)
                    if dropped > _DRAINED:
                        break
                else:
                    body += part
    except TimeoutError:
        raise Refusal(408, "too slow") from None
    if too_large:
        raise Refusal(_TOO_LARGE, "too large")
    return bytes(body)


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refusal(400, "cut off")
        more = message.get("more_body", False)
        yield message.get("body", b"")


async def _send(page: Page, send: Send) -> None:
    body = page.body.encode()
    headers = [
        (b"content-type", page.content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *_encoded(page.headers),
    ]
    await send({"type": "http.response.start", "status": page.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
