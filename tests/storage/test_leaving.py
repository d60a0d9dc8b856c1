"""Leaving, held against every table that there is: a new one without a rule fails here.

Each table gets rows of four people in two workspaces, made from its columns alone; then one person takes a copy and
leaves, and one workspace ends. What is counted afterwards is what the database itself says, and the bytes of its files.
"""

from __future__ import annotations

import itertools
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Date, Engine, Integer, Table, func, insert, inspect, select

from bot.adapters.crypto import FreeJson, FreeText
from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.adapters.storage.tables import BELONGS, PARTS, Belongs, Instant, metadata
from bot.core.records import PARTS as ALL_PARTS
from bot.core.records import Member
from tests.storage.rows import NOW as ROWS_NOW
from tests.storage.rows import check, exchange, subscription

ANA, BEN = Member("TONE", "UANA"), Member("TONE", "UBEN")
CHI, DEV = Member("TTWO", "UANA"), Member("TTWO", "UDEV")
EVERYBODY = (ANA, BEN, CHI, DEV)
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
_numbers = itertools.count(1)


def canary(member: Member) -> str:
    return f"kestrel-{member.team_id}-{member.user_id}-ward"


def value_for(column: Any, member: Member) -> Any:
    if column.name in {"team_id", "user_id"}:
        return getattr(member, column.name)
    kinds: tuple[tuple[Any, Any], ...] = (
        (FreeText, canary(member)),
        (FreeJson, {"said": canary(member)}),
        (Instant, NOW),
        (Boolean, False),
        (Date, date(2026, 11, 23)),
        (Integer, next(_numbers)),
    )
    for kind, value in kinds:
        if isinstance(column.type, kind):
            return value
    return f"{canary(member)}-{next(_numbers)}"


def row_for(table: Table, member: Member) -> dict[str, Any]:
    return {column.name: value_for(column, member) for column in table.columns if column.name != "seq"}


def fill_every_table(engine: Engine) -> None:
    with engine.begin() as connection:
        for table, belongs in BELONGS.items():
            if belongs is Belongs.PERSON:
                people: tuple[Member, ...] = EVERYBODY
            elif belongs is Belongs.TEAM:
                people = (Member("TONE", ""), Member("TTWO", ""))
            else:
                continue
            for member in people:
                connection.execute(insert(table), row_for(table, member))


def rows_of(engine: Engine, **where: str) -> int:
    """Rows of a person or workspace over all tables that the database itself lists."""
    found = 0
    with engine.connect() as connection:
        for name in inspect(engine).get_table_names():
            table = metadata.tables.get(name)
            if table is None or not set(where) <= set(table.columns.keys()):
                continue
            query = select(func.count()).select_from(table)
            for column, value in where.items():
                query = query.where(table.c[column] == value)
            found += connection.execute(query).scalar_one()
    return found


def test_every_table_of_the_database_has_a_rule_for_leaving(url: str) -> None:
    with closing(SqlRepositories(url)) as stored:
        listed = set(inspect(stored.engine).get_table_names()) - {"alembic_version"}
    assert listed == {table.name for table in BELONGS}
    assert set(PARTS) == {table for table, belongs in BELONGS.items() if belongs is Belongs.PERSON}
    assert {part for part in PARTS.values() if part} == set(ALL_PARTS)


def test_after_a_copy_and_a_deletion_no_row_of_the_person_is_left_and_nobody_elses_went(url: str, figure: Any) -> None:
    with closing(SqlRepositories(url)) as stored:
        fill_every_table(stored.engine)
        others = {m: stored.everything_of(m) for m in (BEN, CHI, DEV)}
        copy = stored.everything_of(ANA)
        assert set(copy) == {table.name for table, belongs in BELONGS.items() if belongs is Belongs.PERSON}
        assert all(len(rows) == 1 for rows in copy.values())
        assert canary(BEN) not in str(copy)
        assert canary(CHI) not in str(copy)
        counts = stored.erase(ANA)
        assert set(counts.values()) == {1}
        left = rows_of(stored.engine, team_id=ANA.team_id, user_id=ANA.user_id)
        figure(f"export then delete over {len(copy)} tables: {left} rows of the person left")
        assert left == 0
        assert {m: stored.everything_of(m) for m in (BEN, CHI, DEV)} == others


