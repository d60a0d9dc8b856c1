"""The Bolt app: one global middleware takes every delivery in, Socket Mode brings them, and this starts and stops it.

Bolt checks, authorizes and drops the bot's own events; from there the inbox has the delivery, so that nothing is
ever unclaimed (Bolt's 404) and nothing runs in Bolt's five listener threads.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import structlog
from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_bolt.adapter.socket_mode.internals import run_bolt_app, send_response
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.core.errors import SettingsError
from bot.core.framework import Knowledge
from bot.core.wording import Wording
from bot.ports import Clock, Repositories
from bot.settings import Settings
from bot.slack import listeners
from bot.slack.delivery import Courier
from bot.slack.deps import Coach, Commands, Deps
from bot.slack.inbox import Accepted, Inbox, acknowledgement
from bot.slack.messenger import SlackMessenger, client_for
from bot.slack.mrkdwn import Links
from bot.slack.payloads import Click, Identity
from bot.slack.pool import WorkPool

log = structlog.get_logger()

PING_SECONDS = 1.5
# Seconds without an answer to a ping after which a socket is replaced. slack_sdk itself waits for more than four
# pings, for five failed ones where the line is cut, and for ever where no answer came at all.
_SILENCE = 5.0
_PER_PERSON, _QUEUE = 20, 2000  # jobs that may wait
_QUICK_WORKERS = 4
_DRAIN = 10.0  # seconds that stopping waits for answers under way
_KEEP_DONE = timedelta(days=3)  # Slack may deliver an event again for a day
# Work that nobody began for so long is taken over: longer than any answer takes, so that it is a dead replica's.
_ORPHANED = timedelta(seconds=45)
_LOOK_EVERY, _SWEEP_EVERY = 15.0, 3600.0  # seconds
_REFUSED = frozenset({"invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed"})


class Acknowledged(BoltResponse):
    """An acknowledgement that carries what begins once it is out."""

    then: Callable[[], None] | None = None


def links_of(knowledge: Knowledge, settings: Settings) -> Links:
    """The addresses that may stand in what the bot says: those of our own sources, and the operator's support line."""
    statements = (s.text for part in knowledge.parts.values() for section in part.sections for s in section.statements)
    return Links.of([*statements, settings.support_line])


def build_messenger(settings: Settings, links: Links) -> SlackMessenger:
    """The messenger of the one workspace whose token the settings hold."""
    token, url = _token(settings), settings.slack_api_url
    clients = (client_for(token, url), client_for(token, url, reading=True))
    return SlackMessenger(lambda _team: clients, links)


def build_slack(
    settings: Settings,
    *,
    coach: Coach,
    repositories: Repositories,
    clock: Clock,
    wording: Wording,
    messenger: SlackMessenger | None = None,
    features: tuple[ModuleType, ...] = listeners.FEATURES,
    **services: Any,
) -> SlackApp:
    """The whole Slack side, not yet started. `services` fill the fields that features added to `Deps`."""
    links = links_of(coach.knowledge, settings)
    registry = listeners.registry(settings.command_prefix, features)
    deps = Deps(
        settings=settings,
        coach=coach,
        repositories=repositories,
        clock=clock,
        wording=wording,
        slack=messenger or build_messenger(settings, links),
        commands=Commands(settings.command_prefix),
        links=links,
        **services,
    )
    buttons = frozenset(registry.names(Click))
    deps = replace(deps, intents=registry.intents, subcommands=registry.subcommands, buttons=buttons)
    return SlackApp(deps, lambda app: _inbox(app, registry, deps))


def _inbox(app: SlackApp, registry: Any, deps: Deps) -> Inbox:
    courier = Courier(deps.slack, deps.repositories, deps.wording, deps.clock)
    return Inbox(registry, deps, courier, slow=app.slow, quick=app.quick, identity=lambda: app.identity)


def _token(settings: Settings) -> str:
    if settings.slack_bot_token is None:
        raise SettingsError("SLACK_BOT_TOKEN is missing: copy the bot token (xoxb-…) of your app into .env.")
    return settings.slack_bot_token.get_secret_value()


