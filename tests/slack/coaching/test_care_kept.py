"""What a person in distress writes down is kept, and care is all that is said of it."""

from __future__ import annotations

import pytest

from bot.core.records import Member
from bot.ports import Repositories
from bot.sandbox.server import Sandbox
from bot.services.selfchecks import SelfChecks
from tests.slack.coaching.test_selfcheck import ratings

pytestmark = pytest.mark.usefixtures("bot")
HEAVY = "I go home and I don't want to live any more."
LINE = "Call Sam, 555-0100."
ANA = Member("T0SANDBOX", "U0ANA")


def said(sandbox: Sandbox) -> list[str]:
    return [m["text"] for m in sandbox.messages("D0ANA", "U0ANA") if m["user"] == "U0COACH"]


def test_a_self_checks_example_is_kept_and_met_with_care_in_the_modal_and_the_dm(
    sandbox: Sandbox, selfchecks: SelfChecks, repositories: Repositories
) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "C4")
    sandbox.wait_for_modal("U0ANA", "Assess barriers")
    sandbox.submit("U0ANA", ratings(selfchecks, "C4", "4", "2") | {"example": HEAVY})
    sandbox.wait_for_modal("U0ANA", LINE)
    sandbox.wait_for_message("D0ANA", "is safe and only you can see it")
    sandbox.wait_idle()
    [only] = said(sandbox)
    assert LINE in only
    assert repositories.checks.latest(ANA)["C4"].example == HEAVY


def test_a_reflection_is_kept_and_met_with_care_instead_of_offers(sandbox: Sandbox, repositories: Repositories) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/reflect", "now")
    sandbox.wait_for_modal("U0ANA", "Reflect")
    sandbox.submit("U0ANA", {"text": HEAVY})
    sandbox.wait_for_modal("U0ANA", LINE)
    sandbox.wait_for_message("D0ANA", "is safe and only you can see it")
    sandbox.wait_idle()
    assert len(said(sandbox)) == 1
    assert repositories.journal.entries(ANA)[0].text == HEAVY


def test_a_form_with_a_mistake_in_it_waits_below_the_words_of_care(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/reflect", "now")
    sandbox.wait_for_modal("U0ANA", "Reflect")
    sandbox.submit("U0ANA", {"text": HEAVY, "commitment": "Tell Ben", "due": "2020-01-01"})
    sandbox.wait_for_modal("U0ANA", LINE)
    sandbox.close("U0ANA")
    assert "Reflect" in str(sandbox.wait_for_modal("U0ANA", "Reflect").content)
