"""News for the open pages: each page gets what its user may see, over Server-Sent Events."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection

from bot.sandbox.records import Json

QUEUE_LIMIT = 2000  # a page that reads nothing any more must not fill the memory: it gets a reset instead


class Subscription:
    """One open page."""

    def __init__(self, user: str, loop: asyncio.AbstractEventLoop) -> None:
        self.user = user
        self._loop = loop
        self._queue: asyncio.Queue[Json | None] = asyncio.Queue()

    def put(self, event: Json | None) -> None:
        """Hand over an event from any thread; None ends the stream."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, event)

    def _put(self, event: Json | None) -> None:
        if self._queue.qsize() >= QUEUE_LIMIT:
            while not self._queue.empty():
                self._queue.get_nowait()
            event = None if event is None else {"type": "reset"}
        self._queue.put_nowait(event)

    async def get(self, seconds: float) -> Json | None:
        """The next event; None at the end. Raises TimeoutError where nothing came within so many seconds."""
        async with asyncio.timeout(seconds):
            return await self._queue.get()


class Bus:
    """Hands events to the pages that may see them. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: set[Subscription] = set()

    def subscribe(self, user: str) -> Subscription:
        """A new page of a user; call on the event loop."""
        page = Subscription(user, asyncio.get_running_loop())
        with self._lock:
            self._pages.add(page)
        return page

    def unsubscribe(self, page: Subscription) -> None:
        """The page is gone."""
        with self._lock:
            self._pages.discard(page)

    def publish(self, event: Json, users: Collection[str] | None = None) -> None:
        """Send to the pages of these users, or of everybody."""
        for page in self._everyone():
            if users is None or page.user in users:
                page.put(event)

    def close(self) -> None:
        """End all streams."""
        for page in self._everyone():
            page.put(None)

    def _everyone(self) -> list[Subscription]:
        with self._lock:
            return list(self._pages)
