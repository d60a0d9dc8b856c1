"""Self-checks when things go wrong: at once, twice, too late, with the database locked. Nothing lost or doubled."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.records import Member
from bot.sandbox.driver import words
from bot.sandbox.server import Sandbox
from bot.sandbox.ui_actions import UiError
from bot.services.selfchecks import SelfChecks
from bot.slack.bolt import SlackApp
from bot.slack.manifest import CHECK_CALLBACK

pytestmark = pytest.mark.usefixtures("bot")
ANA = Member("T0SANDBOX", "U0ANA")
EIGHT = {f"statement-{n}": "3" for n in range(8)}
AGAIN = "took me too long to open"


@pytest.fixture
def repositories(sandbox: Sandbox, tmp_path: Path) -> Iterator[SqlRepositories]:
    """A real database, as it is in use."""
    opened = SqlRepositories(sqlite_url(tmp_path / "bot.db"), clock=sandbox.clock)
    yield opened
    opened.close()


@contextmanager
def locked(path: Path) -> Iterator[Callable[[float], None]]:
    """Somebody else writes to the database; `release(seconds)` lets go of it after a while."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timers: list[threading.Timer] = []

    def release(seconds: float) -> None:
        timers.append(threading.Timer(seconds, lambda: other.execute("ROLLBACK")))
        timers[0].start()

    yield release
    for timer in timers:
        timer.join()
    other.close()


def _open(sandbox: Sandbox, unit: str = "C4", user: str = "U0ANA") -> Any:
    sandbox.command(user, sandbox.dm(user), "/selfcheck", unit)
    return sandbox.wait_for_modal(user, "How true is each statement")


def _results(sandbox: Sandbox, user: str = "U0ANA") -> list[dict[str, Any]]:
    return [m for m in sandbox.messages(sandbox.dm(user), user) if "Two next steps" in words(m)]


# --- at once and twice ------------------------------------------------------------------------------------------------


@pytest.mark.fault("SC1")
def test_one_page_sent_many_times_at_once_is_kept_and_answered_once(
    sandbox: Sandbox, repositories: SqlRepositories, figure: Callable[[str], None]
) -> None:
    kept = answered = 0
    for round_ in range(10):
        view = _open(sandbox, f"C{1 + round_}")
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(sandbox.submit, "U0ANA", EIGHT, view_id=view.id) for _ in range(4)]
        assert all(s.exception() is None or isinstance(s.exception(), UiError | AssertionError) for s in sent)
        sandbox.wait_for(lambda n=round_: len(_results(sandbox)) > n, what="the result")
        if sandbox.modal("U0ANA"):  # the last answer to the four may have closed it
            sandbox.close("U0ANA", clear=True)
    sandbox.wait_idle()
    kept, answered = len(repositories.checks.history(ANA)), len(_results(sandbox))
    figure(f"10 pages, each sent 4 times at once: {kept} checks kept, {answered} results said")
    assert (kept, answered) == (10, 10)


@pytest.mark.fault("SC1")
def test_two_windows_of_one_person_sent_at_once_are_both_kept(
    sandbox: Sandbox, repositories: SqlRepositories, figure: Callable[[str], None]
) -> None:
    first = _open(sandbox, "C4")
    sandbox.command("U0ANA", "D0ANA", "/selfcheck", "C9")
    second = sandbox.wait_for_modal("U0ANA", "Plan for sustainability")
    sandbox.state.views[first.id] = first  # still open on her other device
    barrier = threading.Barrier(2)

    def send(view_id: str, words_: str) -> None:
        barrier.wait()
        sandbox.submit("U0ANA", EIGHT | {"example": words_}, view_id=view_id)

    with ThreadPoolExecutor(2) as pool:
        for sent in [pool.submit(send, first.id, "first"), pool.submit(send, second.id, "second")]:
            sent.result(20)
    sandbox.wait_for(lambda: len(_results(sandbox)) == 2, what="both results")
    kept = {(c.unit, c.example) for c in repositories.checks.history(ANA)}
    figure("two windows sent at once: both checks kept, each with its own example")
    assert kept == {("C4", "first"), ("C9", "second")}


