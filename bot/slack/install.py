"""Many workspaces: the pages on which the app is added to one, over Slack's OAuth, and the stores behind them."""

from __future__ import annotations

import html
import logging
import secrets
from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPException
from urllib.parse import urlencode, urljoin

import structlog
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.error import BoltError
from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_flow import OAuthFlow
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient
from slack_sdk.oauth import OAuthStateStore
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from slack_sdk.oauth.installation_store import InstallationStore

from bot.core.errors import SettingsError, StorageError
from bot.core.records import Installation
from bot.core.wording import Wording
from bot.ports import Clock, InstallationRepository
from bot.settings import Settings
from bot.slack.http import Page
from bot.slack.manifest import CALLBACK, INSTALL_PATH, SCOPES
from bot.slack.messenger import client_for
from bot.slack.workspaces import Workspaces

log = structlog.get_logger()

_STATE_SECONDS = 600  # as long as Slack keeps its code
_HTML = "text/html; charset=utf-8"
_AWAY = 503
# Which words are shown for what went wrong; everything else has the words for `failed`.
_REASONS = {
    "access_denied": "denied",
    "invalid_browser": "stale",
    "invalid_state": "stale",
    "missing_code": "stale",
    "invalid_code": "stale",
    "storage_error": "org",
}


class Installing:
    """Begins and finishes installations."""

    def __init__(
        self,
        settings: Settings,
        installations: InstallationRepository,
        clock: Clock,
        wording: Wording,
        workspaces: Workspaces,
        *,
        connected: Callable[[str], None] = lambda _team_id: None,
    ) -> None:
        """`connected` hears of each workspace that installed the app, again or anew.

        Raises SettingsError where a secret or the address is missing.
        """
        self._wording, self._workspaces, self._connected = wording, workspaces, connected
        self._flow = _Flow(_oauth(settings, installations, clock, self._done, self._failed), settings, wording)

    def begin(self, query: str, cookies: str) -> Page:
        """The page with the way to Slack."""
        return self._page(lambda: self._flow.handle_installation(_request(query, cookies)))

    def finish(self, query: str, cookies: str) -> Page:
        """The page to which Slack sends the browser back."""
        return self._page(lambda: self._flow.handle_callback(_request(query, cookies)))

    # --- inside

    def _page(self, respond: Callable[[], BoltResponse]) -> Page:
        try:
            response = respond()
        except (StorageError, OSError, HTTPException, ValueError) as error:
            log.warning("install.unavailable", error=type(error).__name__)
            return Page(_AWAY, _html(self._wording, "away"), _HTML, _SAFE)
        cookies = tuple(("set-cookie", value) for value in response.headers.get("set-cookie", ()))
        return Page(response.status, response.body, _HTML, (*_SAFE, *cookies))

    def _done(self, args: SuccessArgs) -> BoltResponse:
        row = args.installation
        self._workspaces.forget(str(row.team_id))
        log.info("install.done", team=row.team_id)
        self._connected(str(row.team_id))
        where = urlencode({"app": row.app_id or "", "team": row.team_id or ""})
        page = _html(
            self._wording,
            "done",
            button=("open", f"https://slack.com/app_redirect?{where}"),
            team=row.team_name or str(row.team_id),
        )
        return _response(200, page, args.settings.state_utils.build_set_cookie_for_deletion())

    def _failed(self, args: FailureArgs) -> BoltResponse:
        name = _REASONS.get(args.reason, "failed")
        log.info("install.failed", reason=args.reason if args.reason in _REASONS else "other")
        page = _html(self._wording, name, button=("again", INSTALL_PATH))
        status = 200 if name == "denied" else 400
        return _response(status, page, args.settings.state_utils.build_set_cookie_for_deletion())


class _Flow(OAuthFlow):
    """Bolt's flow with our pages, for one workspace at a time."""

    def __init__(self, oauth: OAuthSettings, settings: Settings, wording: Wording) -> None:
        quiet = logging.getLogger("isp_coach.slack_oauth")
        quiet.setLevel(logging.CRITICAL)  # it writes Slack's code
        client: WebClient = client_for("", settings.slack_api_url)
        super().__init__(client=client, logger=quiet, settings=oauth)
        self._wording = wording

    def build_install_page_html(self, url: str, request: BoltRequest) -> str:  # noqa: ARG002 - Bolt's form
        """Our page instead of Bolt's, which loads a picture from elsewhere."""
        return _html(self._wording, "begin", button=("add", url))

    def store_installation(self, request: BoltRequest, installation: SlackInstallation) -> None:
        """Refuse an installation for a whole organisation before it is kept."""
        if installation.is_enterprise_install or not installation.team_id:
            raise BoltError("for a whole organisation")
        super().store_installation(request, installation)