class SlackApp:
    """The bot in one workspace, over Socket Mode."""

    def __init__(self, deps: Deps, inbox: Callable[[SlackApp], Inbox]) -> None:
        settings = deps.settings
        self.deps = deps
        self.identity = Identity("")
        self.slow = WorkPool("answers", workers=settings.workers, per_person=_PER_PERSON, limit=_QUEUE)
        self.quick = WorkPool("clicks", workers=_QUICK_WORKERS, per_person=_PER_PERSON, limit=_QUEUE)
        self.inbox = inbox(self)
        self.bolt = _bolt(self)
        self._handler: _Handler | None = None
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._keep_watch, name="slack-watch", daemon=True)

    @property
    def messenger(self) -> SlackMessenger:
        """The messenger, to be shared with whoever else sends."""
        return self.deps.slack

    @property
    def connected(self) -> bool:
        """True while a socket to Slack is open."""
        return self._handler is not None and self._handler.client.is_connected()

    def start(self) -> None:
        """Check the token, take up what is unfinished, connect. Waits while Slack can't be reached.

        Raises SettingsError where Slack refuses a token.
        """
        self._persist(self.verify)
        self.start_workers()
        self.inbox.resume(older_than=_ORPHANED if _shared(self.deps.settings) else None)
        self._persist(self._connect)
        if not self._stopping.is_set():
            self._watch.start()
            log.info("slack.started", team=self.identity.team_id)

    def start_workers(self) -> None:
        """Start the pools alone: for tests that dispatch by hand."""
        self.slow.start()
        self.quick.start()

    def stop(self) -> None:
        """Close the socket, let answers under way finish, end. What is left stays in the inbox."""
        self._stopping.set()
        if self._handler is not None:
            _hang_up(self._handler.client)
        drained = [pool.stop(drain_seconds=_DRAIN) for pool in (self.slow, self.quick)]
        if self._watch.is_alive():
            self._watch.join(_DRAIN)
        log.info("slack.stopped", drained=all(drained))

    def dispatch(self, body: dict[str, Any]) -> BoltResponse:
        """Take one Socket Mode payload through Bolt, as the socket does, and begin the work."""
        response = self.bolt.dispatch(BoltRequest(mode="socket_mode", body=body))
        begin(response)
        return response

    def verify(self) -> Identity:
        """Ask Slack who we are. Raises SettingsError where it refuses the token."""
        client = client_for(_token(self.deps.settings), self.deps.settings.slack_api_url)
        try:
            answer = client.auth_test()
        except SlackApiError as error:
            code = str(error.response.get("error"))
            if code in _REFUSED:
                raise SettingsError(f"Slack refuses the bot token ({code}): check SLACK_BOT_TOKEN.") from error
            raise
        self.identity = Identity(
            bot_user_id=str(answer["user_id"]), bot_id=str(answer.get("bot_id") or ""), team_id=str(answer["team_id"])
        )
        return self.identity

    # --- inside

    def _persist(self, step: Callable[[], object]) -> None:
        """Do a step that needs Slack, until it works or the bot is stopped."""
        wait = 1.0
        while not self._stopping.is_set():
            try:
                step()
            except SettingsError:
                raise
            except Exception as error:  # noqa: BLE001 - the network has many ways to fail; each is worth another try
                log.warning("slack.unreachable", error=type(error).__name__, again_in=wait)
                self._stopping.wait(wait)
                wait = min(wait * 2, 15.0)
            else:
                return

    def _connect(self) -> None:
        settings = self.deps.settings
        if settings.slack_app_token is None:
            raise SettingsError("SLACK_APP_TOKEN is missing: create an app-level token with connections:write.")
        if self._handler is None:
            self._handler = _Handler(self.bolt, settings.slack_app_token.get_secret_value(), settings.slack_api_url)
        try:
            self._handler.client.connect()
        except SlackApiError as error:
            code = str(error.response.get("error"))
            if code in _REFUSED:
                self._handler.client.close()
                raise SettingsError(f"Slack refuses the app token ({code}): check SLACK_APP_TOKEN.") from error
            raise

    def _keep_watch(self) -> None:
        """Replace a socket that never answered; take over orphaned work; drop what is past its time."""
        seen, since = "", time.monotonic()
        look, sweep = since + _LOOK_EVERY, since + _LOOK_EVERY
        while not self._stopping.wait(1.0):
            seen, since = self._check_socket(seen, since)
            if time.monotonic() >= look:
                look += _LOOK_EVERY
                self._quietly(lambda: self.inbox.resume(older_than=_ORPHANED))
            if time.monotonic() >= sweep:
                sweep += _SWEEP_EVERY
                self._quietly(self.sweep)

    def _check_socket(self, seen: str, since: float) -> tuple[str, float]:
        """Replace a socket that doesn't answer pings; `seen` has been silent from its beginning, `since` then."""
        assert self._handler is not None
        client = self._handler.client
        session, now = client.current_session, time.monotonic()
        if session is None or not session.is_active():
            return "", now  # slack_sdk is at it
        if session.session_id != seen:
            seen, since = session.session_id, now
        if session.last_ping_pong_time is not None:
            since = now - (time.time() - session.last_ping_pong_time)
        if now - since <= _SILENCE and not session.consecutive_check_state_error_count:
            return seen, since
        log.warning("slack.socket_silent")
        self._quietly(lambda: client.connect_to_new_endpoint(force=True))
        return "", time.monotonic()

    def sweep(self) -> None:
        """Drop conversations, exchanges and closed inbox rows that are past their time."""
        now, settings, stored = self.deps.clock.now(), self.deps.settings, self.deps.repositories
        stored.inbox.sweep(done_before=now - _KEEP_DONE)
        stored.conversations.sweep(before=now - timedelta(hours=settings.memory_hours))
        stored.exchanges.sweep(before=now - timedelta(days=settings.keep_exchanges_days))

    @staticmethod
    def _quietly(step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the watch goes on; the next round tries again
            log.warning("slack.watch", error=type(error).__name__)


def _hang_up(client: SocketModeClient) -> None:
    """Close a client at once: left alone, slack_sdk waits up to four seconds for its own reads to time out."""
    client.auto_reconnect_enabled = False
    client.closed = True
    session = client.current_session
    if session is not None and session.sock is not None:
        with suppress(OSError):  # gone already
            session.sock.shutdown(socket.SHUT_RDWR)
    client.message_queue.put(None)
    client.close()


def _shared(settings: Settings) -> bool:
    """True where other replicas may be at work on the same inbox."""
    return settings.database_url is not None and not settings.database_url.startswith("sqlite")


def begin(response: BoltResponse) -> None:
    """Begin the work of a delivery whose acknowledgement is out."""
    if isinstance(response, Acknowledged) and response.then:
        response.then()


def _bolt(app: SlackApp) -> App:
    # Bolt and the SDK write whole payloads at INFO and DEBUG; warnings of theirs hold none.
    quiet = logging.getLogger("isp_coach.slack_bolt")
    quiet.setLevel(logging.ERROR)
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)
    settings = app.deps.settings

    def authorize(team_id: str | None, enterprise_id: str | None) -> AuthorizeResult:
        us = app.identity
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id or us.team_id,
            bot_token=_token(settings),
            bot_id=us.bot_id,
            bot_user_id=us.bot_user_id,
        )

    def take_in(req: BoltRequest) -> BoltResponse:
        accepted = _accept(app.inbox, req.body)
        response = Acknowledged(status=accepted.status, body=acknowledgement(accepted), headers=_headers(accepted))
        response.then = accepted.then
        return response

    bolt = App(
        name="isp-coach",
        logger=quiet,
        client=WebClient(base_url=settings.slack_api_url, timeout=10, retry_handlers=[]),
        authorize=authorize,
        process_before_response=False,
    )
    bolt.use(take_in)
    return bolt


def _accept(inbox: Inbox, body: dict[str, Any]) -> Accepted:
    try:
        return inbox.accept(body)
    except Exception as error:  # noqa: BLE001 - not acknowledged, so Slack delivers it again or says that it failed
        log.error("inbox.refused", error=type(error).__name__)  # noqa: TRY400 - a trace may hold words
        return Accepted(status=503)


def _headers(accepted: Accepted) -> dict[str, str | Sequence[str]]:
    return {"content-type": "text/plain" if isinstance(accepted.body, str) else "application/json"}


class _Handler(SocketModeHandler):
    """Socket Mode that begins the work only after the acknowledgement has gone out."""

    def __init__(self, app: App, app_token: str, base_url: str) -> None:
        super().__init__(
            app,
            app_token,
            web_client=WebClient(base_url=base_url, timeout=5, retry_handlers=[]),
            ping_interval=PING_SECONDS,
        )

    def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override] # as in Bolt's own
        response = run_bolt_app(self.app, req)
        try:
            send_response(client, req, response, time.time())
        finally:
            begin(response)  # written down, so worked, even where the socket broke under the acknowledgement
