"""All of storage as one thing: `SqlRepositories.open(settings)`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Self

from bot.adapters.clock import SystemClock
from bot.adapters.crypto import TextCipher
from bot.adapters.data_folder import DataFolder
from bot.adapters.storage import leaving, sealing
from bot.adapters.storage.checks import SqlChecks
from bot.adapters.storage.conversations import SqlConversations
from bot.adapters.storage.database import Database, insert_into
from bot.adapters.storage.engine import make_engine, sqlite_url
from bot.adapters.storage.exchanges import SqlExchanges
from bot.adapters.storage.inbox import SqlInbox
from bot.adapters.storage.installations import SqlInstallations
from bot.adapters.storage.journal import SqlJournal
from bot.adapters.storage.migrating import migrate, require_current
from bot.adapters.storage.model_usage import SqlUsage
from bot.adapters.storage.nudges import SqlNudges
from bot.adapters.storage.plans import SqlFocuses, SqlRuns
from bot.adapters.storage.profiles import SqlProfiles
from bot.adapters.storage.tables import heartbeat
from bot.adapters.storage.workspaces import SqlWorkspaces, sweep
from bot.core.records import KeptKind, Member, Part, Tally
from bot.ports import (
    CheckRepository,
    Clock,
    ConversationRepository,
    ExchangeRepository,
    FocusRepository,
    InboxRepository,
    InstallationRepository,
    JournalRepository,
    NudgeRepository,
    ProfileRepository,
    RunRepository,
    UsageRepository,
    WorkspaceRepository,
)
from bot.settings import Settings


class SqlRepositories:
    """`bot.ports.Repositories` on SQLite or PostgreSQL. Safe from any number of threads; close it when done."""

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

    def __init__(
        self, url: str, *, cipher: TextCipher | None = None, clock: Clock | None = None, upgrade: bool = True
    ) -> None:
        """Open a database, bring it to this version's form and check the keys.

        Raises SettingsError for a wrong address or key, StorageError where the database can't be used.
        """
        self._cipher = cipher or TextCipher()
        self.engine = make_engine(url, self._cipher)
        self._database = Database(self.engine, clock or SystemClock())
        try:
            if upgrade:
                migrate(self.engine)
            else:
                require_current(self.engine)
            sealing.check_key(self._database, self._cipher)
        except BaseException:
            self.engine.dispose()
            raise
        self.inbox = SqlInbox(self._database)
        self.conversations = SqlConversations(self._database)
        self.exchanges = SqlExchanges(self._database)
        self.checks = SqlChecks(self._database)
        self.nudges = SqlNudges(self._database)
        self.journal = SqlJournal(self._database)
        self.profiles = SqlProfiles(self._database)
        self.runs = SqlRuns(self._database)
        self.focuses = SqlFocuses(self._database)
        self.workspaces = SqlWorkspaces(self._database)
        self.installations = SqlInstallations(self._database)
        self.usage = SqlUsage(self._database)

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None, upgrade: bool | None = None) -> Self:
        """The database of the settings: `database_url`, or the file in the data folder.

        `upgrade`: whether to bring it to this version's form; None: as the settings say.
        """
        url = settings.database_url or sqlite_url(DataFolder(settings.data_dir).database_path)
        upgrade = settings.migrate_on_start if upgrade is None else upgrade
        return cls(url, cipher=TextCipher.from_settings(settings), clock=clock, upgrade=upgrade)

    def erase(self, member: Member, parts: Collection[Part] | None = None) -> dict[str, int]:
        """Delete everything of a person, or only some parts of it; rows by table."""
        return leaving.erase(self._database, member, parts)

    def counts_of(self, member: Member) -> dict[Part, int]:
        """How many rows each part of a person's data has."""
        return leaving.counts_of(self._database, member)

    def counts_of_team(self, team_id: str) -> dict[str, int]:
        """How many people and rows by table a workspace has."""
        return leaving.counts_of_team(self._database, team_id)

    def tallies_of_team(self, team_id: str, *, since: datetime) -> dict[str, Tally]:
        """A workspace's people with anything kept, active subscribers, and self-checks since then; channels aside."""
        return leaving.tallies_of_team(self._database, team_id, since=since)

    def everything_of(self, member: Member) -> dict[str, list[dict[str, Any]]]:
        """All rows of a person, by table, as plain JSON."""
        return leaving.everything_of(self._database, member)

    def purge_team(self, team_id: str) -> dict[str, int]:
        """Delete everything of a workspace; rows by table."""
        return leaving.purge_team(self._database, team_id)

    def sweep(self, kind: KeptKind, *, before: datetime, team_id: str | None = None, but: Collection[str] = ()) -> int:
        """Drop what is older than that instant of one kind, in one workspace or in all but some; how many rows."""
        return sweep(self._database, kind, before=before, team_id=team_id, but=but)

    def reseal(self, progress: Callable[[str, int, int], None] | None = None) -> int:
        """Bring all stored free text under the newest key; how many rows changed. Repeat it where it was cut off."""
        if progress is None:
            return sealing.reseal(self._database, self._cipher)
        return sealing.reseal(self._database, self._cipher, progress)

    def ping(self) -> None:
        """Raise StorageError where the database can't be used. It writes: a full disk still reads well."""
        now = {"at": self._database.now()}
        with self._database.writing() as connection:
            connection.execute(
                insert_into(connection, heartbeat)
                .values(id=1, **now)
                .on_conflict_do_update(index_elements=["id"], set_=now)
            )

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
