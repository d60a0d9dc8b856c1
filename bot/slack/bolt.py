"""The Bolt app: one global middleware takes in what Socket Mode or HTTP bring; this starts it and stops it.

Bolt authorizes and drops the bot's own events; from there the inbox has the delivery, so that nothing is ever
unclaimed (Bolt's 404) and nothing runs in Bolt's five listener threads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import structlog
from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.core.errors import CoachError, SettingsError
from bot.core.framework import Knowledge
from bot.core.wording import Wording
from bot.ports import Clock, Repositories
from bot.settings import Settings
from bot.slack import home, listeners
from bot.slack.delivery import ORPHANED, Courier
from bot.slack.deps import Coach, Commands, Deps
from bot.slack.http import Page, SlackHttp
from bot.slack.inbox import UNREADABLE, Accepted, Inbox, acknowledgement
from bot.slack.install import Installing
from bot.slack.messenger import REFUSED_TOKENS, SlackMessenger, client_for
from bot.slack.mrkdwn import Links
from bot.slack.payloads import MALFORMED, Click, Identity, Ignored, parse
from bot.slack.pool import WorkPool
from bot.slack.socket import PING_SECONDS, SocketLine
from bot.slack.workspaces import ManyWorkspaces, OneWorkspace, Workspaces, token_of

__all__ = ["PING_SECONDS", "SlackApp", "begin", "build_slack", "links_of"]

log = structlog.get_logger()

_PER_PERSON, _QUEUE = 20, 2000  # jobs that may wait
_QUICK_WORKERS = 4
_DRAIN = 10.0  # seconds that stopping waits for answers under way
_LOOK_EVERY, _SWEEP_EVERY = 15.0, 3600.0  # seconds
_BOLT_ONLY = "-"  # no token for Bolt's own client: it sends nothing, the messenger does


class Acknowledged(BoltResponse):
    """An acknowledgement that carries what begins once it is out."""

    then: Callable[[], None] | None = None
    malformed = False


def links_of(knowledge: Knowledge, settings: Settings) -> Links:
    """The addresses that may stand in what the bot says: those of our own sources, and the operator's support line."""
    statements = (s.text for part in knowledge.parts.values() for section in part.sections for s in section.statements)
    return Links.of([*statements, settings.support_line])


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
    many = settings.many_workspaces
    workspaces = ManyWorkspaces(repositories.installations, settings.slack_api_url) if many else OneWorkspace(settings)
    registry = listeners.registry(settings.command_prefix, features)
    deps = Deps(
        settings=settings,
        coach=coach,
        repositories=repositories,
        clock=clock,
        wording=wording,
        slack=messenger or SlackMessenger(workspaces.clients, links),
        workspaces=workspaces,
        commands=Commands(settings.command_prefix),
        links=links,
        renew_home=home.publish,
        **services,
    )
    buttons = frozenset(registry.names(Click))
    deps = replace(deps, intents=registry.intents, subcommands=registry.subcommands, buttons=buttons)
    return SlackApp(deps, workspaces, lambda app: _inbox(app, registry, deps))


def _inbox(app: SlackApp, registry: Any, deps: Deps) -> Inbox:
    courier = Courier(deps.slack, deps.repositories, deps.wording, deps.clock)
    return Inbox(registry, deps, courier, slow=app.slow, quick=app.quick)


