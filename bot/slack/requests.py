"""What Slack delivers, as frozen values, and their form in the inbox. `payloads` makes them from what comes in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from bot.core.records import Member

Value = str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is in a workspace."""

    bot_user_id: str
    bot_id: str = ""
    team_id: str = ""
    app_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something that one person wants, delivered by Slack."""

    key: str  # what makes the delivery unique; the inbox row's key
    member: Member
    home_team: str = ""  # the person's own workspace, where Slack tells it and it is another one


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Request):
    """A direct message to the bot."""

    channel: str
    ts: str
    thread_ts: str | None  # set where it was written in a thread
    text: str
    has_files: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention(Request):
    """A mention of the bot in a channel; `text` is without the mention."""

    channel: str
    ts: str
    thread_ts: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Request):
    """A slash command."""

    name: str  # with the slash and the operator's prefix
    text: str
    channel: str
    response_url: str
    trigger_id: str
    user_name: str = ""  # as in a click


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageShortcut(Request):
    """A shortcut used on somebody's message."""

    callback_id: str
    channel: str
    message_ts: str
    thread_ts: str | None
    text: str  # of the message it was used on
    response_url: str
    trigger_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalShortcut(Request):
    """A shortcut used from the search or the compose box."""

    callback_id: str
    trigger_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What a button or a select stood on: a message, or a view (a modal or the App Home)."""

    channel: str = ""
    message_ts: str = ""
    thread_ts: str | None = None
    ephemeral: bool = False
    response_url: str = ""
    view_id: str = ""
    view_hash: str = ""
    view_type: str = ""  # "modal" or "home"; empty for a message
    callback_id: str = ""
    metadata: str = ""  # the view's private_metadata
    values: dict[str, Value] = field(default_factory=dict)  # inputs on that surface, by block id


@dataclass(frozen=True, slots=True, kw_only=True)
class Click(Request):
    """A button (or a feedback button) was pressed."""

    action_id: str
    value: str
    on: Surface
    trigger_id: str
    user_name: str = ""  # for words such as "shared by"; never a key


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Request):
    """Something was chosen in a select, a picker, radio buttons, checkboxes or an overflow menu."""

    action_id: str
    block_id: str
    values: tuple[str, ...]
    on: Surface
    trigger_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission(Request):
    """A modal was submitted."""

    callback_id: str
    view_id: str
    view_hash: str
    metadata: str
    values: dict[str, Value]  # by block id
    trigger_id: str = ""
    user_name: str = ""

    def text(self, block_id: str) -> str:
        """What was typed or chosen in an input; empty where nothing was."""
        value = self.values.get(block_id)
        return value.strip() if isinstance(value, str) else ""

    def chosen(self, block_id: str) -> tuple[str, ...]:
        """The values ticked in an input that takes several."""
        value = self.values.get(block_id)
        return value if isinstance(value, tuple) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Request):
    """A modal with notify_on_close was closed without being submitted."""

    callback_id: str
    view_id: str
    metadata: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOpened(Request):
    """The bot's Home (`home`) or its message tab (`messages`) was opened."""

    tab: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChanged(Request):
    """A person's Slack profile changed, maybe their time zone; nobody waits for an answer."""

    zone: str  # IANA name


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle(Request):
    """The app was uninstalled or its tokens were revoked (`member.user_id` is empty), or a person was deactivated."""

    name: str  # "app_uninstalled", "tokens_revoked" or "user_deactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Request):
    """Stop was pressed while the bot answers in a thread."""

    channel: str
    thread_ts: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A delivery that gets no answer, with the reason for the log."""

    reason: str


Delivery = (
    Message
    | Mention
    | Command
    | MessageShortcut
    | GlobalShortcut
    | Click
    | Choice
    | Submission
    | Closed
    | HomeOpened
    | ProfileChanged
    | Lifecycle
    | Stopped
)
KINDS: dict[str, type[Any]] = {
    "message": Message,
    "mention": Mention,
    "command": Command,
    "message_shortcut": MessageShortcut,
    "global_shortcut": GlobalShortcut,
    "click": Click,
    "choice": Choice,
    "submission": Submission,
    "closed": Closed,
    "home_opened": HomeOpened,
    "profile_changed": ProfileChanged,
    "lifecycle": Lifecycle,
    "stopped": Stopped,
}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {}


def kind_of(request: Delivery) -> str:
    """The inbox kind of a request."""
    return next(name for name, kind in KINDS.items() if type(request) is kind)


def _adapter(kind: str) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(KINDS[kind])
    return _ADAPTERS[kind]


def to_row(request: Delivery) -> dict[str, Any]:
    """A request as plain JSON, for the inbox."""
    dumped: dict[str, Any] = _adapter(kind_of(request)).dump_python(request, mode="json")
    return dumped


def from_row(kind: str, payload: Mapping[str, Any]) -> Delivery:
    """The request of an inbox row. Raises ValueError where the row is of another form."""
    if kind not in KINDS:
        msg = f"no such kind of inbox row: {kind}"
        raise ValueError(msg)
    request: Delivery = _adapter(kind).validate_python(dict(payload))
    return request


_ID = re.compile(r"[\x21-\x7e]{1,255}")


def well_formed(request: Delivery) -> bool:
    """True where every field is of its type and the ids are plain: what a database takes as a key."""
    kind = kind_of(request)
    try:
        from_row(kind, _adapter(kind).dump_python(request, mode="json", warnings=False))
    except ValueError:
        return False
    ids = [request.key, request.member.team_id]
    if not isinstance(request, Lifecycle):
        ids.append(request.member.user_id)
    return all(_ID.fullmatch(value) for value in ids)
