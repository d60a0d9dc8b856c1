"""The page of a self-check: a unit's statements with a choice each and an example. Built, checked and read here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.framework import FRAMEWORK_UNITS, Unit
from bot.core.selfcheck import NOT_MINE, Descriptor, Rating
from bot.core.wording import Wording
from bot.services.selfchecks import SelfChecks
from bot.slack.blocks import field, header, modal, option, plain_section, sections, select, text_input
from bot.slack.deps import Deps
from bot.slack.mrkdwn import escape
from bot.slack.payloads import Submission
from bot.slack.registry import Ack, errors, show
from bot.slack.replies import Block, View

PAGE = "selfcheck.page"
TITLE = "Self-check"
SCALE = (
    ("1", "Not yet"),
    ("2", "With help"),
    ("3", "On my own, in familiar work"),
    ("4", "On my own, in complex work too"),
    ("5", "I help others do it"),
    (str(NOT_MINE), "Not part of my role"),
)


def service(deps: Deps) -> SelfChecks:
    """The self-checks; the composition root gives them to every bot that registers this module."""
    assert deps.selfchecks is not None, "build_slack(selfchecks=…) is missing"
    return deps.selfchecks


def unit_of(code: str, deps: Deps) -> tuple[Unit, Descriptor]:
    """A unit with its statements. Raises KeyError for any other code."""
    return service(deps).unit(code), service(deps).descriptors[code]


@dataclass(frozen=True, slots=True)
class Step:
    """A page as one step of the whole profile."""

    run: str
    at: int  # 1 for the first
    of: int
    left: tuple[str, ...]  # the units after this one

    def next(self) -> Step:
        """The step after this one; there must be one left."""
        return Step(self.run, self.at + 1, self.of, self.left[1:])


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page was about, as its metadata says: ids and codes only."""

    unit: str
    version: str
    step: Step | None


def page_modal(
    unit: Unit,
    descriptor: Descriptor,
    wording: Wording,
    *,
    example: str = "",
    note: str = "",
    chosen: Sequence[str] = (),
    step: Step | None = None,
) -> View:
    """The statements of a unit, a choice each, and the person's own example. `chosen`: wire values made already."""
    blocks: list[Block] = [plain_section(note)] if note else []
    if step:
        blocks.append(plain_section(wording("selfcheck.step.progress", at=step.at, of=step.of, saved=step.at - 1)))
    blocks += sections(
        wording("selfcheck.page.explain", title=escape(unit.title), plain_title=escape(unit.plain_title))
    )
    for n, statement in enumerate(descriptor.statements):
        if n in {0, len(descriptor.foundational)}:
            blocks.append(header(wording(f"selfcheck.page.{descriptor.level_of(n)}")))
        blocks.append(field(_block(descriptor, n), statement.text, _scale(n, chosen[n] if n < len(chosen) else "")))
    blocks.append(
        field(
            _example(descriptor),
            wording("selfcheck.page.example"),
            text_input("example", multiline=True, initial=example),
            optional=True,
            hint=wording("selfcheck.page.example.hint"),
        )
    )
    submit = "See my result" if step is None else "Save and go on" if step.left else "Save and finish"
    close = "Not now" if step is None else "Later"
    view = modal(TITLE, blocks, callback_id=PAGE, submit=submit, close=close, metadata=_metadata(descriptor, step))
    return view | {"clear_on_close": True}


def _metadata(descriptor: Descriptor, step: Step | None) -> str:
    data: dict[str, object] = {"unit": descriptor.unit, "version": descriptor.version}
    if step:
        data |= {"run": step.run, "at": step.at, "of": step.of, "left": list(step.left)}
    return json.dumps(data)


def _scale(position: int, chosen: str) -> Block:
    options = [option(label, value) for value, label in SCALE]
    initial = next((o for o in options if o["value"] == chosen), None)
    return select(f"statement-{position}", options, placeholder="Choose one", initial=initial)


def _block(descriptor: Descriptor, position: int) -> str:
    # Named after the wording: where another page takes this one's place, Slack keeps the choices of inputs of one name.
    return f"{descriptor.version}:{position}"


def _example(descriptor: Descriptor) -> str:
    return f"{descriptor.unit}:example"


def subject_of(metadata: str) -> Subject:
    """What a page was about; a subject without a unit where that can't be told."""
    try:
        data = json.loads(metadata)
        unit, version = str(data["unit"]), str(data["version"])
        left = tuple(u for u in data.get("left", ()) if u in FRAMEWORK_UNITS)
        step = Step(str(data["run"]), int(data["at"]), int(data["of"]), left) if data.get("run") else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return Subject("", "", None)
    return Subject(unit, version, step)


def problem_with(request: Submission, deps: Deps) -> Ack | None:
    """What stands in the way of taking a submitted page; None where nothing does. No word typed is lost."""
    subject = subject_of(request.metadata)
    descriptor = service(deps).descriptors.get(subject.unit)
    if descriptor is None:
        text = deps.wording("selfcheck.gone", command=deps.commands.selfcheck)
        return show(modal(TITLE, [plain_section(text)]))
    if subject.version != descriptor.version:
        note, example = deps.wording("selfcheck.page.changed"), request.text(_example(descriptor))
        return show(
            page_modal(*unit_of(subject.unit, deps), deps.wording, example=example, note=note, step=subject.step)
        )
    known = {value for value, _ in SCALE}
    blocks = [_block(descriptor, n) for n in range(len(descriptor.statements))]
    missing = {b: deps.wording("selfcheck.page.missing") for b in blocks if request.text(b) not in known}
    return errors(**missing) if missing else None


@dataclass(frozen=True, slots=True)
class Filled:
    """A submitted page, read."""

    unit: str
    ratings: tuple[Rating, ...]
    example: str
    step: Step | None


def filled(request: Submission, deps: Deps) -> Filled:
    """A page with which there is no problem."""
    subject = subject_of(request.metadata)
    descriptor = service(deps).descriptors[subject.unit]
    values = [int(request.text(_block(descriptor, n))) for n in range(len(descriptor.statements))]
    ratings = tuple(None if v == NOT_MINE else v for v in values)
    return Filled(subject.unit, ratings, request.text(_example(descriptor)), subject.step)