@pytest.mark.parametrize("part", ALL_PARTS)
def test_a_part_is_what_its_count_says(url: str, part: Any) -> None:
    with closing(SqlRepositories(url)) as stored:
        fill_every_table(stored.engine)
        counted = stored.counts_of(ANA)[part]
        assert sum(stored.erase(ANA, [part]).values()) == counted > 0
        assert stored.counts_of(ANA)[part] == 0
        assert sum(stored.counts_of(ANA).values()) == sum(stored.counts_of(BEN).values()) - counted


def test_after_a_workspace_ends_no_row_of_it_is_left(url: str, figure: Any) -> None:
    with closing(SqlRepositories(url)) as stored:
        fill_every_table(stored.engine)
        other = rows_of(stored.engine, team_id="TTWO")
        stored.purge_team("TONE")
        left = rows_of(stored.engine, team_id="TONE")
        figure(f"a workspace's end: {left} rows of it left")
        assert left == 0
        assert rows_of(stored.engine, team_id="TTWO") == other


@pytest.mark.fault("C4")
def test_no_byte_of_what_was_erased_is_left_in_the_files(tmp_path: Path, figure: Any) -> None:
    """Also what was written over and over: pages freed by many changes are the ones that keep old words."""
    with closing(SqlRepositories(sqlite_url(tmp_path / "coach.db"))) as stored:
        fill_every_table(stored.engine)
        with stored.engine.begin() as connection:
            for n in range(300):
                journal = metadata.tables["journal"]
                connection.execute(insert(journal), row_for(journal, ANA) | {"text": f"{canary(ANA)} {n} " * 40})
        assert found_in(tmp_path, canary(ANA)) > 0
        stored.erase(ANA)
        left = found_in(tmp_path, canary(ANA))
        figure(f"erased person: {left} times their words in the database's files, WAL truncated")
        assert left == 0
        assert (tmp_path / "coach.db-wal").stat().st_size == 0
        assert found_in(tmp_path, canary(BEN)) > 0


def found_in(folder: Path, words: str) -> int:
    return sum(path.read_bytes().count(words.encode()) for path in folder.rglob("*") if path.is_file())


def test_what_admins_see_counts_people_not_channels_and_one_workspace_alone(url: str) -> None:
    with closing(SqlRepositories(url)) as stored:
        for n in range(3):
            who = Member("TONE", f"U{n}")
            stored.exchanges.save(exchange(f"x{n}", member=who, kind="ask", result={"outcome": "answered"}))
            stored.checks.add(check(f"c{n}", member=who))
        stored.exchanges.save(exchange("x", member=CHI))
        stored.nudges.subscribe(subscription(member=Member("TONE", "C1"), kind="team"))
        stored.nudges.subscribe(subscription(member=ANA))
        stored.nudges.subscribe(subscription(member=BEN, state="stopped"))
        tallies = stored.tallies_of_team("TONE", since=ROWS_NOW)
        assert {name: (t.count, t.people) for name, t in tallies.items()} == {
            "people": (5, 5),
            "subscribers": (1, 1),
            "checks": (3, 3),
        }
        came = stored.exchanges.came_out("TONE", since=ROWS_NOW)
        assert sorted((c.user_id, c.kind, c.outcome) for c in came) == [(f"U{n}", "ask", "answered") for n in range(3)]
        later = ROWS_NOW + timedelta(days=1)
        assert stored.exchanges.came_out("TONE", since=later) == []
        assert stored.tallies_of_team("TONE", since=later)["checks"].count == 0


def test_the_counts_of_a_workspace_are_numbers_and_nothing_else(url: str) -> None:
    with closing(SqlRepositories(url)) as stored:
        fill_every_table(stored.engine)
        counts = stored.counts_of_team("TONE")
        assert counts["people"] == 2
        assert counts["journal"] == 2
        assert all(isinstance(value, int) for value in counts.values())