class _Installations(InstallationStore):
    """Slack's form of a store over ours. Only the bot's token is kept; no person's is asked for."""

    def __init__(self, rows: InstallationRepository, clock: Clock) -> None:
        self._rows, self._clock = rows, clock

    def save(self, installation: SlackInstallation) -> None:
        """Keep what is needed to speak in the workspace."""
        scopes = installation.bot_scopes or ()
        self._rows.save(
            Installation(
                team_id=str(installation.team_id),
                team_name=installation.team_name or "",
                bot_token=str(installation.bot_token),
                bot_id=installation.bot_id or "",
                bot_user_id=installation.bot_user_id or "",
                scopes=tuple(scopes.split(",") if isinstance(scopes, str) else scopes),
                installed_by=installation.user_id or "",
                installed_at=self._clock.now(),
                app_id=installation.app_id or "",
            )
        )


class _States(OAuthStateStore):
    """Slack's form of a store of states over ours."""

    def __init__(self, rows: InstallationRepository, clock: Clock) -> None:
        self._rows, self._clock = rows, clock

    def issue(self, *args: object, **kwargs: object) -> str:  # noqa: ARG002 - Slack's form
        """A new state, good once, for ten minutes."""
        state = secrets.token_urlsafe(24)
        self._rows.issue_state(state, expires_at=self._clock.now() + timedelta(seconds=_STATE_SECONDS))
        return state

    def consume(self, state: str) -> bool:
        """True once for a state of ours in its time."""
        return self._rows.consume_state(state)


def _oauth(
    settings: Settings,
    rows: InstallationRepository,
    clock: Clock,
    success: Callable[[SuccessArgs], BoltResponse],
    failure: Callable[[FailureArgs], BoltResponse],
) -> OAuthSettings:
    if settings.slack_client_secret is None or settings.public_url is None:
        missing = " and ".join(settings.missing_for_slack)
        raise SettingsError(f"{missing} is missing: many workspaces need the app's secret and the public address.")
    return OAuthSettings(
        client_id=settings.slack_client_id,
        client_secret=settings.slack_client_secret.get_secret_value(),
        scopes=list(SCOPES),
        redirect_uri=settings.public_url.rstrip("/") + CALLBACK,
        install_path=INSTALL_PATH,
        redirect_uri_path=CALLBACK,
        callback_options=CallbackOptions(success=success, failure=failure),
        authorization_url=urljoin(settings.slack_api_url, "/oauth/v2/authorize"),
        installation_store=_Installations(rows, clock),
        installation_store_bot_only=True,
        state_store=_States(rows, clock),
        state_expiration_seconds=_STATE_SECONDS,
    )


def _request(query: str, cookies: str) -> BoltRequest:
    return BoltRequest(body="", query=query, headers={"cookie": [cookies]})


def _response(status: int, page: str, cookie: str) -> BoltResponse:
    return BoltResponse(status=status, body=page, headers={"content-type": _HTML, "set-cookie": cookie})


# --- the pages ------------------------------------------------------------------------------------------------------

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2a30; --soft: #51646d; --paper: #f6f8f8; --card: #fff; --act: #1f4b5f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eef0; --soft: #a9bac1; --paper: #12191c; --card: #1b2529; --act: #8cc5dc; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem; background: var(--paper);
  color: var(--ink); font: 1.0625rem/1.55 system-ui, sans-serif; }
main { max-width: 34rem; padding: clamp(1.5rem, 5vw, 2.5rem); background: var(--card); border-radius: 14px;
  box-shadow: 0 1px 3px rgb(0 0 0 / 18%); overflow-wrap: anywhere; }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; color: var(--soft); }
a.button { display: inline-block; margin-top: .5rem; padding: .7rem 1.3rem; border-radius: 8px; background: var(--act);
  color: var(--card); font-weight: 600; text-decoration: none; }
a.button:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px; }
"""
_SAFE = (
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
)


def _html(wording: Wording, name: str, *, button: tuple[str, str] | None = None, **fields: str) -> str:
    title, text = wording(f"install.{name}.title"), wording(f"install.{name}.text", **fields)
    paragraphs = "".join(f"<p>{html.escape(' '.join(part.split()))}</p>" for part in text.split("\n\n") if part.strip())
    link = ""
    if button:
        words, address = button
        link = f'<a class="button" href="{html.escape(address)}">{html.escape(wording(f"install.{words}"))}</a>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{html.escape(title)}</title><style>{_STYLE}</style></head>'
        f"<body><main><h1>{html.escape(title)}</h1>{paragraphs}{link}</main></body></html>"
    )
