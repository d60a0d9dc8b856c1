"""Self-checks as a person does them, through the real Bolt app: choose, rate, read the result, see what moved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from bot.core.errors import StorageError
from bot.core.records import Check, Member
from bot.sandbox.driver import words
from bot.sandbox.limits import check_message, check_view
from bot.sandbox.server import Sandbox
from bot.services.selfchecks import SelfChecks
from bot.slack import selfcheck
from bot.slack.bolt import SlackApp
from bot.slack.manifest import CHECK_CALLBACK, CHECK_HINT
from bot.slack.selfcheck_page import page_modal
from bot.slack.selfcheck_result import result_message, trend_message
from tests.fakes.memory import MemoryRepositories

pytestmark = pytest.mark.usefixtures("bot")
ANA, BEN = Member("T0SANDBOX", "U0ANA"), Member("T0SANDBOX", "U0BEN")


def ratings(checks: SelfChecks, unit: str, foundational: str, advanced: str) -> dict[str, str]:
    """What is chosen, the same for all statements of a level."""
    descriptor = checks.descriptors[unit]
    values = [foundational] * len(descriptor.foundational) + [advanced] * len(descriptor.advanced)
    return {f"statement-{n}": value for n, value in enumerate(values)}


def _check(
    sandbox: Sandbox,
    checks: SelfChecks,
    unit: str,
    foundational: str,
    advanced: str,
    *,
    user: str = "U0ANA",
    **more: Any,
) -> dict[str, Any]:
    after = max((m["ts"] for m in sandbox.messages(sandbox.dm(user))), default="0")
    sandbox.command(user, "C0GENERAL", "/selfcheck", unit)
    sandbox.wait_for_modal(user, "How true is each statement")
    assert sandbox.submit(user, {**ratings(checks, unit, foundational, advanced), **more}) == {}
    message = sandbox.wait_for_message(sandbox.dm(user), "Two next steps", after=after)
    sandbox.close(user)
    return message


def test_a_named_unit_opens_its_statements_and_the_result_comes_by_direct_message(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: MemoryRepositories
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "bariers")
    view = sandbox.wait_for_modal("U0ANA", "Assess barriers and facilitators")
    statements = selfchecks.descriptors["C4"].statements
    assert all(s.text in words(view.content) for s in statements)
    values = ratings(selfchecks, "C4", "4", "2") | {"example": "I asked six nurses what gets in the way."}
    assert sandbox.submit("U0ANA", values) == {}
    sandbox.wait_for_modal("U0ANA", "you work at the foundational level")
    message = sandbox.wait_for_message("D0ANA", "Two next steps")
    text = message["text"]
    assert "Assess barriers and facilitators: by your own account you work at the foundational level." in text
    assert "What is strong" in text
    assert statements[3].text in text
    assert "Only you can see this" in text
    assert "1. " in text
    assert "2. " in text
    stored = repositories.checks.latest(ANA)["C4"]
    assert (stored.level, stored.example) == ("foundational", "I asked six nurses what gets in the way.")
    assert stored.ratings == (4, 4, 4, 4, 2, 2, 2, 2)
    assert stored.descriptors == selfchecks.descriptors["C4"].version
    assert not [m for m in sandbox.messages("C0GENERAL", "U0ANA") if "account" in words(m)]
    assert not [m for m in sandbox.messages("D0BEN", "U0BEN") if "account" in words(m)]


def test_with_no_argument_the_picker_suggests_what_was_never_checked(sandbox: Sandbox, selfchecks: SelfChecks) -> None:
    _check(sandbox, selfchecks, "C1", "3", "3")
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck")
    view = sandbox.wait_for_modal("U0ANA", "You haven't looked at “Unearth the problem” yet")
    assert "C10 Plan for and enact spread and scale" in words(view.content)
    assert sandbox.submit("U0ANA", {"unit": "C9"}) == {}
    sandbox.wait_for_modal("U0ANA", "Plan for sustainability and sustain")


def test_a_statement_left_open_is_asked_for_and_nothing_is_lost(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: MemoryRepositories
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "FA")
    sandbox.wait_for_modal("U0ANA", "How true is each statement")
    values = ratings(selfchecks, "FA", "3", "3")
    del values["statement-2"]
    assert f"{selfchecks.descriptors['FA'].version}:2" in sandbox.submit("U0ANA", values)
    assert repositories.checks.latest(ANA) == {}


def test_names_that_fit_several_units_are_asked_back_with_a_button_each(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "plan")
    message = sandbox.wait_for_message("C0GENERAL", "could be any of these", user="U0ANA")
    assert message["ephemeral"] is True
    sandbox.click("U0ANA", message["ts"], "selfcheck.start:C9")
    sandbox.wait_for_modal("U0ANA", "Plan for sustainability and sustain")


def test_an_unknown_name_is_met_with_calm_words_and_the_list(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "<!channel> bananas")
    message = sandbox.wait_for_message("C0GENERAL", "I don't know which of the fifteen", user="U0ANA")
    assert "<!channel>" not in words(message)
    sandbox.click("U0ANA", message["ts"], "selfcheck.start")
    sandbox.wait_for_modal("U0ANA", "What would you like to look at?")


def test_the_next_check_says_what_moved_and_what_was_written_then(sandbox: Sandbox, selfchecks: SelfChecks) -> None:
    first = _check(sandbox, selfchecks, "C8", "2", "1", example="We met once, then stopped.")
    assert "you are building the foundations" in first["text"]
    sandbox.clock.advance(timedelta(weeks=6))
    second = _check(sandbox, selfchecks, "C8", "4", "1")
    assert "Your check 6 weeks ago came to: building the foundations." in second["text"]
    assert "Statements rated higher than then: 4." in second["text"]
    assert "rated lower" not in second["text"]
    assert "What you wrote then: “We met once, then stopped.”" in second["text"]


def _chart(message: dict[str, Any], kind: str) -> dict[str, Any]:
    charts = [b["chart"] for b in message["blocks"] if b["type"] == "data_visualization"]
    return next(c for c in charts if c["type"] == kind)


def test_the_result_draws_the_profile_and_the_way_of_the_unit_and_says_both_in_words(
    sandbox: Sandbox, selfchecks: SelfChecks
) -> None:
    _check(sandbox, selfchecks, "C1", "3", "1")
    first = _check(sandbox, selfchecks, "C8", "2", "1")
    profile = _chart(first, "bar")
    assert profile["axis_config"]["categories"] == ["C1", "C8"]
    assert [p["value"] for p in profile["series"][0]["data"]] == [100, 0]
    assert not [b for b in first["blocks"] if b["type"] == "data_visualization" and b["chart"]["type"] == "line"]
    sandbox.clock.advance(timedelta(weeks=6))
    second = _check(sandbox, selfchecks, "C8", "4", "1")
    line = _chart(second, "line")
    assert line["axis_config"]["categories"] == ["23 Nov 2026", "4 Jan 2027"]
    assert [p["value"] for p in line["series"][0]["data"]] == [1.5, 2.5]
    assert "C1 Develop a team: foundational level, foundational 100 %, advanced 0 %" in second["text"]
    assert "23 Nov 2026 1.5 (building the foundations); 4 Jan 2027 2.5 (foundational level)" in second["text"]
    assert "To read: " in second["text"]


def test_what_moved_shows_five_units_as_a_chart_and_all_in_the_table(sandbox: Sandbox, selfchecks: SelfChecks) -> None:
    units = list(selfchecks.descriptors)[:7]
    for n, code in enumerate(units):
        selfchecks.finish(ANA, code, [1] * 8, "", check_id=f"{code}-1")
        selfchecks.finish(ANA, code, [1 + (n > 0)] * 8, "", check_id=f"{code}-2")
    message = _check(sandbox, selfchecks, "C7", "5", "5")
    sandbox.click("U0ANA", message["ts"], "selfcheck.trend")
    told = sandbox.wait_for_message("D0ANA", "How you have moved")
    assert _chart(told, "bar")["axis_config"]["categories"] == ["C7", "C2", "C3", "C4", "C5"]
    table = next(b for b in told["blocks"] if b["type"] == "table")
    assert len(table["rows"]) == 8
    assert "no change" in told["text"]
    assert "Only you can see this." in told["text"]


def test_every_word_of_the_commands_hint_does_something() -> None:
    words_, named = CHECK_HINT.split(" | ")[1:], CHECK_HINT.split(" | ")[0]
    assert named == "[competency]"
    assert len(words_) == 5
    assert set(words_) <= selfcheck._WORDS.keys()


@pytest.mark.parametrize("wish", ["trend", " Progress "])
def test_with_nothing_checked_twice_the_trend_says_so(sandbox: Sandbox, wish: str) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", wish)
    message = sandbox.wait_for_message("C0GENERAL", "You haven't checked anything twice yet", user="U0ANA")
    assert message["ephemeral"] is True


def test_the_source_button_opens_the_passage(sandbox: Sandbox, selfchecks: SelfChecks) -> None:
    message = _check(sandbox, selfchecks, "C4", "3", "2")
    sandbox.click("U0ANA", message["ts"], "source.open:read1")
    sandbox.wait_for_modal("U0ANA", "Source")


@pytest.mark.parametrize("typed", ["competency 4", "4", "c 4", "number 4"])
def test_a_code_in_several_words_opens_the_statements_of_the_unit(sandbox: Sandbox, typed: str) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", typed)
    sandbox.wait_for_modal("U0ANA", "Assess barriers and facilitators")


@pytest.mark.parametrize(
    "typed", ["C4 3 4 2 4 3 - 2 1", "bariers 3,4,2,4,3,0,2,1", "competency 4 34243021", "4: 3 4 2 4 3 n/a 2 1"]
)
def test_ratings_typed_for_every_statement_are_saved_at_once(
    sandbox: Sandbox, repositories: MemoryRepositories, typed: str
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", typed)
    message = sandbox.wait_for_message("D0ANA", "Two next steps")
    assert "Assess barriers and facilitators: by your own account you work at the foundational level" in message["text"]
    assert repositories.checks.latest(ANA)["C4"].ratings == (3, 4, 2, 4, 3, None, 2, 1)
    line = sandbox.wait_for_message("C0GENERAL", "is saved", user="U0ANA")
    assert line["ephemeral"] is True
    assert "level" not in line["text"]
    assert sandbox.modal("U0ANA") is None


def test_typed_in_the_direct_message_the_result_comes_once(sandbox: Sandbox, repositories: MemoryRepositories) -> None:
    sandbox.command("U0ANA", "D0ANA", "/selfcheck", "C4 4 4 4 4 4 4 4 4")
    sandbox.wait_for_message("D0ANA", "you work at the advanced level")
    sandbox.wait_idle()
    assert len([m for m in sandbox.messages("D0ANA", "U0ANA") if "advanced level" in words(m)]) == 1
    assert not [m for m in sandbox.messages("D0ANA", "U0ANA") if "is saved" in words(m)]
    assert len(repositories.checks.history(ANA)) == 1


@pytest.mark.parametrize(
    ("typed", "because", "filled"),
    [
        ("C4 3 4 2 4", "has 8 statements; ratings typed: 4 (3 4 2 4)", {0: "3", 1: "4", 2: "2", 3: "4"}),
        ("barriers 3", "ratings typed: 1 (3)", {0: "3"}),
        ("C4 3 4 2 4 3 4 2 1 5", "ratings typed: 9", {0: "3", 7: "1"}),
        ("C4 3 4 2 9 3 4 2 1", "not all are", {0: "3", 4: "3"}),
    ],
)
def test_a_wrong_count_asks_back_with_what_was_typed_filled_in(
    sandbox: Sandbox, repositories: MemoryRepositories, typed: str, because: str, filled: dict[int, str]
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", typed)
    message = sandbox.wait_for_message("C0GENERAL", because, user="U0ANA")
    assert repositories.checks.latest(ANA) == {}
    sandbox.click("U0ANA", message["ts"], "selfcheck.start:C4")
    view = sandbox.wait_for_modal("U0ANA", "How true is each statement")
    inputs = [b["element"] for b in view.content["blocks"] if b["type"] == "input"]
    for position, value in filled.items():
        assert inputs[position]["initial_option"]["value"] == value
    assert sum("initial_option" in e for e in inputs) == min(len([t for t in typed.split()[1:] if t in "012345"]), 8)


def test_ratings_behind_a_name_that_fits_several_stay_with_the_choice(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "plan 3 3 3 3 2 2 2 2")
    message = sandbox.wait_for_message("C0GENERAL", "could be any of these", user="U0ANA")
    sandbox.click("U0ANA", message["ts"], "selfcheck.start:C9")
    view = sandbox.wait_for_modal("U0ANA", "Plan for sustainability and sustain")
    inputs = [b["element"] for b in view.content["blocks"] if b["type"] == "input"]
    assert [e["initial_option"]["value"] for e in inputs[:8]] == list("33332222")


def test_triage_leads_to_a_self_check(sandbox: Sandbox) -> None:
    sandbox.say("U0ANA", "D0ANA", "everyone nods and then nothing happens")
    message = sandbox.wait_for_message("D0ANA", "This sounds like C4")
    sandbox.click("U0ANA", message["ts"], "selfcheck.start:C4")
    sandbox.wait_for_modal("U0ANA", "How true is each statement")


def test_the_shortcut_opens_the_picker_from_anywhere(sandbox: Sandbox) -> None:
    sandbox.shortcut("U0ANA", CHECK_CALLBACK)
    sandbox.wait_for_modal("U0ANA", "What would you like to look at?")


def test_coach_selfcheck_in_words_offers_it_with_a_button(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "D0ANA", "/coach", "selfcheck sustainability")
    message = sandbox.wait_for_message("D0ANA", "Shall we look at", user="U0ANA")
    sandbox.click("U0ANA", message["ts"], "selfcheck.start:C9")
    sandbox.wait_for_modal("U0ANA", "Plan for sustainability and sustain")


def test_a_page_of_older_statements_is_shown_anew_with_the_example_kept(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: MemoryRepositories
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "C2")
    sandbox.wait_for_modal("U0ANA", "How true is each statement")
    old = selfchecks.descriptors["C2"]
    selfchecks.descriptors["C2"] = old.model_copy(update={"version": "C2-next"})
    sandbox.submit("U0ANA", {**ratings(selfchecks, "C2", "3", "3"), "example": "The clinic's waiting list."})
    view = sandbox.wait_for_modal("U0ANA", "were reworded while this was open")
    assert "The clinic's waiting list." in words(view.content)
    assert repositories.checks.latest(ANA) == {}


def test_nothing_but_not_my_role_names_no_level(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: MemoryRepositories
) -> None:
    message = _check(sandbox, selfchecks, "C10", "0", "0")
    assert "so there is no level to name" in message["text"]
    assert repositories.checks.latest(ANA)["C10"].level is None


def test_every_unit_keeps_slacks_limits_with_the_longest_example_and_a_long_history(
    selfchecks: SelfChecks, bot: SlackApp, sandbox: Sandbox
) -> None:
    long = ("🙂 وقد قال <!here> & " * 300)[:3000]
    wording, knowledge = bot.deps.wording, selfchecks.knowledge
    for n in range(35):
        for code, descriptor in selfchecks.descriptors.items():
            ratings = [1 + n % 5] * len(descriptor.statements)
            selfchecks.finish(BEN, code, ratings, long, check_id=f"{code}-{n}")
        sandbox.clock.advance(timedelta(days=9))
    for code, descriptor in selfchecks.descriptors.items():
        unit = selfchecks.unit(code)
        view = page_modal(unit, descriptor, wording, example=long, note=long[:2900])
        assert check_view(view) == []
        ratings = [5, *[1] * (len(descriptor.statements) - 1)]
        result = selfchecks.finish(BEN, code, ratings, long, check_id=f"{code}-last")
        picture = selfchecks.picture(BEN, result)
        text, blocks = result_message(result, picture, knowledge, wording, sandbox.clock)
        assert check_message({"text": text, "blocks": blocks}) == []
    text, blocks = trend_message(selfchecks.movements(BEN), knowledge, wording)
    assert check_message({"text": text, "blocks": blocks}) == []
    picker = selfcheck.picker_modal(list(knowledge.units.values()), selfchecks.overview(BEN), wording, sandbox.clock)
    assert check_view(picker) == []


def test_a_double_click_on_the_last_button_keeps_and_says_it_once(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: MemoryRepositories
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "C4")
    view = sandbox.wait_for_modal("U0ANA", "How true is each statement")
    values = ratings(selfchecks, "C4", "3", "3")
    with ThreadPoolExecutor(2) as both:
        clicks = [both.submit(sandbox.submit, "U0ANA", values, view_id=view.id) for _ in range(2)]
        for click in clicks:
            click.exception(timeout=20)  # the stand-in may refuse the second: the modal has changed by then
    sandbox.wait_for_message("D0ANA", "Two next steps")
    sandbox.wait_idle()
    assert len(repositories.checks.history(ANA)) == 1
    assert len([m for m in sandbox.messages("D0ANA", "U0ANA") if "Two next steps" in words(m)]) == 1


def test_a_database_that_fails_gives_words_and_choices_back(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: MemoryRepositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = repositories.checks.add, iter([StorageError("busy")])

    def add(check: Check) -> None:
        if failure := next(failures, None):
            raise failure
        real(check)

    monkeypatch.setattr(repositories.checks, "add", add)
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "C4")
    sandbox.wait_for_modal("U0ANA", "How true is each statement")
    assert sandbox.submit("U0ANA", ratings(selfchecks, "C4", "3", "3") | {"example": "Not to be lost."}) == {}
    message = sandbox.wait_for_message("D0ANA", "I could not save your self-check")
    assert "Not to be lost." in message["text"]
    sandbox.close("U0ANA", clear=True)
    sandbox.click("U0ANA", message["ts"], "selfcheck.start:C4")
    view = sandbox.wait_for_modal("U0ANA", "How true is each statement")
    inputs = [b["element"] for b in view.content["blocks"] if b["type"] == "input"]
    assert [e["initial_option"]["value"] for e in inputs[:8]] == ["3"] * 8
    assert inputs[8]["initial_value"] == "Not to be lost."
    again = ratings(selfchecks, "C4", "3", "3") | {"example": "Not to be lost."}
    assert sandbox.submit("U0ANA", again) == {}
    sandbox.wait_for_message("D0ANA", "Two next steps")
    assert [c.example for c in repositories.checks.history(ANA)] == ["Not to be lost."]