@pytest.mark.fault("SC1")
def test_many_people_at_once_each_get_their_own_result(
    sandbox: Sandbox, repositories: SqlRepositories, figure: Callable[[str], None]
) -> None:
    people = [sandbox.add_person(f"Person {n} 🙂 أمل", "Europe/London") for n in range(12)]
    for person in people:
        _open(sandbox, "FA", person)
    with ThreadPoolExecutor(len(people)) as pool:
        sent = {p: pool.submit(sandbox.submit, p, EIGHT | {"example": f"only {p} knows"}) for p in people}
    assert [s.result(30) for s in sent.values()] == [{}] * len(people)
    for person in people:
        sandbox.wait_for(lambda p=person: len(_results(sandbox, p)) == 1, what="each result")
    mine = [[c.example for c in repositories.checks.history(Member("T0SANDBOX", p))] for p in people]
    figure(f"{len(people)} people at once: {sum(map(len, mine))} checks, {len(people)} results, none of another's")
    assert mine == [[f"only {p} knows"] for p in people]


# --- too late ---------------------------------------------------------------------------------------------------------


def _by_command(sandbox: Sandbox, _ts: str) -> None:
    sandbox.command("U0ANA", "D0ANA", "/selfcheck", "C4")


def _by_picker(sandbox: Sandbox, _ts: str) -> None:
    sandbox.command("U0ANA", "D0ANA", "/selfcheck")


def _by_shortcut(sandbox: Sandbox, _ts: str) -> None:
    sandbox.shortcut("U0ANA", CHECK_CALLBACK)


def _by_button(action: str) -> Callable[[Sandbox, str], None]:
    return lambda sandbox, ts: sandbox.click("U0ANA", ts, action)


WAYS = {
    "a command": _by_command,
    "the picker": _by_picker,
    "the shortcut": _by_shortcut,
    "check another": _by_button("selfcheck.start"),
    "make this my focus": _by_button("focus.open:C4"),
    "how this works": _by_button("selfcheck.rule"),
}


@pytest.mark.fault("SC2")
@pytest.mark.parametrize(
    ("way", "code"),
    [
        *((way, "expired_trigger_id") for way in WAYS),
        ("a command", "trigger_expired"),
        ("a command", "exchanged_trigger_id"),
    ],
)
def test_an_expired_trigger_gets_calm_words_and_the_next_try_opens(
    sandbox: Sandbox, repositories: SqlRepositories, figure: Callable[[str], None], way: str, code: str
) -> None:
    sandbox.command("U0ANA", "D0ANA", "/selfcheck", "C4 3 3 3 3 3 3 3 3")
    message = sandbox.wait_for_message("D0ANA", "Two next steps")
    sandbox.faults.add("views.open", f"error:{code}", times=1)
    WAYS[way](sandbox, message["ts"])
    told = sandbox.wait_for_message("D0ANA", AGAIN, user="U0ANA")
    assert code not in words(told)
    assert sandbox.modal("U0ANA") is None
    WAYS[way](sandbox, message["ts"])
    sandbox.wait_for_modal("U0ANA")
    figure("an expired trigger, 6 ways in and 3 of Slack's codes: calm words each time, and the next try opens")
    assert len(repositories.checks.history(ANA)) == 1


@pytest.mark.fault("SC2")
def test_a_page_that_no_longer_says_what_it_was_about_is_met_calmly(
    sandbox: Sandbox, repositories: SqlRepositories
) -> None:
    view = _open(sandbox)
    view.content["private_metadata"] = "{"
    assert sandbox.submit("U0ANA", EIGHT) == {}
    shown = sandbox.wait_for_modal("U0ANA", "I can't tell any more which competency that was about")
    assert "/selfcheck" in words(shown.content)
    assert repositories.checks.history(ANA) == []


