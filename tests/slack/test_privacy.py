"""A person's rights, as they use them: what is kept, a copy, deletion in part or whole with a receipt."""

from __future__ import annotations

import csv
import io
import json
import logging
import zipfile
from typing import Any

import pytest

from bot.core.records import PARTS, Member
from bot.sandbox.server import Sandbox
from bot.slack.bolt import SlackApp
from tests.fakes.memory import MemoryRepositories
from tests.slack.conftest import payload
from tests.storage.rows import exchange, fill

pytestmark = pytest.mark.usefixtures("bot")
ANA, BEN = Member("T0SANDBOX", "U0ANA"), Member("T0SANDBOX", "U0BEN")
CANARY = "kestrel-over-ward-seven"


def left(repositories: MemoryRepositories, member: Member) -> dict[str, int]:
    return {table: len(rows) for table, rows in repositories.everything_of(member).items() if rows and table != "inbox"}


def open_delete(sandbox: Sandbox, user: str = "U0ANA") -> None:
    sandbox.command(user, "C0GENERAL", "/coach", "delete")
    offer = sandbox.wait_for_message("C0GENERAL", "asked once more", user=user)
    sandbox.click(user, offer["ts"], "privacy.delete")
    sandbox.wait_for_modal(user, "What should go?")


def file_of(sandbox: Sandbox, user: str) -> dict[str, Any]:
    [file] = [f for m in sandbox.messages(f"D{user[1:]}", user) for f in m.get("files", ())]
    with zipfile.ZipFile(io.BytesIO(sandbox.state.files[file["id"]].content or b"")) as package:
        return {name: package.read(name).decode() for name in package.namelist()}


def test_privacy_says_what_is_kept_how_long_who_sees_it_and_which_model(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    fill(repositories, ANA)
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "privacy")
    text = sandbox.wait_for_message("C0GENERAL", "What I keep", user="U0ANA")["text"]
    for said in (
        "No other member, manager or admin",
        "Reflections: 1",
        "Self-checks and plans: 3",
        "24 hours",
        "90 days",
        "until you delete them",
        "No language model",
        "/coach export",
        "Backups",
    ):
        assert said in text


def test_the_copy_holds_everything_of_the_person_and_nothing_of_others(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    fill(repositories, ANA, CANARY)
    fill(repositories, BEN, "somebody else's words")
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "export")
    sandbox.wait_for_message("C0GENERAL", "one file", user="U0ANA")
    files = file_of(sandbox, "U0ANA")
    whole = json.loads(files["my-data.json"])
    expected = {t: r for t, r in repositories.everything_of(ANA).items() if t != "inbox"}
    assert {t: r for t, r in whole["tables"].items() if t != "inbox"} == json.loads(json.dumps(expected))
    for name in ("journal", "checks", "exchanges", "conversations", "subscriptions", "nudges", "profiles", "focuses"):
        assert CANARY in files[f"{name}.csv"] or name in {"subscriptions", "nudges"}
        assert len(list(csv.DictReader(io.StringIO(files[f"{name}.csv"])))) == 1
    assert not any("somebody else" in text or "U0BEN" in text for text in files.values())
    assert [m for m in sandbox.messages("C0GENERAL", "U0BEN") if m.get("files")] == []