class SlackApp:
    """The bot in its workspace or workspaces, over Socket Mode or HTTP."""

    def __init__(self, deps: Deps, workspaces: Workspaces, inbox: Callable[[SlackApp], Inbox]) -> None:
        settings = deps.settings
        self.deps, self.workspaces = deps, workspaces
        self.on_connected: Callable[[str], None] = lambda _team_id: None  # hears of a workspace whose token works
        self.slow = WorkPool("answers", workers=settings.workers, per_person=_PER_PERSON, limit=_QUEUE)
        self.quick = WorkPool("clicks", workers=_QUICK_WORKERS, per_person=_PER_PERSON, limit=_QUEUE)
        self.inbox = inbox(self)
        self.bolt = _bolt(self)
        self.http = _http(self) if settings.slack_mode == "http" else None
        self._line: SocketLine | None = None
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._keep_watch, name="slack-watch", daemon=True)

    @property
    def identity(self) -> Identity:
        """Who the bot is, where it is in one workspace."""
        return self.workspaces.us("") or Identity("")

    @property
    def messenger(self) -> SlackMessenger:
        """The messenger, to be shared with whoever else sends."""
        return self.deps.slack

    @property
    def connected(self) -> bool:
        """True while deliveries can come in: a socket to Slack is open, or requests over HTTP are taken."""
        if self.http is not None:
            return not self._stopping.is_set()
        return self._line is not None and self._line.connected

    def start(self) -> None:
        """Check the token, take up what is unfinished, connect. Waits while Slack can't be reached.

        Over HTTP nothing is opened here: serve `http`. Raises SettingsError where Slack refuses a token.
        """
        if isinstance(self.workspaces, OneWorkspace):
            self._persist(self.verify)
            self.on_connected(self.identity.team_id)
        self.start_workers()
        self.inbox.resume(older_than=ORPHANED if _shared(self.deps.settings) else None)
        if self.http is None:
            self._persist(self._connect)
        if not self._stopping.is_set():
            self._watch.start()
            log.info("slack.started", team=self.identity.team_id, mode=self.deps.settings.slack_mode)

    def start_workers(self) -> None:
        """Start the pools alone: for tests that dispatch by hand."""
        self.slow.start()
        self.quick.start()

    def stop(self) -> None:
        """Close the socket, let answers under way finish, end. What is left stays in the inbox."""
        self._stopping.set()
        if self._line is not None:
            self._line.hang_up()
        if self.http is not None:
            self.http.close()
        drained = [pool.stop(drain_seconds=_DRAIN) for pool in (self.slow, self.quick)]
        if self._watch.is_alive():
            self._watch.join(_DRAIN)
        log.info("slack.stopped", drained=all(drained))

    def dispatch(self, body: dict[str, Any]) -> BoltResponse:
        """Take one payload through Bolt, as the socket does, and begin the work."""
        response = self.bolt.dispatch(BoltRequest(mode="socket_mode", body=body))
        begin(response)
        return response

    def verify(self) -> Identity:
        """Ask Slack who we are in the one workspace. Raises SettingsError where it refuses the token."""
        assert isinstance(self.workspaces, OneWorkspace)
        client = client_for(token_of(self.deps.settings), self.deps.settings.slack_api_url)
        try:
            answer = client.auth_test()
        except SlackApiError as error:
            code = str(error.response.get("error"))
            if code in REFUSED_TOKENS:
                raise SettingsError(f"Slack refuses the bot token ({code}): check SLACK_BOT_TOKEN.") from error
            raise
        self.workspaces.identity = Identity(
            bot_user_id=str(answer["user_id"]), bot_id=str(answer.get("bot_id") or ""), team_id=str(answer["team_id"])
        )
        return self.workspaces.identity

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
        self._line = self._line or SocketLine(self.bolt, self.deps.settings, begin, self._timed)
        self._line.connect()

    def _timed(self, status: int, seconds: float) -> None:
        self.deps.metrics.taken_in("socket", status, seconds)

    def _keep_watch(self) -> None:
        """Replace a socket that never answered; take over orphaned work; drop what is past its time."""
        look = sweep = time.monotonic() + _LOOK_EVERY
        while not self._stopping.wait(1.0):
            if self._line is not None:
                self._quietly(self._line.replace_if_silent)
            if time.monotonic() >= look:
                look += _LOOK_EVERY
                self._quietly(self.inbox.keep)
                self._quietly(lambda: self.inbox.resume(older_than=ORPHANED))
            if time.monotonic() >= sweep:
                sweep += _SWEEP_EVERY
                self._quietly(self.sweep)

    def sweep(self) -> None:
        """Drop what is past its time, by kind."""
        dropped = self.deps.retention().sweep()
        if any(dropped.values()):
            log.info("retention.swept", **dropped)

    @staticmethod
    def _quietly(step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the watch goes on; the next round tries again
            log.warning("slack.watch", error=type(error).__name__)


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
        us = app.workspaces.us(team_id or "")
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id or (us.team_id if us else None),
            bot_token=_BOLT_ONLY,
            bot_id=us.bot_id if us else None,
            bot_user_id=us.bot_user_id if us else None,
        )

    def take_in(req: BoltRequest) -> BoltResponse:
        accepted = _accept(app, req)
        response = Acknowledged(status=accepted.status, body=acknowledgement(accepted), headers=_headers(accepted))
        response.then, response.malformed = accepted.then, accepted.malformed
        return response

    bolt = App(
        name="isp-coach",
        logger=quiet,
        client=WebClient(base_url=settings.slack_api_url, timeout=10, retry_handlers=[]),
        authorize=authorize,
        process_before_response=False,
        request_verification_enabled=False,  # over HTTP the guard has done it; over the socket there is none
    )
    bolt.use(take_in)
    bolt.error(_unreadable)
    return bolt


