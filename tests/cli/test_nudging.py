"""`nudges preview`: what will come and why, read beside a running bot, with nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.adapters.data_folder import DataFolder
from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.app import Content, open_nudges
from bot.cli.faults import load_settings
from bot.cli.nudging import nudges
from bot.core.records import Member
from bot.services.nudges import Wishes

ANA = Member("T1", "U1")


@pytest.fixture
def preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISP_COACH_DATA_DIR", str(tmp_path / "state"))
    with open_nudges(Content(load_settings())) as (service, _):
        service.subscribe(ANA, Wishes(1, 570, "America/Toronto", check_weeks=4), channel="D1")
        service.subscribe(
            Member("T1", "C1"), Wishes(3, 600, "Europe/London", topic="rotate"), channel="C1", kind="team"
        )
        service.subscribe(Member("T1", "U2"), Wishes(1, 570, "America/Toronto"), channel="D2")
        service.subscribe(Member("T2", "U2"), Wishes(1, 570, "America/Toronto"), channel="D2")
        service.subscribe(Member("T1", "U3"), Wishes(1, 570, "America/Toronto"), channel="D3")
        service.stop(Member("T1", "U3"))
    return lambda *words: CliRunner().invoke(nudges, ["preview", *words], env={"COLUMNS": "100"})


def rows(tmp_path: Path) -> list[dict[str, object]]:
    repositories = SqlRepositories(sqlite_url(DataFolder(tmp_path / "state").database_path))
    try:
        return repositories.everything_of(ANA)["nudges"]
    finally:
        repositories.close()


def test_eight_weeks_are_shown_with_day_kind_topic_and_reason_and_nothing_is_written(
    preview: Callable[..., Result], tmp_path: Path
) -> None:
    before = rows(tmp_path)
    ran = preview("--user", "U1", "--weeks", "8")
    assert ran.exit_code == 0
    lines = [line for line in ran.stdout.splitlines() if not line.startswith(" ")]
    assert len(lines) in {7, 8}
    assert all("Tue " in line and ", 09:30 America/Toronto  " in line for line in lines)
    assert sum("self-check: Develop a team" in line for line in lines) == 1
    assert "    never checked" in ran.stdout
    assert rows(tmp_path) == before


def test_json_holds_the_same_for_scripts_and_a_channel_is_one_too(preview: Callable[..., Result]) -> None:
    ran = preview("--user", "C1", "--weeks", "4", "--json")
    shown = json.loads(ran.stdout)
    assert (shown["team"], shown["user"]) == ("T1", "C1")
    assert {c["kind"] for c in shown["coming"]} == {"team"}
    assert all(c["text"] and c["local"].endswith(("+00:00", "+01:00")) for c in shown["coming"])


def test_somebody_without_nudges_or_in_two_workspaces_is_told_apart(preview: Callable[..., Result]) -> None:
    nobody = preview("--user", "U9")
    assert (nobody.exit_code, nobody.stdout) == (1, "")
    assert "U9 gets no nudges" in nobody.stderr
    both = preview("--user", "U2")
    assert both.exit_code == 1
    assert "T1, T2; say which with --team" in both.stderr
    assert preview("--user", "U2", "--team", "T2").exit_code == 0
    stopped = preview("--user", "U3", "--team", "T1")
    assert "Nothing comes to U3 in the next 8 weeks (stopped)." in stopped.stdout
