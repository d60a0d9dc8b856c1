"""What the bot remembers, as frozen values. Instants are aware UTC datetimes; free text belongs to its member."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

Part = Literal["questions", "selfchecks", "reflections", "reminders", "profile"]
PARTS: tuple[Part, ...] = ("questions", "selfchecks", "reflections", "reminders", "profile")


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a workspace: the key of every row that belongs to somebody."""

    team_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Installation:
    """The app in one workspace: what is needed to speak there."""

    team_id: str
    team_name: str
    bot_token: str = field(repr=False)
    bot_id: str
    bot_user_id: str
    scopes: tuple[str, ...]
    installed_by: str  # the person's id
    installed_at: datetime
    app_id: str = ""


@dataclass(frozen=True, slots=True)
class InboxItem:
    """Something that Slack delivered and that must end in an answer or a plain reason."""

    key: str  # what makes a delivery unique: event_id, trigger_id, view id and hash
    kind: str  # which worker takes it up, e.g. "message", "command"
    member: Member
    payload: dict[str, Any]  # what the worker needs, already parsed; stored through the encrypting type
    received_at: datetime
    attempts: int = 0  # times that work on it began
    sending: bool = False  # a send was begun and never confirmed: it may be out
    state: Literal["received", "done"] = "received"
    outcome: str | None = None  # a short word once done: "answered", "apology", "ignored", …


@dataclass(frozen=True, slots=True)
class Remembered:
    """One message of a conversation, kept for a short time so that follow-ups make sense."""

    conversation: str  # "<channel>" or "<channel>:<thread ts>"
    member: Member
    role: Literal["user", "assistant"]
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question or a message with what the bot made of it: behind the buttons of an answer."""

    id: str  # random, opaque
    member: Member
    kind: Literal["ask", "triage"]
    asked: str
    result: dict[str, Any]  # an Answer or a Triage as JSON
    created_at: datetime
    helpful: bool | None = None
    correction: str | None = None  # a competency code or "none", where the person says that the triage is not right
    may_share: bool = False  # the author agreed that the message may become an exemplar


@dataclass(frozen=True, slots=True)
class Check:
    """One finished self-check of one unit. Never changed after it was written."""

    id: str
    member: Member
    unit: str
    ratings: tuple[int | None, ...]  # 1 to 5 for each statement in order; None: not part of my role
    level: Literal["starting", "foundational", "advanced"] | None  # None where nothing was rated
    example: str  # in the person's own words; may be empty
    descriptors: str  # version of the statements that were rated
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """When and whether nudges are wanted. Nobody has one without asking for it.

    A channel may have one too (`kind` "team"): its `member` is then the channel, with the channel's id in place of a
    person's, so that it stands among the same due rows. Nothing of it belongs to a person.
    """

    member: Member
    channel: str  # where it is sent: the DM's id, or the channel's
    zone: str  # IANA name
    weekday: int  # 0 Monday to 6 Sunday
    minute: int  # local minutes after midnight, 8:00 to 19:59
    state: Literal["active", "paused", "stopped", "closed"]
    every_weeks: int = 1
    paused_until: date | None = None
    zone_is_own: bool = False  # chosen by the person, so a changed profile doesn't move it
    topic: Literal["suggested", "rotate", "chosen"] = "suggested"
    units: tuple[str, ...] = ()
    created_at: datetime | None = None
    kind: Literal["person", "team"] = "person"
    tone: Literal["gentle", "direct"] = "gentle"
    check_weeks: int | None = None  # a self-check nudge every 4, 8 or 13 weeks; None: none
    check_from: date | None = None  # the local day on which that was chosen


LEFT_OUT = "left out"  # why a row was skipped: the person left it out before it came
DECLINED = "not this one"  # why a nudge that came is not to be repeated
NudgeKind = Literal["reflection", "selfcheck", "team"]
NudgeState = Literal["due", "claimed", "sent", "skipped", "cancelled", "failed", "in_doubt"]


@dataclass(frozen=True, slots=True)
class Nudge:
    """One due row: at most one a subscriber and period."""

    id: str  # opaque; travels as message metadata
    member: Member
    period: str  # "2026-W48": UNIQUE with the member
    due_at: datetime
    local_time: str  # as the person reads it, "2026-11-24T09:30"
    zone: str
    state: NudgeState
    kind: NudgeKind = "reflection"
    prompt_id: str | None = None  # None for a self-check
    unit: str | None = None
    owner: str | None = None  # the worker that holds the lease
    lease_until: datetime | None = None  # of a sent row: until when its conversation gets nothing more
    attempt: int = 0
    ts: str | None = None  # Slack's timestamp once sent
    reason: str | None = None  # why skipped, failed or in doubt, for people
    sending: bool = False  # a send was begun, and Slack isn't known to have refused it


@dataclass(frozen=True, slots=True)
class Reflection:
    """An entry of a person's private journal."""

    id: str
    member: Member
    unit: str | None
    prompt: str  # the prompt's text as it was asked
    text: str
    commitment: str
    commitment_due: date | None
    created_at: datetime
    nudge_id: str | None = None
    commitment_state: Literal["open", "done", "moved", "dropped"] | None = None
    went: int | None = None  # how it went, 1 to 5, where the person said so


Stage = Literal["exploring", "planning", "doing", "sustaining", "spreading"]
STAGES: tuple[Stage, ...] = ("exploring", "planning", "doing", "sustaining", "spreading")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person told the bot about their role."""

    member: Member
    zone: str | None = None
    stage: Stage | None = None
    focus: str | None = None  # unit code
    home_hash: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    role_units: tuple[str, ...] | None = None  # what belongs to the role; None: never said, so all of it


@dataclass(frozen=True, slots=True)
class ProfileRun:
    """A whole profile under way, at most one a person. A unit is done once it has a check from after the start."""

    id: str
    member: Member
    units: tuple[str, ...]  # in the order in which they are asked
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Focus:
    """What a person wants to develop next: their development plan. At most one is open."""

    id: str
    member: Member
    unit: str
    action: str  # in the person's own words
    due: date
    created_at: datetime
    state: Literal["open", "done", "dropped", "replaced"] = "open"
    closed_at: datetime | None = None


KeptKind = Literal["conversations", "questions", "selfchecks", "reflections", "reminders"]
KEPT_KINDS: tuple[KeptKind, ...] = ("conversations", "questions", "selfchecks", "reflections", "reminders")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many there are of something, and how many people are behind them."""

    count: int
    people: int


@dataclass(frozen=True, slots=True)
class Came:
    """How one question or situation came out; not a word of it."""

    user_id: str
    kind: str  # "ask" or "triage"
    outcome: str  # of bot.core.answer.Answer or bot.core.triage.Triage; empty where it has none


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a workspace's admins chose; nothing in it is about a person but who may choose."""

    team_id: str
    support_line: str = ""  # whom a person in distress can reach; empty: the operator's
    channels: tuple[str, ...] | None = None  # where mentions are answered; None: wherever the bot is a member
    keep_days: dict[str, int] = field(default_factory=dict)  # by KeptKind, where shorter than the operator's
    weekday: int | None = None  # proposed for weekly prompts, 0 Monday
    minute: int | None = None  # likewise, local minutes after midnight
