"""Where the bot is installed: who it is in a workspace, and the clients that speak there.

Who we are is asked for with every delivery, before its acknowledgement, so it is remembered for a minute. A token is
read anew for every call that uses one: once a workspace has removed the app, no replica calls with its token again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from slack_sdk import WebClient

from bot.core.errors import SettingsError
from bot.ports import InstallationRepository
from bot.settings import Settings
from bot.slack.messenger import NotInstalled, client_for
from bot.slack.requests import Identity

Clients = tuple[WebClient, WebClient]  # for sending, which never repeats a call, and for reading

_REMEMBERED = 60.0  # seconds
_UNKNOWN_REMEMBERED = 5.0  # an installation may just be under way


class Workspaces(Protocol):
    """The workspaces that the bot is installed in."""

    def us(self, team_id: str) -> Identity | None:
        """Who the bot is there; None where it isn't installed. Raises StorageError."""

    def clients(self, team_id: str) -> Clients:
        """The clients for a workspace. Raises NotInstalled, StorageError."""

    def forget(self, team_id: str) -> None:
        """Drop what is remembered of a workspace: the app was installed or removed there."""


class OneWorkspace:
    """The workspace whose token the settings hold; `identity` is filled in once Slack has said who we are."""

    def __init__(self, settings: Settings) -> None:
        token, url = token_of(settings), settings.slack_api_url
        self._clients = (client_for(token, url), client_for(token, url, reading=True))
        self.identity = Identity("")

    def us(self, team_id: str) -> Identity:  # noqa: ARG002 - there is but one
        """See Workspaces."""
        return self.identity

    def clients(self, team_id: str) -> Clients:  # noqa: ARG002 - as above
        """See Workspaces."""
        return self._clients

    def forget(self, team_id: str) -> None:
        """See Workspaces; the token of the settings stays."""


class ManyWorkspaces:
    """The workspaces that installed the app by themselves."""

    def __init__(
        self, installations: InstallationRepository, base_url: str, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._installations, self._base_url, self._seconds = installations, base_url, seconds
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Identity | None]] = {}  # until when, and who we are
        self._clients: dict[str, tuple[str, Clients]] = {}  # with the token that they use

    def us(self, team_id: str) -> Identity | None:
        """See Workspaces."""
        with self._lock:
            until, known = self._known.get(team_id, (0.0, None))
        if self._seconds() < until:
            return known
        row = self._installations.get(team_id)
        found = Identity(bot_user_id=row.bot_user_id, bot_id=row.bot_id, team_id=team_id) if row else None
        kept = _REMEMBERED if found else _UNKNOWN_REMEMBERED
        with self._lock:
            self._known[team_id] = (self._seconds() + kept, found)
        return found

    def clients(self, team_id: str) -> Clients:
        """See Workspaces."""
        row = self._installations.get(team_id)
        if row is None:
            self.forget(team_id)
            raise NotInstalled(team_id)
        with self._lock:
            token, clients = self._clients.get(team_id, ("", None))
            if clients is None or token != row.bot_token:
                url = self._base_url
                clients = (client_for(row.bot_token, url), client_for(row.bot_token, url, reading=True))
                self._clients[team_id] = (row.bot_token, clients)
        return clients

    def forget(self, team_id: str) -> None:
        """See Workspaces."""
        with self._lock:
            self._known.pop(team_id, None)
            self._clients.pop(team_id, None)


def token_of(settings: Settings) -> str:
    """The bot token of the settings. Raises SettingsError."""
    if settings.slack_bot_token is None:
        raise SettingsError("SLACK_BOT_TOKEN is missing: copy the bot token (xoxb-…) of your app into .env.")
    return settings.slack_bot_token.get_secret_value()
