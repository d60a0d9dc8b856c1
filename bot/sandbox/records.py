"""What the sandbox's workspace consists of. Plain records; `state` changes them under its lock."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]

TEAM = "T0SANDBOX"
TEAM_NAME = "Riverside Health"
TEAM_DOMAIN = "riverside-health"
APP = "A0COACH"
BOT_USER = "U0COACH"
BOT = "B0COACH"
ROLES = ("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted", "deleted")


@dataclass(slots=True)
class User:
    """A person, or the bot."""

    id: str
    name: str
    real_name: str
    tz: str  # IANA
    colour: str
    is_bot: bool = False
    roles: frozenset[str] = frozenset()  # of ROLES
    team: str = TEAM  # another one: somebody of another organization, over Slack Connect


@dataclass(slots=True)
class Channel:
    """A public channel, or a DM between one person and the bot."""

    id: str
    name: str
    members: set[str]
    topic: str = ""
    im_user: str | None = None  # the person of a DM

    @property
    def is_im(self) -> bool:
        """True for a DM."""
        return self.im_user is not None


@dataclass(slots=True)
class Stream:
    """A message that is being streamed."""

    started: datetime
    mode: Literal["text", "chunks"] | None = None  # what it got first; the two don't mix
    stopped_by_user: bool = False
    tasks: dict[str, Json] = field(default_factory=dict)  # task_card blocks by task id
    plan: str | None = None
    blocks: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class Message:
    """A message as it stands now."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] | None = None
    attachments: list[Json] | None = None
    thread_ts: str | None = None
    metadata: Json | None = None
    edited: Json | None = None
    files: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    ephemeral_for: str | None = None
    stream: Stream | None = None
    typed_blocks: list[Json] | None = None  # the rich_text block of what a person typed
    subtype: str | None = None

    @property
    def from_bot(self) -> bool:
        """True where the bot wrote it."""
        return self.user == BOT_USER

    @property
    def root_ts(self) -> str:
        """The thread it is in, or would start."""
        return self.thread_ts or self.ts


@dataclass(slots=True)
class View:
    """A modal or Home view."""

    id: str
    user: str
    content: Json  # as the app gave it, block_ids and action_ids filled in
    root_id: str
    previous_id: str | None = None
    values: Json = field(default_factory=dict)  # state.values
    version: int = 1

    @property
    def hash(self) -> str:
        """Changes with every change of the view."""
        digest = hashlib.sha256(json.dumps([self.id, self.version, self.content], sort_keys=True).encode()).hexdigest()
        return f"{self.version}.{digest[:8]}"

    def wire(self) -> Json:
        """The view object that apps see."""
        content = {key: value for key, value in self.content.items() if key != "state"}
        defaults = {"private_metadata": "", "callback_id": "", "clear_on_close": False, "notify_on_close": False}
        return {
            **defaults,
            "close": None,
            "submit": None,
            "external_id": "",
            **content,
            "id": self.id,
            "team_id": TEAM,
            "state": {"values": self.values},
            "hash": self.hash,
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": APP,
            "app_installed_team_id": TEAM,
            "bot_id": BOT,
        }


@dataclass(slots=True)
class Trigger:
    """Permission to open a modal."""

    id: str
    user: str
    expires: datetime
    view_id: str | None = None  # the modal it came from, for views.push
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Permission to answer an interaction by HTTP."""

    id: str
    user: str
    channel: str
    expires: datetime
    message_ts: str | None = None  # the message that replace_original and delete_original touch
    uses: int = 0


@dataclass(slots=True)
class File:
    """An uploaded file; shared once it is completed."""

    id: str
    name: str
    length: int
    title: str
    mimetype: str
    alt_txt: str = ""
    content: bytes | None = None
    completed: bool = False
    channels: list[str] = field(default_factory=list)
    created: int = 0
