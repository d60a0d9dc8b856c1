"""The profile as a picture: only on request, once, readable by everybody, and never a person's words in it."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from bot.adapters import portraits
from bot.core.framework import COMPETENCIES, FRAMEWORK_UNITS, Knowledge
from bot.core.records import Member
from bot.core.wording import Wording
from bot.sandbox.driver import words
from bot.sandbox.server import Sandbox
from bot.services.selfchecks import SelfChecks
from bot.slack.bolt import SlackApp
from bot.slack.messenger import ALT_LIMIT
from bot.slack.payloads import Click, Surface
from bot.slack.portrait import alt_text, picture, portrait_of

ANA = Member("T0SANDBOX", "U0ANA")
SECRET = "The example that nobody else reads"


def _checked(selfchecks: SelfChecks, units: tuple[str, ...] = ("C1", "C4", "FB")) -> None:
    for code in units:
        selfchecks.finish(ANA, code, [4, 4, 4, 2, 3, 1, 1, 1], SECRET, check_id=code)


def _pictures(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [m for m in sandbox.messages("D0ANA", "U0ANA") if m.get("files")]


@pytest.fixture
def ready(bot: SlackApp, selfchecks: SelfChecks) -> SlackApp:
    _checked(selfchecks)
    return bot


@pytest.mark.usefixtures("ready")
def test_it_is_sent_only_on_request_and_to_the_person_alone(sandbox: Sandbox) -> None:
    sandbox.open_home("U0ANA")
    home = sandbox.wait_for_home("U0ANA", "Send me a picture")
    sandbox.wait_idle()
    assert _pictures(sandbox) == []
    sandbox.click("U0ANA", home.id, "profile.picture")
    message = sandbox.wait_for_message("D0ANA", "Your profile as a picture, as of 23 November 2026.")
    (file,) = message["files"]
    assert file["mimetype"] == "image/png"
    assert "C4 Assess barriers and facilitators: 75, 25" in file["alt_txt"]
    assert "C2 Unearth the problem: not checked yet" in file["alt_txt"]
    picture = Image.open(io.BytesIO(httpx.get(file["url"], trust_env=False).content))
    assert picture.size == (1200, 1560)
    assert SECRET not in words(message)
    assert not any(m.get("files") for c in ("C0GENERAL", "D0BEN") for m in sandbox.messages(c, "U0BEN"))


@pytest.mark.usefixtures("ready")
def test_the_command_asks_for_it_from_a_channel_and_it_comes_by_direct_message(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "picture")
    sandbox.wait_for_message("D0ANA", "Your profile as a picture")
    line = sandbox.wait_for_message("C0GENERAL", "is in your direct messages", user="U0ANA")
    assert line["ephemeral"] is True


def test_a_picture_that_takes_its_time_keeps_no_form_waiting(
    sandbox: Sandbox, ready: SlackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    real = ready.deps.painter.draw
    monkeypatch.setattr(type(ready.deps.painter), "draw", lambda _self, p: (go_on.wait(20), real(p))[1])
    for person in range(6):  # more than there are workers for forms
        user = sandbox.add_person(f"Person {person}", "Europe/London")
        ready.deps.selfchecks.finish(Member("T0SANDBOX", user), "C1", [3] * 8, "", check_id="one")
        sandbox.command(user, sandbox.dm(user), "/selfcheck", "picture")
    sandbox.command("U0BEN", "D0BEN", "/selfcheck", "C4")
    sandbox.wait_for_modal("U0BEN", "How true is each statement")
    go_on.set()
    sandbox.wait_for(lambda: len(sandbox.recorder.of("files.completeUploadExternal")) == 6, 30, "all pictures")


@pytest.mark.usefixtures("bot")
def test_with_nothing_checked_there_is_nothing_to_draw(sandbox: Sandbox) -> None:
    sandbox.command("U0ANA", "D0ANA", "/selfcheck", "picture")
    sandbox.wait_for_message("D0ANA", "There is nothing to draw yet", user="U0ANA")
    assert _pictures(sandbox) == []


@pytest.mark.parametrize(
    ("method", "fault", "said", "count"),
    [
        ("files.getUploadURLExternal", "500", "didn't say whether", 0),
        ("files.completeUploadExternal", "error:channel_not_found", "could not send your picture", 0),
        ("files.completeUploadExternal", "500_after", "didn't say whether", 1),
    ],
)
@pytest.mark.usefixtures("ready")
def test_where_slack_stumbles_the_person_is_told_calmly(
    sandbox: Sandbox, method: str, fault: str, said: str, count: int
) -> None:
    sandbox.faults.add(method, fault, times=1)
    sandbox.command("U0ANA", "C0GENERAL", "/selfcheck", "picture")
    sandbox.wait_for_message("C0GENERAL", said, user="U0ANA")
    assert len(_pictures(sandbox)) == count


def test_asked_for_once_it_comes_once_even_where_a_crash_begins_the_work_anew(
    sandbox: Sandbox, ready: SlackApp
) -> None:
    click = Click(
        key="K", member=ANA, action_id="profile.picture", value="", on=Surface(view_type="home"), trigger_id=""
    )
    sandbox.faults.add("files.completeUploadExternal", "500_after", times=1)  # taken, and the answer lost
    first = picture(click, ready.deps)
    assert first is not None
    assert first.outcome == "picture_uncertain"
    assert picture(click, ready.deps) is None
    assert len(_pictures(sandbox)) == 1
    assert picture(replace(click, key="another"), ready.deps) is None
    assert len(_pictures(sandbox)) == 2


# --- the drawing ------------------------------------------------------------------------------------------------------


def _linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    a, b = (float(_linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


# Machado, Oliveira and Fernandes (2009), full severity, on linear RGB.
_SEEN_WITH = {
    "no deficiency": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def _lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", _SEEN_WITH)
def test_the_two_levels_and_the_ground_stay_apart_for_every_kind_of_eyes(
    eyes: str, figure: Callable[[str], None]
) -> None:
    seen = {c: _lab(_SEEN_WITH[eyes] @ _linear(c)) for c in (portraits.BLUE, portraits.ORANGE, portraits.GROUND)}
    apart = min(float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(seen, 2))
    figure(f"picture, {eyes}: colours at least {apart:.0f} apart (CIE76)")
    assert apart > 40


def test_words_and_lines_have_contrast_on_the_pictures_own_ground() -> None:
    for colour in (portraits.INK, portraits.QUIET, portraits.BLUE, portraits.ORANGE):
        assert _contrast(colour, portraits.GROUND) >= 4.5
    # Its edge shows on a light page, its ground on a dark one.
    assert _contrast(portraits.EDGE, "#ffffff") > 2.5
    assert _contrast(portraits.GROUND, "#1a1d21") > 10


def test_every_figure_stands_in_the_words_for_the_picture(
    selfchecks: SelfChecks, knowledge: Knowledge, wording: Wording
) -> None:
    _checked(selfchecks, FRAMEWORK_UNITS)
    alt = alt_text(portrait_of(selfchecks.overview(ANA), knowledge, wording, date(2026, 11, 23)), wording)
    assert alt.count(": 75, 25") == 15
    assert len(alt) <= ALT_LIMIT


@pytest.mark.parametrize("count", [1, 2, 9, 15])
def test_any_number_of_checks_can_be_drawn_and_the_figures_move_the_picture(
    selfchecks: SelfChecks, knowledge: Knowledge, wording: Wording, count: int
) -> None:
    blank = portrait_of(selfchecks.overview(ANA), knowledge, wording, date(2026, 11, 23))
    _checked(selfchecks, FRAMEWORK_UNITS[:count])
    drawn = portrait_of(selfchecks.overview(ANA), knowledge, wording, date(2026, 11, 23))
    assert [s.note == "" for s in (*drawn.competencies, *drawn.functions)] == [n < count for n in range(15)]
    before, after = (
        np.asarray(Image.open(io.BytesIO(portraits.draw(p))).convert("RGB"), dtype=int) for p in (blank, drawn)
    )
    assert (np.abs(before - after).sum(axis=2) > 60).mean() > 0.001


def test_what_is_not_part_of_the_role_is_said_so_in_the_picture(
    selfchecks: SelfChecks, knowledge: Knowledge, wording: Wording, sandbox: Sandbox
) -> None:
    _checked(selfchecks)
    selfchecks.keep_role(ANA, ["C1", "C4", "FB", "FC"], None)
    sandbox.clock.advance(timedelta(days=1))
    drawn = portrait_of(selfchecks.overview(ANA), knowledge, wording, date(2026, 11, 24))
    notes = {s.label.split()[0]: s.note for s in (*drawn.competencies, *drawn.functions)}
    assert (notes["FC"], notes["C2"], notes["C1"]) == ("not checked yet", "not part of the role", "")
    assert set(notes) >= set(COMPETENCIES)
