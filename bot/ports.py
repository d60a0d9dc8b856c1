"""The outside world on one screen: what services need, whoever provides it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from bot.core.drafts import ModelRequest, Usage
from bot.core.evidence import Classification, Hit, Neighbour, QuestionView
from bot.core.framework import Passage
from bot.core.ingest import StoredDocument
from bot.core.portrait import Portrait
from bot.core.records import (
    Came,
    Check,
    Exchange,
    Focus,
    InboxItem,
    Installation,
    KeptKind,
    Member,
    Nudge,
    NudgeKind,
    Part,
    Profile,
    ProfileRun,
    Reflection,
    Remembered,
    Subscription,
    Tally,
    Workspace,
)


class Clock(Protocol):
    """The time. The sandbox's can be moved, a test's stands still."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""


# --- knowledge -------------------------------------------------------------------------------------------------


class Index(Protocol):
    """The passages, searchable. Raises IndexNotReady while it is being built."""

    @property
    def complete(self) -> bool:
        """False while passages are found by their words alone, since the search by meaning is away."""

    def search(self, query: str, *, tenant: str, limit: int = 40) -> list[Hit]:
        """The best passages for a query among those for everybody and the tenant's own, best first."""

    def neighbours(self, query: str, *, limit: int = 24) -> list[Neighbour]:
        """Exemplars nearest in meaning, best first."""

    def passage(self, passage_id: str, *, tenant: str) -> Passage | None:
        """One passage by its id, where the tenant may see it."""

    def relevance(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text fits a query, in meaning and words; 0 and up, comparable within one call."""

    def suits(self, query: str, passages: Sequence[Passage]) -> list[float]:
        """How well each passage answers a query, by its text and the questions it is known to answer; 0 and up."""

    def known(self, query: str, passages: Sequence[Passage]) -> float:
        """How near a query comes to anything that some passages say or are known to answer; 0 and up."""

    def unit_passages(self, unit: str, *, tenant: str) -> list[Passage]:
        """All passages of a unit, in order."""

    def nearness(self, texts: Sequence[str], others: Sequence[str]) -> list[list[float]]:
        """Cosine of the meaning of each text with each of the others, -1 to 1."""


class Classifier(Protocol):
    """Which competency, functions and level a message in everyday words is about."""

    def classify(self, text: str) -> Classification:
        """Classify one message."""


class QuestionReader(Protocol):
    """What a question is about and which form of answer it wants."""

    def read_question(self, text: str) -> QuestionView:
        """Read one standalone question."""

    def distress(self, text: str) -> float:
        """How likely somebody in distress wrote a message, 0 to 1."""


# --- language models --------------------------------------------------------------------------------------------------


class Reply(Protocol):
    """A model's reply as it comes."""

    def __iter__(self) -> Iterator[str]:
        """Pieces of text, as they arrive. Raises ModelFailed; what came before stays good."""

    @property
    def usage(self) -> Usage:
        """Tokens so far; estimated where the provider doesn't say."""

    def close(self) -> None:
        """Hear no more of it; closing twice changes nothing."""


class Stop(Protocol):
    """Somebody's wish that an answer ends."""

    @property
    def pressed(self) -> bool:
        """Whether it was said."""

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Have `wake` called when it is said, from any thread, or now where it was; the result takes that back."""


class NeverStopped:
    """Nobody can stop this."""

    pressed = False

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002 - the port's form
        """Nothing will come."""
        return lambda: None


NEVER_STOPPED = NeverStopped()


class Model(Protocol):
    """A language model, whoever runs it."""

    @property
    def name(self) -> str:
        """`provider:model`."""

    def reply(self, request: ModelRequest, *, stop: Stop, within: float | None = None) -> Reply:
        """Begin a reply. It ends within the time-outs, and at once when Stop is pressed: ModelFailed("stopped").

        `within`: seconds that this one may take at most, however long others may; it is tried once.
        """


class UsageRepository(Protocol):
    """Tokens and calls by person and day (UTC), kept so that a restart or another replica gives nobody a new budget."""

    def spend(self, member: Member, day: date, usage: Usage) -> None: ...
    def spent(self, member: Member, day: date) -> int:
        """Tokens of a person on a day."""

    def spent_by_team(self, team_id: str, day: date) -> int:
        """Tokens of a workspace on a day."""

    def totals(self, *, since: date) -> tuple[int, Usage]:
        """Calls and tokens of all workspaces from that day on."""


# --- Slack, outgoing --------------------------------------------------------------------------------------------

SendOutcome = Literal["sent", "retry", "failed", "uncertain", "revoked", "withheld"]


@dataclass(frozen=True, slots=True)
class Sent:
    """How a send ended.

    `uncertain`: Slack may have taken it (time-out, reset, 5xx); never repeat it unchecked. `withheld`: surely not sent,
    as it was to be sent under a condition that held no longer.
    """

    outcome: SendOutcome
    ts: str | None = None
    error: str | None = None  # Slack's error code
    retry_after: float | None = None  # seconds, with `retry`


class Messenger(Protocol):
    """Sends one message, once. It never retries by itself and never raises for what Slack answers."""

    def post(
        self,
        member: Member,
        channel: str,
        *,
        text: str,
        blocks: Sequence[dict[str, Any]] = (),
        key: str | None = None,
        thread_ts: str | None = None,
        still: Callable[[], bool] | None = None,
    ) -> Sent:
        """Post it. `still` is asked at the last moment, once the connection stands: where False, nothing is sent."""

    def find(
        self, member: Member, channel: str, *, key: str, since: datetime, thread_ts: str | None = None
    ) -> str | None:
        """The `ts` of a message of ours with this key in the channel's history, or None. Raises LookupUnavailable."""

    def open_dm(self, member: Member) -> str:
        """The id of the DM with a person."""

    def refused(self, team_id: str) -> bool:
        """Whether Slack said of a workspace's present token that it is dead. A new token isn't, in any replica."""

    def forget_refusal(self, team_id: str) -> None:
        """Slack takes the workspace's token (again)."""


class LookupUnavailable(Exception):
    """The history could not be read, so nothing is known about an earlier send."""


class Painter(Protocol):
    """Draws pictures."""

    def draw(self, portrait: Portrait) -> bytes:
        """A profile as a PNG, which can be read on a light and on a dark page."""


class Metrics:
    """Counts what happens, for whoever runs the bot; this one counts nothing. Never raises, never sees any words."""

    def taken_in(self, over: str, status: int, seconds: float) -> None:
        """A request of Slack's was answered: over "http" or "socket", with which status, after how long."""

    def worked(self, kind: str, outcome: str, seconds: float) -> None:
        """A delivery came to its end, so many seconds after it was taken in."""

    def asked(self, outcome: str, mode: str, fallback: str | None, seconds: float) -> None:
        """A question was answered, or refused for the reason that the outcome names."""

    def triaged(self, outcome: str, mode: str, seconds: float) -> None:
        """A situation was placed, or not."""

    def rated(self, *, helpful: bool) -> None:
        """Somebody said whether an answer helped."""

    def stopped(self, seconds: float) -> None:
        """The work on an answer ended, so many seconds after its Stop came in."""

    def spent(self, model: str, direction: str, tokens: int) -> None:
        """A language model read ("in") or wrote ("out") so many tokens."""


NO_METRICS = Metrics()


# --- storage: one repository an aggregate -----------------------------------------------------------------------


class InboxRepository(Protocol):
    """Deliveries, each worked once."""

    def record(self, item: InboxItem) -> bool:
        """Write a delivery; False where its key is there already."""

    def begin(self, key: str, *, attempts: int | None = None) -> InboxItem | None:
        """Count an attempt and give the item; None where it is done or unknown.

        With `attempts` (of an item from `unfinished`) also None where somebody began it since: of two replicas that
        recover the same item, one gets it.
        """

    def sending(self, key: str, *, attempts: int | None = None) -> bool:
        """Note, before the call, that an answer is about to be sent; the item counts as begun a moment ago.

        False where it is done or, with `attempts` (of the item from `begin`), where somebody began it since. True where
        there is no such item: a person's own request to delete everything deletes it, too.
        """

    def keep(self, working: Mapping[str, int]) -> None:
        """Items that are still worked on, each with its `attempts`: they count as begun a moment ago."""

    def done(self, key: str, outcome: str) -> None:
        """Close an item and forget its payload; closing twice changes nothing."""

    def unfinished(self, *, received_before: datetime | None = None) -> list[InboxItem]:
        """What a crash left behind, oldest first; with an instant, only what was neither received nor begun since."""

    def sweep(self, *, done_before: datetime) -> int:
        """Drop closed items of before that instant; how many."""


class ConversationRepository(Protocol):
    """Short-lived memory of conversations."""

    def remember(self, message: Remembered) -> None: ...
    def recall(self, conversation: str, member: Member, *, since: datetime, limit: int = 8) -> list[Remembered]:
        """The latest messages between the bot and this member there, oldest first."""

    def sweep(self, *, before: datetime) -> int: ...


class ExchangeRepository(Protocol):
    """Questions and triages with their results, for sources, feedback, sharing and corrections."""

    def save(self, exchange: Exchange) -> None: ...
    def get(self, exchange_id: str, member: Member) -> Exchange | None:
        """An exchange of this member; somebody else's is None."""

    def recent(self, member: Member, *, since: datetime, limit: int = 20) -> list[Exchange]:
        """A person's exchanges since an instant, newest first."""

    def rate(self, exchange_id: str, member: Member, *, helpful: bool) -> bool: ...
    def correct(self, exchange_id: str, member: Member, *, correction: str, may_share: bool) -> bool: ...
    def share(self, exchange_id: str, member: Member) -> bool:
        """Note that the author agrees to share what was asked; False where there is no such exchange of theirs."""

    def asked(self, *, since: datetime, team_id: str | None = None) -> list[Exchange]:
        """Questions of everybody since then, for counting; only those with `may_share` may be shown to anybody."""

    def came_out(self, team_id: str, *, since: datetime) -> list[Came]:
        """How each question and situation of a workspace came out since then; what was asked is never read."""

    def corrections(self, *, team_id: str | None = None) -> list[Exchange]:
        """Corrections whose authors agreed to share them, oldest first."""

    def sweep(self, *, before: datetime) -> int:
        """Drop exchanges of before that instant, save corrections that may be shared; how many."""


class CheckRepository(Protocol):
    """Self-checks: appended, never changed."""

    def add(self, check: Check) -> None: ...
    def latest(self, member: Member) -> dict[str, Check]:
        """The newest check of each unit."""

    def history(self, member: Member, unit: str | None = None, *, limit: int = 100) -> list[Check]:
        """Checks, newest first."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Nudges that are due and not out yet."""

    waiting: int
    oldest: datetime | None  # when the one that has waited longest was due


class NudgeRepository(Protocol):
    """Subscriptions and due rows. Each change of a claimed row names its owner and attempt, and says if it held."""

    def subscription(self, member: Member) -> Subscription | None: ...
    def subscribe(self, subscription: Subscription) -> None:
        """Write or replace a person's subscription; due rows not yet claimed are cancelled with it."""

    def active_subscriptions(
        self, *, after: Member | None = None, limit: int = 500, resuming: date | None = None, unplanned: bool = False
    ) -> list[Subscription]:
        """Active ones, by workspace and person, page by page; with a day, also paused ones whose pause ends by then.

        `unplanned` leaves out those that have an open due row.
        """

    def plan(self, nudge: Nudge) -> bool:
        """Insert a due row; False where the member already has one in that period.

        One that was cancelled before anybody claimed it makes room, so who moves the day keeps this week's.
        """

    def cancel_open(self, member: Member, reason: str) -> int:
        """Cancel what is due and not sent; how many. A claimed row too: its worker's next renewal says False."""

    def cancel_team(self, team_id: str, reason: str) -> int:
        """The same for a whole workspace: no replica begins another send there."""

    def reopen_team(self, team_id: str, reasons: Collection[str], *, due_after: datetime) -> int:
        """Take up again what was cancelled or failed for one of these reasons and was due after an instant; how many.

        What may be on its way is left alone until its lease ends, and counts as an attempt that may have got through.
        """

    def claim(
        self, owner: str, *, now: datetime, lease: timedelta, limit: int, ahead: timedelta | None = None
    ) -> list[Nudge]:
        """Take due rows whose lease is free or lapsed, oldest first, counting an attempt.

        One a member at a time, and none within a second of what they were sent. With `ahead`, workspaces whose next
        send slot is further off are left alone, so that one with a long queue or on hold keeps no other waiting.
        """

    def renew(self, nudge: Nudge, *, now: datetime, lease: timedelta) -> bool: ...
    def release(self, nudge: Nudge, *, until: datetime, counted: bool) -> bool:
        """Give a claimed row back, for nobody to claim before that instant; False where the lease was lost.

        Not `counted`: this claim surely sent nothing, so that it is no attempt, and its note of a send is taken back.
        """

    def settle(
        self,
        nudge: Nudge,
        state: Literal["sent", "skipped", "cancelled", "failed", "in_doubt"],
        *,
        ts: str | None = None,
        reason: str | None = None,
    ) -> bool:
        """End a claimed row; False where the lease was lost. "sent" also holds where it was cancelled meanwhile."""

    def choose(self, nudge: Nudge, *, kind: NudgeKind, prompt_id: str | None, unit: str | None) -> bool:
        """Note what a claimed row sends, and that its send begins now; False where the lease was lost."""

    def unsent(self, nudge: Nudge) -> bool:
        """Note that Slack surely didn't take a begun send; False where the lease was lost."""

    def restore(self, nudge_id: str, member: Member, *, now: datetime) -> bool:
        """Make a row due again that was left out before anybody claimed it; False where its time is over."""

    def decline(self, nudge_id: str, member: Member) -> bool:
        """Note on a nudge that came that the person didn't want this one; False where there is none."""

    def get(self, nudge_id: str, member: Member) -> Nudge | None: ...
    def by_ts(self, member: Member, ts: str) -> Nudge | None:
        """The nudge that was sent as this message."""

    def sent(self, member: Member, *, limit: int = 60) -> list[Nudge]:
        """What was sent to a person, newest first."""

    def ended(self, member: Member, *, kind: NudgeKind | None = None, limit: int = 60) -> list[Nudge]:
        """Rows that came to an end other than being cancelled, newest first; of one kind where it is given."""

    def upcoming(self, member: Member) -> Nudge | None:
        """The next open row of a person, due or claimed."""

    def next_due(self) -> datetime | None:
        """When the next row that nobody has claimed is due."""

    def backlog(self, *, now: datetime) -> Backlog:
        """What is due by now and neither sent nor ended."""

    def take_slot(
        self, team_id: str, *, now: datetime, per_second: float, within: timedelta | None = None
    ) -> datetime | None:
        """Reserve the workspace's next send slot, shared by all replicas; the instant at which to send.

        None, and nothing reserved, where that would be later than `within` from now.
        """

    def hold(self, team_id: str, *, until: datetime) -> None:
        """Give no slot of this workspace before that instant (Retry-After); a quarter of an hour ahead at most."""

    def held_until(self, team_id: str) -> datetime | None:
        """The end of the latest hold of a workspace, over or not; None where there never was one."""


class JournalRepository(Protocol):
    """Private reflections."""

    def add(self, reflection: Reflection) -> None: ...
    def entries(self, member: Member, *, limit: int = 50) -> list[Reflection]:
        """Newest first."""

    def get(self, reflection_id: str, member: Member) -> Reflection | None: ...
    def update(self, reflection: Reflection) -> bool: ...
    def delete(self, reflection_id: str, member: Member) -> bool: ...
    def open_commitment(self, member: Member, *, before: date) -> Reflection | None:
        """The latest entry with a commitment still open, made before that day began (UTC)."""


class ProfileRepository(Protocol):
    """What a person told the bot about their role."""

    def get(self, member: Member) -> Profile: ...
    def put(self, profile: Profile) -> None: ...
    def change(self, member: Member, change: Callable[[Profile], Profile]) -> Profile:
        """Change a profile as it stands, so that no other change is lost; the changed one."""


class RunRepository(Protocol):
    """The whole profile that a person has under way, one at most."""

    def get(self, member: Member) -> ProfileRun | None: ...
    def put(self, run: ProfileRun) -> None:
        """Begin one in place of any other; the same one again changes nothing."""

    def end(self, member: Member, run_id: str) -> bool:
        """Forget it; False where it isn't the one under way."""


class FocusRepository(Protocol):
    """Development plans: one open focus a person, closed ones kept."""

    def begin(self, focus: Focus) -> None:
        """Write a focus down and close any other open one as replaced; the same one again changes nothing."""

    def current(self, member: Member) -> Focus | None: ...
    def get(self, focus_id: str, member: Member) -> Focus | None: ...
    def update(self, focus: Focus) -> bool:
        """Change date, state or action; False where the row is gone."""


class InstallationRepository(Protocol):
    """The workspaces that the app is installed in, with their tokens, and the states of installations under way."""

    def save(self, installation: Installation) -> None:
        """Write or replace a workspace's installation."""

    def get(self, team_id: str) -> Installation | None: ...
    def remove(self, team_id: str) -> bool:
        """Forget a workspace's token; False where there is none."""

    def count(self) -> int:
        """How many workspaces have the app."""

    def issue_state(self, state: str, *, expires_at: datetime) -> None:
        """Note a state that a browser takes along to Slack; ones past their time go."""

    def consume_state(self, state: str) -> bool:
        """True once for a state that was issued and is still in time."""


class WorkspaceRepository(Protocol):
    """What workspaces' admins chose."""

    def get(self, team_id: str) -> Workspace:
        """A workspace's choices; the defaults where nobody chose."""

    def all(self) -> list[Workspace]:
        """The workspaces where somebody chose."""

    def change(self, team_id: str, change: Callable[[Workspace], Workspace]) -> Workspace:
        """Change the choices as they stand; the changed ones."""


class Repositories(Protocol):
    """All of storage, as one thing to hand around."""

    inbox: InboxRepository
    conversations: ConversationRepository
    exchanges: ExchangeRepository
    checks: CheckRepository
    nudges: NudgeRepository
    journal: JournalRepository
    profiles: ProfileRepository
    runs: RunRepository
    focuses: FocusRepository
    workspaces: WorkspaceRepository
    installations: InstallationRepository
    usage: UsageRepository

    def erase(self, member: Member, parts: Collection[Part] | None = None) -> dict[str, int]:
        """Delete everything of a person, or only some parts of it; rows by table."""

    def counts_of(self, member: Member) -> dict[Part, int]:
        """How many rows each part of a person's data has."""

    def counts_of_team(self, team_id: str) -> dict[str, int]:
        """How many people ("people") and rows by table a workspace has; never what stands in them."""

    def tallies_of_team(self, team_id: str, *, since: datetime) -> dict[str, Tally]:
        """A workspace's "people" with anything kept, active "subscribers", and "checks" since then; channels aside."""

    def everything_of(self, member: Member) -> dict[str, list[dict[str, Any]]]:
        """All rows of a person, by table, as plain JSON."""

    def sweep(self, kind: KeptKind, *, before: datetime, team_id: str | None = None, but: Collection[str] = ()) -> int:
        """Drop what is older than that instant of one kind, in one workspace or in all but some; how many rows."""

    def purge_team(self, team_id: str) -> dict[str, int]:
        """Delete everything of a workspace; rows by table."""

    def ping(self) -> None:
        """Raise StorageError where the database can't be used."""

    def close(self) -> None: ...


class Progress(Protocol):
    """Hears how far a long piece of work is, so that a person can be shown."""

    def __call__(self, step: str, done: int, total: int, /) -> None:
        """`step`: "reading", "indexing", …; `done` of `total`, which is 0 where nobody knows."""


class DocumentStore(Protocol):
    """The ingested documents; the index is built from the content and these."""

    def all(self) -> list[StoredDocument]:
        """All documents, by key."""

    def get(self, key: str) -> StoredDocument | None: ...
    def put(self, document: StoredDocument) -> None:
        """Write or replace a document, wholly or not at all."""

    def remove(self, key: str) -> bool:
        """Take a document out; False where there is none."""


class DocumentReader(Protocol):
    """Turns a file or an address into text blocks (paragraphs, list entries, headings) in reading order."""

    def read(self, source: str) -> ReadDocument:
        """Read a path or an http(s) address. Raises DocumentError in words for people."""


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document's text."""

    name: str  # file name or address, for people
    title: str
    blocks: tuple[str, ...]
    headings: frozenset[int]  # positions in `blocks` that are headings, where the format tells
    digest: str  # SHA-256 of the bytes
