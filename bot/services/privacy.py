"""A person's own data: what there is of it, a copy to take along, and its end, in whole or in part."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.records import PARTS, Member, Part
from bot.ports import Clock, Repositories

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run at the start of a cell


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a deletion took away."""

    counts: dict[Part, int]  # entries by part, those that were chosen
    rows: int  # rows in all, also of what belongs to no part
    at: str  # the day and time, UTC


@dataclass(frozen=True, slots=True)
class Privacy:
    """What a person may do with what is kept about them."""

    repositories: Repositories
    clock: Clock

    def counts(self, member: Member) -> dict[Part, int]:
        """Entries by part."""
        return self.repositories.counts_of(member)

    def copy(self, member: Member) -> bytes:
        """A ZIP file: everything as one JSON file, and each table as CSV for a spreadsheet."""
        tables = self.repositories.everything_of(member)
        told = {"made_at": self.clock.now().isoformat(), "workspace": member.team_id, "person": member.user_id}
        whole = json.dumps({**told, "tables": tables}, ensure_ascii=False, indent=2, default=str)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr("my-data.json", _bytes(whole))
            for name, rows in tables.items():
                if rows:
                    package.writestr(f"{name}.csv", _bytes(as_csv(rows)))
        return out.getvalue()

    def erase(self, member: Member, parts: Collection[Part]) -> Receipt:
        """Delete the chosen parts; all of them means everything, also what belongs to no part."""
        counts = self.repositories.counts_of(member)
        everything = set(parts) == set(PARTS)
        rows = self.repositories.erase(member, None if everything else parts)
        told = {part: count for part, count in counts.items() if part in parts}
        return Receipt(told, sum(rows.values()), self.clock.now().strftime("%d %b %Y, %H:%M UTC"))


def as_csv(rows: list[Mapping[str, Any]] | list[dict[str, Any]]) -> str:
    """Rows as CSV. A cell that a spreadsheet would take for a formula gets an apostrophe; the JSON has it as it was."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = list(rows[0])
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in names])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _bytes(text: str) -> bytes:
    """UTF-8; half characters, which no file can carry, are replaced."""
    return text.encode("utf-8", "replace")
