"""An ASGI application served by uvicorn in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn

from bot.core.errors import SettingsError

_START_SECONDS = 10.0
_GRACE_SECONDS = 5  # for requests under way when it stops
_BACKLOG = 2048
_KEEP_ALIVE = 65  # seconds, longer than proxies keep a line, so that it is never we who close it under a request


class WebServer:
    """Serves one application on one address until it is stopped."""

    def __init__(self, application: Callable[..., Any], *, host: str, port: int, setting: str) -> None:
        """`port` 0 takes a free one; `setting` names what to change where the address is taken."""
        self._application, self._host, self._port, self._setting = application, host, port, setting
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    def start(self) -> None:
        """Listen; returns once requests are answered. Raises SettingsError where the address can't be had."""
        listener = self._listen()
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._application,
            log_config=None,
            log_level="critical",  # it would write addresses that people came from, and traces
            access_log=False,
            ws="none",
            lifespan="off",
            backlog=_BACKLOG,
            server_header=False,
            proxy_headers=False,  # nothing here asks where a request came from
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(listener,), name=f"web-{self._port}", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise SettingsError(f"The web server did not come up on {self._host}, port {self._port}.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Answer what is under way, then end."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_GRACE_SECONDS + 2)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # The protocol is named: else asyncio doesn't know TCP, leaves Nagle's wait on, and each answer takes 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise SettingsError(
                f"The bot can't listen on {self._host}, port {self._port} ({error.strerror}). Set {self._setting} anew."
            ) from error
        return listener

    def _run(self, listener: socket.socket) -> None:
        assert self._server is not None
        asyncio.run(self._server.serve(sockets=[listener]))
