"""The private journal: entries, their commitments, search, and what a month looks like. Nobody else's eyes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from bot.core.journal import Filter, Month, kept, month_of
from bot.core.records import Member, Reflection
from bot.ports import Clock, Repositories

_ALL = 5000  # entries of a person that are looked through: daily ones for thirteen years


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person wrote down."""

    text: str
    prompt: str  # as it was asked
    unit: str | None = None
    commitment: str = ""
    commitment_due: date | None = None
    went: int | None = None
    nudge_id: str | None = None


class Journal:
    """The use cases around reflections. Safe to use from any thread."""

    def __init__(self, repositories: Repositories, clock: Clock) -> None:
        self._rows = repositories.journal
        self._clock = clock

    # --- writing ---

    def write(self, member: Member, entry: Entry, *, entry_id: str) -> Reflection:
        """Write an entry down; a second time with the same id writes nothing."""
        commitment = entry.commitment.strip()
        reflection = Reflection(
            id=entry_id,
            member=member,
            unit=entry.unit,
            prompt=entry.prompt,
            text=entry.text.strip(),
            commitment=commitment,
            commitment_due=entry.commitment_due if commitment else None,
            created_at=self._clock.now(),
            nudge_id=entry.nudge_id,
            commitment_state="open" if commitment else None,
            went=entry.went,
        )
        self._rows.add(reflection)
        return reflection

    def add_to(self, entry_id: str, member: Member, text: str) -> Reflection | None:
        """Put another paragraph under an entry, once; None where the entry is gone."""
        entry, more = self._rows.get(entry_id, member), text.strip()
        if entry is None:
            return None
        if entry.text == more or entry.text.endswith(f"\n{more}"):  # worked again after a crash
            return entry
        changed = replace(entry, text=f"{entry.text}\n{more}")
        return changed if self._rows.update(changed) else None

    def edit(
        self, entry_id: str, member: Member, *, text: str, commitment: str, due: date | None, went: int | None
    ) -> Reflection | None:
        """Change the words of an entry; None where it is gone. A commitment's state stays, unless it is new."""
        entry, commitment = self._rows.get(entry_id, member), commitment.strip()
        if entry is None:
            return None
        changed = replace(
            entry,
            text=text.strip(),
            commitment=commitment,
            commitment_due=(due or entry.commitment_due) if commitment else None,
            commitment_state=(entry.commitment_state or "open") if commitment else None,
            went=went,
        )
        return changed if self._rows.update(changed) else None

    def delete(self, entry_id: str, member: Member) -> bool:
        """Delete one entry; False where this member has none with that id."""
        return self._rows.delete(entry_id, member)

    # --- reading ---

    def entries(self, member: Member, limit: int = 10) -> list[Reflection]:
        """The latest entries, newest first."""
        return self._rows.entries(member, limit=limit)

    def entry(self, entry_id: str, member: Member) -> Reflection | None:
        """One entry of this member; somebody else's is None."""
        return self._rows.get(entry_id, member)

    def all_of(self, member: Member) -> list[Reflection]:
        """All entries, newest first."""
        return self._rows.entries(member, limit=_ALL)

    def find(self, member: Member, wanted: Filter) -> list[Reflection]:
        """The entries that fit, newest first. What people wrote is sealed at rest, so it is searched here."""
        return kept(self.all_of(member), wanted)

    def month(self, member: Member, first: date, zone: str | None) -> Month:
        """What a month holds, in the person's own zone."""
        return month_of(self.all_of(member), first, zone)

    # --- commitments ---

    def open_commitment(self, member: Member, *, before: datetime) -> Reflection | None:
        """The latest commitment still open, made before that day (UTC)."""
        return self._rows.open_commitment(member, before=before.date())

    def settle_commitment(self, entry_id: str, member: Member, state: Literal["done", "dropped"]) -> Reflection | None:
        """Close a commitment; None where the entry is gone."""
        return self._change(entry_id, member, state=state, due=None)

    def move_commitment(self, entry_id: str, member: Member, due: date) -> Reflection | None:
        """Keep a commitment open with another date; None where the entry is gone."""
        return self._change(entry_id, member, state="open", due=due)

    def reopen_commitment(self, entry_id: str, member: Member) -> Reflection | None:
        """Take back that it was done or dropped; None where the entry is gone."""
        return self._change(entry_id, member, state="open", due=None)

    def _change(
        self, entry_id: str, member: Member, *, state: Literal["open", "done", "dropped"], due: date | None
    ) -> Reflection | None:
        entry = self._rows.get(entry_id, member)
        if entry is None or not entry.commitment:
            return None
        changed = replace(entry, commitment_state=state, commitment_due=due or entry.commitment_due)
        return changed if self._rows.update(changed) else None
