"""What the handlers in this package may use, and the form of the coach that the composition root gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from bot.core.answer import Answer, Question, Turn
from bot.core.conversation import Route
from bot.core.errors import StorageError
from bot.core.framework import Knowledge, Passage
from bot.core.records import KeptKind, Member
from bot.core.triage import Triage
from bot.core.wording import Wording
from bot.ports import NO_METRICS, Clock, Metrics, Painter, Repositories, Stop
from bot.services.nudges import Nudges
from bot.services.retention import Retention, retention_of
from bot.services.selfchecks import SelfChecks
from bot.settings import Settings
from bot.slack.messenger import SlackMessenger
from bot.slack.mrkdwn import Links
from bot.slack.replies import Reply, Talk
from bot.slack.workspaces import Workspaces


class Coach(Protocol):
    """The coach. Every method may raise IndexNotReady while the index is being built."""

    @property
    def knowledge(self) -> Knowledge:
        """The framework and the paper's statements."""

    def ask(self, question: Question) -> Answer: ...  # noqa: D102 - the contract says it
    def triage(self, text: str) -> Triage: ...  # noqa: D102 - the contract says it
    def route(self, text: str, history: Sequence[Turn]) -> Route:
        """What a direct message wants."""

    def in_distress(self, text: str) -> bool:
        """Whether somebody in distress wrote this; never waits for the index."""

    def passage(self, passage_id: str, tenant: str) -> Passage | None:
        """A passage by its id, where the workspace may see it."""


class Speaking(Protocol):
    """A coach with a language model, whose answer can be heard while it is made."""

    def ask(self, question: Question, *, hear: Callable[[str], None], stop: Stop) -> Answer:
        """Answer; `hear` gets each checked piece of Markdown. Raises IndexNotReady."""

    def triage(self, text: str, *, asker: Member) -> Triage:
        """Which competency a message is about, on the budget of whoever asks."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The slash commands' names, with the operator's prefix: the one place that spells them."""

    prefix: str = ""

    @property
    def coach(self) -> str:
        """The command for questions, triage, help and privacy."""
        return f"/{self.prefix}coach"

    @property
    def selfcheck(self) -> str:
        """The command that opens a self-check."""
        return f"/{self.prefix}selfcheck"

    @property
    def reflect(self) -> str:
        """The command for reflections."""
        return f"/{self.prefix}reflect"


IntentHandler = Callable[[Talk, "Deps"], Reply | None]


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything a handler may use. A feature that needs a service of its own adds a field with a default here."""

    settings: Settings
    coach: Coach
    repositories: Repositories
    clock: Clock
    wording: Wording
    slack: SlackMessenger
    commands: Commands
    links: Links
    workspaces: Workspaces
    metrics: Metrics = NO_METRICS
    intents: Mapping[str, IntentHandler] = field(default_factory=dict)  # what is done for each wish
    subcommands: Mapping[str, str] = field(default_factory=dict)  # first words after /coach that mean a wish outright
    buttons: frozenset[str] = frozenset()  # action prefixes that somebody registered: offer no others
    selfchecks: SelfChecks | None = None  # None only in a bot without that feature
    nudges: Nudges | None = None  # the same for reflections
    speaking: Speaking | None = None  # the coach where a model speaks for it
    painter: Painter | None = None  # draws the picture of a profile
    renew_home: Callable[[Member, Deps], None] | None = None  # publishes a person's Home anew
    forget_documents: Callable[[str], None] | None = None  # takes a workspace's documents out of store and index

    def retention(self) -> Retention:
        """How long each kind of data is kept."""
        return retention_of(self.settings, self.repositories, self.clock)

    def kept_for(self, kind: KeptKind, team_id: str) -> timedelta | None:
        """How long a kind of data is kept in a workspace; None: as long as its person wants."""
        return self.retention().kept_for(kind, self.repositories.workspaces.get(team_id))

    def support_line(self, team_id: str) -> str:
        """Whom a person in distress can reach, as the workspace's admins or the operator wrote it; else empty."""
        try:
            own = self.repositories.workspaces.get(team_id).support_line
        except StorageError:
            own = ""  # care doesn't wait for a database
        return (own or self.settings.support_line).strip()

    @property
    def speaks(self) -> bool:
        """Whether a language model is configured."""
        return self.speaking is not None
