"""The sandbox as one server: Slack's addresses for the bot, the page and its API for people, a handle for tests."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from bot.sandbox import api_rooms, api_streams  # noqa: F401 - they enter their methods into the table
from bot.sandbox.bus import Bus
from bot.sandbox.clock import SandboxClock
from bot.sandbox.driver import Driver
from bot.sandbox.faults import Faults
from bot.sandbox.manifest import parse_manifest
from bot.sandbox.page_http import PageSide
from bot.sandbox.recorder import RecordedCall, Recorder
from bot.sandbox.responses import Responses
from bot.sandbox.slack_http import SlackSide
from bot.sandbox.socket_mode import Hub
from bot.sandbox.state import State
from bot.sandbox.ui_actions import Hands
from bot.sandbox.ui_api import clock_card
from bot.sandbox.web_api import WebApi

BotStatus = Literal["starting", "ready", "stopped", "failed"]
START_DEADLINE = 10.0  # seconds
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class SandboxStartError(RuntimeError):
    """The sandbox can't listen; the text says on which address and why."""


class Sandbox(Driver):
    """A local Slack for one bot. `start` and `stop` it, or use it as a context manager; many fit in one process."""

    def __init__(
        self,
        *,
        clock: SandboxClock | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        page_dir: Path | None = None,
        next_nudge: Callable[[], datetime | None] | None = None,
        ack_timeout: float = 3.0,
        retry_scale: float = 1.0,
    ) -> None:
        self.clock = clock or SandboxClock()
        self.host, self.port = host, port
        self.page_dir = page_dir or Path(__file__).parent / "page"
        self.next_nudge = next_nudge
        self.bus = Bus()
        self.faults = Faults()
        self.state = State(self.clock, self.bus)
        self.hub = Hub(self.state, self.faults, ack_timeout=ack_timeout, retry_scale=retry_scale)
        self.people = Hands(self.state, self.hub)
        self.api = WebApi(self.state, self._socket_url)
        self.responses = Responses(self.state)
        self.recorder = Recorder(self.state)
        self.bot_status: tuple[BotStatus, str] = ("starting", "")
        self.state.deliver = self.hub.deliver
        self.loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._end_clock_news = self.clock.on_change(self._clock_moved)

    # --- life ---

    def start(self) -> Self:
        """Listen; returns once the page can be opened. Raises SandboxStartError, for example for a taken port."""
        listener = self._listen()
        self.port = listener.getsockname()[1]
        self.state.base_url = self.url
        config = uvicorn.Config(
            self._application(),
            log_config=None,
            log_level="error",
            access_log=False,
            loop="asyncio",
            ws="websockets-sansio",  # the older one rests on a deprecated part of websockets
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(listener,), name="sandbox", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_DEADLINE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise SandboxStartError(f"The sandbox did not come up on {self.url}.")
            time.sleep(0.005)
        return self

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # The protocol is named: else asyncio doesn't know TCP, leaves Nagle's wait on, and each answer takes 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError as error:
            listener.close()
            raise SandboxStartError(
                f"The sandbox can't listen on {self.host}, port {self.port}: {error.strerror}. "
                "Is another one running? Set ISP_COACH_SANDBOX_PORT to another port, or to 0 for a free one."
            ) from error
        return listener

    def _run(self, listener: socket.socket) -> None:
        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            self.hub.attach(self.loop)
            assert self._server is not None
            await self._server.serve(sockets=[listener])

        asyncio.run(serve())

    def stop(self) -> None:
        """Stop listening and end all connections. Stopping twice does nothing."""
        server, thread, loop = self._server, self._thread, self.loop
        if server is None or thread is None or loop is None:
            return
        self._server = None
        self._end_clock_news()
        if thread.is_alive():
            asyncio.run_coroutine_threadsafe(self.hub.close(), loop).result(START_DEADLINE)
            self.bus.close()
            server.should_exit = True
            thread.join(START_DEADLINE)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- addresses and tokens ---

    @property
    def url(self) -> str:
        """Where the page is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{self.port}"  # noqa: S104 - compared, not bound

    @property
    def api_url(self) -> str:
        """The Web API's base address, with the slash at its end."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        """The app's bot token."""
        return self.api.bot_token

    @property
    def app_token(self) -> str:
        """The app's token for Socket Mode."""
        return self.api.app_token

    def _socket_url(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/link?ticket={self.hub.new_ticket()}&app_id=A0COACH"

    # --- the app ---

    def install(self, manifest: Mapping[str, Any]) -> None:
        """Install an app: its commands, shortcuts, scopes and events hold from now on. Raises ManifestError."""
        parsed = parse_manifest(manifest)
        with self.state.change():
            self.state.manifest = parsed
        self.bus.publish({"type": "reset"})

    def set_bot_status(self, status: BotStatus, detail: str = "") -> None:
        """Tell the pages how the bot is."""
        with self.state.change():
            self.bot_status = (status, detail)
        self.bus.publish({"type": "bot", "status": status, "detail": detail})

    def revoke_token(self) -> None:
        """Uninstall the app: the bot hears of it where it asked to, and its token is worth nothing from now on."""
        revoked = {"type": "tokens_revoked", "tokens": {"bot": ["U0COACH"]}, "event_ts": self.state.new_ts()}
        self.state.deliver("tokens_revoked", revoked)
        self.state.deliver("app_uninstalled", {"type": "app_uninstalled", "event_ts": self.state.new_ts()})
        self.api.revoked = True

    def _clock_moved(self) -> None:
        self.bus.publish({"type": "clock", **clock_card(self.state)})

    @property
    def calls(self) -> list[RecordedCall]:
        """The Web API calls so far, oldest first."""
        return self.recorder.calls

    # --- serving ---

    def _application(self) -> Callable[..., Any]:
        starlette = Starlette(routes=[*SlackSide(self).routes(), *PageSide(self).routes()])

        async def application(scope: Any, receive: Any, send: Any) -> None:
            # Faults act on the connection itself, which uvicorn does not hand to applications by another way.
            scope["sandbox.protocol"] = getattr(receive, "__self__", None)
            if (
                scope["type"] == "http"
                and scope["path"].startswith("/ui/")
                and self._from_elsewhere(Headers(scope=scope))
            ):
                await PlainTextResponse("This address is for the sandbox's own page.", status_code=403)(
                    scope, receive, send
                )
                return
            await starlette(scope, receive, send)

        return application

    def _from_elsewhere(self, headers: Headers) -> bool:
        """True for another site's script in the same browser: a foreign Origin, or a foreign name for this machine."""
        host, origin = headers.get("host", ""), headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc != host
        return foreign or (self.host in LOOPBACK and urlsplit(f"//{host}").hostname not in LOOPBACK)