@pytest.mark.fault("SC2")
def test_a_step_of_a_profile_discarded_meanwhile_is_kept_and_revives_nothing(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: SqlRepositories, figure: Callable[[str], None]
) -> None:
    sandbox.command("U0ANA", "D0ANA", "/selfcheck", "full")
    sandbox.wait_for_modal("U0ANA", "untick what isn't part of yours")
    sandbox.submit("U0ANA", {"competencies": ["C1", "C4"], "functions": []})
    sandbox.wait_for_modal("U0ANA", "Step 1 of 2")
    run = sandbox.wait_for(lambda: selfchecks.under_way(ANA), what="the begun profile").run
    home = sandbox.wait_for_home("U0ANA", "is under way")
    sandbox.click("U0ANA", home.id, "profile.discard")
    sandbox.wait_for_message("D0ANA", "Discarded.")
    assert sandbox.submit("U0ANA", EIGHT | {"example": "Still mine."}) == {}
    sandbox.wait_for_modal("U0ANA", "Step 2 of 2")
    sandbox.wait_for(lambda: repositories.checks.latest(ANA).get("C1"), what="the step's check")
    assert repositories.checks.latest(ANA)["C1"].example == "Still mine."
    assert selfchecks.under_way(ANA) is None
    assert not selfchecks.end_profile(ANA, run.id)
    figure("a step of a profile discarded meanwhile: its check kept, the profile not revived")


@pytest.mark.fault("SC2")
def test_a_button_of_an_old_home_or_result_does_what_can_still_be_done(
    sandbox: Sandbox, selfchecks: SelfChecks, bot: SlackApp
) -> None:
    selfchecks.begin_profile(ANA, ["C1", "C4"], run_id="r1")
    sandbox.open_home("U0ANA")
    old = sandbox.wait_for_home("U0ANA", "is under way")
    assert selfchecks.end_profile(ANA, "r1")
    sandbox.click("U0ANA", old.id, "profile.discard")
    sandbox.wait_for_message("D0ANA", "no longer under way")
    sandbox.wait_for_home("U0ANA", "My whole profile")
    sandbox.clock.advance(timedelta(days=400))
    sandbox.open_home("U0ANA")
    sandbox.click("U0ANA", sandbox.wait_for_home("U0ANA").id, "selfcheck.start:C1")
    sandbox.wait_for_modal("U0ANA", "Develop a team")


# --- the database is locked -------------------------------------------------------------------------------------------


@pytest.mark.fault("SC3")
def test_a_database_locked_for_a_moment_only_makes_the_answer_later(
    sandbox: Sandbox, repositories: SqlRepositories, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    _open(sandbox)
    with locked(tmp_path / "bot.db") as release:
        release(1.0)
        assert sandbox.submit("U0ANA", EIGHT | {"example": "Kept."}) == {}
        sandbox.wait_for(lambda: _results(sandbox), what="the result")
    sandbox.wait_idle()
    assert [c.example for c in repositories.checks.history(ANA)] == ["Kept."]
    assert len(_results(sandbox)) == 1
    figure("database locked for 1 s under a submission: 1 check kept, 1 result")


@pytest.mark.fault("SC3")
def test_a_database_locked_beyond_slacks_patience_keeps_the_form_and_a_second_press_doubles_nothing(
    sandbox: Sandbox, repositories: SqlRepositories, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    view = _open(sandbox)
    with locked(tmp_path / "bot.db") as release:
        release(4.0)
        with pytest.raises(UiError):  # Slack says under the form that it didn't work; what was chosen stays
            sandbox.submit("U0ANA", EIGHT | {"example": "Kept."})
        open_still = sandbox.modal("U0ANA")
        assert open_still is not None
        assert open_still.id == view.id
        assert "Kept." in words(open_still.values)
    assert sandbox.submit("U0ANA", EIGHT | {"example": "Kept."}) == {}
    sandbox.wait_for(lambda: _results(sandbox), what="the result")
    sandbox.wait_idle()
    assert [c.example for c in repositories.checks.history(ANA)] == ["Kept."]
    assert len(_results(sandbox)) == 1
    figure("database locked for 4 s, the form sent twice: 1 check kept, 1 result, the form kept what was typed")


@pytest.mark.fault("SC3")
def test_home_opened_while_the_database_is_locked_comes_when_it_is_free(
    sandbox: Sandbox, selfchecks: SelfChecks, tmp_path: Path
) -> None:
    selfchecks.finish(ANA, "C4", [3] * 8, "", check_id="one")
    with locked(tmp_path / "bot.db") as release:
        release(1.0)
        sandbox.open_home("U0ANA")
        sandbox.wait_for_home("U0ANA", "1 of 15 looked at")