def test_a_cell_that_looks_like_a_formula_is_only_text_in_a_spreadsheet(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    repositories.exchanges.save(exchange(asked='=HYPERLINK("https://evil.example")', member=ANA))
    sandbox.command("U0ANA", "C0GENERAL", "/coach", "export")
    sandbox.wait_for_message("C0GENERAL", "one file", user="U0ANA")
    files = file_of(sandbox, "U0ANA")
    assert "'=HYPERLINK" in files["exchanges.csv"]
    assert json.loads(files["my-data.json"])["tables"]["exchanges"][0]["asked"].startswith("=HYPERLINK")


@pytest.mark.parametrize("part", PARTS)
def test_one_part_goes_and_the_others_stay(sandbox: Sandbox, repositories: MemoryRepositories, part: str) -> None:
    fill(repositories, ANA)
    before = left(repositories, ANA)
    open_delete(sandbox)
    sandbox.submit("U0ANA", {"parts": [part]})
    sandbox.wait_for_modal("U0ANA", "Are you sure?")
    assert left(repositories, ANA) == before  # nothing goes before the second word
    sandbox.submit("U0ANA", {})
    receipt = sandbox.wait_for_message("D0ANA", "The rest is as it was", user="U0ANA")["text"]
    after = left(repositories, ANA)
    gone = {
        "questions": {"exchanges", "conversations", "model_usage"},
        "selfchecks": {"checks", "profile_runs", "focuses"},
        "reflections": {"journal"},
        "reminders": {"subscriptions", "nudges"},
        "profile": {"profiles"},
    }[part]
    assert set(before) - set(after) == gone
    assert f"{sum(before[t] for t in gone)} entries" in receipt


def test_everything_goes_after_a_second_word_with_a_receipt_and_others_keep_theirs(
    sandbox: Sandbox, repositories: MemoryRepositories
) -> None:
    fill(repositories, ANA)
    fill(repositories, BEN)
    open_delete(sandbox)
    assert "parts" in sandbox.submit("U0ANA", {"parts": []})  # nothing ticked
    sandbox.submit("U0ANA", {"parts": ["all"]})
    sandbox.wait_for_modal("U0ANA", "whatever waits to be sent")
    sandbox.submit("U0ANA", {})
    receipt = sandbox.wait_for_message("D0ANA", "everything I kept about you is deleted", user="U0ANA")["text"]
    assert "10 entries" in receipt
    assert "UTC" in receipt
    sandbox.wait_idle()
    assert {t: len(r) for t, r in repositories.everything_of(ANA).items() if r} == {}
    assert left(repositories, BEN) != {}
    assert repositories.nudges.next_due() is not None  # Ben's
    assert repositories.nudges.upcoming(ANA) is None


@pytest.mark.parametrize("order", [("app_uninstalled", "tokens_revoked"), ("tokens_revoked", "app_uninstalled")])
@pytest.mark.fault("S9")
def test_a_workspace_ends_in_either_order_of_events_and_its_token_is_never_used_again(
    sandbox: Sandbox, repositories: MemoryRepositories, bot: SlackApp, order: tuple[str, str], figure: Any
) -> None:
    fill(repositories, ANA, CANARY)
    fill(repositories, BEN)
    sandbox.say("U0ANA", "D0ANA", "How do barriers differ from problems?")
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.wait_idle()
    calls = len(sandbox.calls)
    for n, name in enumerate(order):
        bot.dispatch(payload(name))
        sandbox.wait_for(lambda: not any(repositories.everything_of(ANA).values()), what="the purge")
        if n == 0:  # something that was under way arrives late
            bot.dispatch(payload("message_im"))
            bot.dispatch(payload("app_mention"))
    sandbox.wait_idle()
    rows = sum(len(r) for m in (ANA, BEN, Member("T0SANDBOX", "")) for r in repositories.everything_of(m).values())
    used = len(sandbox.calls) - calls
    assert bot.messenger.post(ANA, "D0ANA", text="hello").outcome == "revoked"
    figure(f"{order[0]} first: {used} calls with the token afterwards, {rows} rows of the workspace left")
    assert (used, rows) == (0, 0)
    assert len(sandbox.calls) == calls


@pytest.mark.fault("S9")
def test_a_person_who_was_deactivated_gets_nothing_more(
    sandbox: Sandbox, repositories: MemoryRepositories, bot: SlackApp, figure: Any
) -> None:
    fill(repositories, ANA)
    event = payload("app_uninstalled")
    event["event_id"] = "EvGONE"
    event["event"] = {"type": "user_change", "user": {"id": "U0ANA", "deleted": True}, "event_ts": "1.2"}
    bot.dispatch(event)
    sandbox.wait_for(lambda: repositories.nudges.upcoming(ANA) is None, what="closing")
    sandbox.wait_idle()
    subscription = repositories.nudges.subscription(ANA)
    assert subscription is not None
    assert subscription.state == "closed"
    assert repositories.nudges.next_due() is None
    figure("deactivated person: 0 due rows open")


@pytest.mark.fault("L8")
def test_l8_no_word_of_a_person_and_no_token_stands_in_the_logs(
    sandbox: Sandbox, bot: SlackApp, capfd: pytest.CaptureFixture[str], figure: Any
) -> None:
    logging.getLogger().setLevel(logging.INFO)
    sandbox.say("U0ANA", "D0ANA", f"How do barriers differ from {CANARY}?")
    sandbox.wait_for_message("D0ANA", "comes first")
    sandbox.say("U0ANA", "D0ANA", f"please fail at {CANARY}")  # the scripted coach raises, with a secret in its words
    sandbox.wait_for_message("D0ANA", "Something went wrong on my side")
    sandbox.command("U0ANA", "C0GENERAL", "/coach", f"which {CANARY} nods and then nothing")
    sandbox.command("U0ANA", "C0GENERAL", "/coach", f"I don't want to live any more, {CANARY}")
    sandbox.mention("U0ANA", "C0GENERAL", f"and {CANARY}?")
    bot.dispatch({"type": "event_callback", "event": {"type": "message", "text": CANARY}})  # malformed
    sandbox.wait_idle()
    out, err = capfd.readouterr()
    hits = sum(text.count(words) for text in (out, err) for words in (CANARY, "a secret inside", sandbox.bot_token))
    figure(f"{len((out + err).splitlines())} log lines from INFO, an error among them: {hits} hits")
    assert "inbox.done" in out + err
    assert hits == 0