def _unreadable(error: Exception) -> BoltResponse:
    """Bolt could not make out a payload. Its own handler would write the error's text."""
    log.info("slack.unreadable", error=type(error).__name__)
    return BoltResponse(status=503 if isinstance(error, CoachError) else 400)  # 503: the database is away


def _http(app: SlackApp) -> SlackHttp:
    """The ASGI application. Raises SettingsError where a secret is missing."""
    settings = app.deps.settings
    if settings.slack_signing_secret is None:
        raise SettingsError("SLACK_SIGNING_SECRET is missing: it stands in the app's Basic Information.")
    installing = None
    if settings.many_workspaces:
        deps = app.deps
        installing = Installing(
            settings,
            deps.repositories.installations,
            deps.clock,
            deps.wording,
            app.workspaces,
            connected=lambda team_id: app.on_connected(team_id),  # noqa: PLW0108 - set later, so read when it is called
        )
    return SlackHttp(
        lambda payload: _answer(app, payload),
        _glance,
        secret=settings.slack_signing_secret.get_secret_value(),
        metrics=app.deps.metrics,
        install=installing.begin if installing else None,
        callback=installing.finish if installing else None,
    )


def _glance(payload: dict[str, Any]) -> Page | None:
    """The answer to what nobody has to work on. Who we are isn't asked: that only leaves out more."""
    request = parse(payload, Identity(""))
    if not isinstance(request, Ignored):
        return None
    return Page(400 if request.reason == MALFORMED else 200)


def _answer(app: SlackApp, payload: dict[str, Any]) -> Page:
    """Take a payload that came over HTTP."""
    try:
        response = app.bolt.dispatch(BoltRequest(mode="socket_mode", body=payload))
    except UNREADABLE as error:  # the inbox keeps its own errors to itself, so this one is Bolt's, while reading
        log.info("http.unreadable", error=type(error).__name__)
        return Page(400)
    if isinstance(response, Acknowledged):
        status = 400 if response.malformed else response.status
        return Page(status, response.body, response.first_headers()["content-type"], then=response.then)
    return Page(response.status)  # Bolt dropped it, being an event of our own, or could not read it


def _team(req: BoltRequest) -> str:
    """The workspace of a payload, as Bolt reads it; none where it is no id."""
    team: object = req.context.team_id
    return team if isinstance(team, str) else ""


def _accept(app: SlackApp, req: BoltRequest) -> Accepted:
    try:
        return app.inbox.accept(req.body, app.workspaces.us(_team(req)))
    except Exception as error:  # noqa: BLE001 - not acknowledged, so Slack delivers it again or says that it failed
        log.error("inbox.refused", error=type(error).__name__)  # noqa: TRY400 - a trace may hold words
        return Accepted(status=503)


def _headers(accepted: Accepted) -> dict[str, str | Sequence[str]]:
    return {"content-type": "text/plain" if isinstance(accepted.body, str) else "application/json"}
