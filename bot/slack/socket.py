"""Socket Mode: the line that the bot opens to Slack, and the watch over it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from slack_bolt import App, BoltResponse
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_bolt.adapter.socket_mode.internals import run_bolt_app, send_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.core.errors import SettingsError
from bot.settings import Settings
from bot.slack.messenger import REFUSED_TOKENS

log = structlog.get_logger()

PING_SECONDS = 1.5
# Seconds without an answer to a ping after which a socket is replaced. slack_sdk itself waits for more than four
# pings, for five failed ones where the line is cut, and for ever where no answer came at all.
_SILENCE = 5.0

Begin = Callable[[BoltResponse], None]
Timed = Callable[[int, float], None]  # status and seconds of an acknowledgement


class SocketLine:
    """One Socket Mode connection, kept up; `begin` starts the work of what was acknowledged."""

    def __init__(self, bolt: App, settings: Settings, begin: Begin, timed: Timed) -> None:
        """Raises SettingsError where the app token is missing."""
        if settings.slack_app_token is None:
            raise SettingsError("SLACK_APP_TOKEN is missing: create an app-level token with connections:write.")
        self._handler = _Handler(
            bolt, settings.slack_app_token.get_secret_value(), settings.slack_api_url, begin, timed
        )
        self._seen, self._since = "", time.monotonic()

    @property
    def connected(self) -> bool:
        """True while a socket to Slack is open."""
        return bool(self._handler.client.is_connected())

    def connect(self) -> None:
        """Open the socket. Raises SettingsError where Slack refuses the token, and what the network raises."""
        try:
            self._handler.client.connect()
        except SlackApiError as error:
            code = str(error.response.get("error"))
            if code in REFUSED_TOKENS:
                self._handler.client.close()
                raise SettingsError(f"Slack refuses the app token ({code}): check SLACK_APP_TOKEN.") from error
            raise

    def replace_if_silent(self) -> None:
        """Open another socket where this one has not answered pings for some seconds; looked at once a second."""
        client = self._handler.client
        session, now = client.current_session, time.monotonic()
        if session is None or not session.is_active():
            self._seen, self._since = "", now  # slack_sdk is at it
            return
        if session.session_id != self._seen:
            self._seen, self._since = session.session_id, now
        if session.last_ping_pong_time is not None:
            self._since = now - (time.time() - session.last_ping_pong_time)
        if now - self._since <= _SILENCE and not session.consecutive_check_state_error_count:
            return
        log.warning("slack.socket_silent")
        self._seen = ""
        client.connect_to_new_endpoint(force=True)

    def hang_up(self) -> None:
        """Close at once: left alone, slack_sdk waits up to four seconds for its own reads to time out."""
        client = self._handler.client
        client.auto_reconnect_enabled = False
        client.closed = True
        session = client.current_session
        if session is not None and session.sock is not None:
            with suppress(OSError):  # gone already
                session.sock.shutdown(socket.SHUT_RDWR)
        client.message_queue.put(None)
        client.close()


class _Handler(SocketModeHandler):
    """Socket Mode that begins the work only after the acknowledgement has gone out."""

    def __init__(self, app: App, app_token: str, base_url: str, begin: Begin, timed: Timed) -> None:
        self._begin, self._timed = begin, timed
        super().__init__(
            app,
            app_token,
            web_client=WebClient(base_url=base_url, timeout=5, retry_handlers=[]),
            ping_interval=PING_SECONDS,
        )

    def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override] # as in Bolt's own
        begun = time.perf_counter()
        response = run_bolt_app(self.app, req)
        try:
            send_response(client, req, response, time.time())
        finally:
            self._timed(response.status, time.perf_counter() - begun)
            self._begin(response)  # written down, so worked, even where the socket broke under the acknowledgement
