"""Self-checks: choosing a unit, its statements in one modal, and the result for the person alone."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core import selfcheck as core
from bot.core.framework import FRAMEWORK_UNITS, Unit
from bot.core.schedule import ago_words
from bot.core.selfcheck import NOT_MINE, Change, Descriptor, Rating, Result, Suggestion
from bot.core.wording import Wording
from bot.ports import Clock
from bot.services.selfchecks import SelfChecks
from bot.slack import home
from bot.slack.blocks import (
    actions,
    button,
    context,
    field,
    header,
    modal,
    option,
    plain_context,
    plain_section,
    sections,
    select,
    text_input,
)
from bot.slack.delivery import key_for
from bot.slack.deps import Deps
from bot.slack.mrkdwn import clip, escape, plain_words
from bot.slack.payloads import Click, Command, GlobalShortcut, Submission
from bot.slack.registry import Ack, Registration, errors, on_click, on_command, on_intent, on_submit, show
from bot.slack.replies import Block, Reply, Talk, View, say
from bot.slack.unit_names import find_units

SCALE = (
    ("5", "I help others do it"),
    ("4", "On my own, in complex work too"),
    ("3", "On my own, in familiar work"),
    ("2", "With help"),
    ("1", "Not yet"),
    (str(NOT_MINE), "Not part of my role"),
)
_PICK, _PAGE = "selfcheck.pick", "selfcheck.page"
_TITLE = "Self-check"
_EXAMPLE = "example"
_ECHO = 600  # characters of an earlier example that are shown again
_MOST_NAMES = 5
_TYPED_RATINGS = re.compile(r"(?<=\S)(\s+[0-5])+\s*$")


def service(deps: Deps) -> SelfChecks:
    """The self-checks; the composition root gives them to every bot that registers this module."""
    assert deps.selfchecks is not None, "build_slack(selfchecks=…) is missing"
    return deps.selfchecks


# --- ways in ------------------------------------------------------------------------------------------------------


def command(request: Command, deps: Deps) -> Reply | None:
    """`/selfcheck`: the suggested unit, or the one that is named."""
    if not request.text.strip():
        _open_picker(request, deps)
        return None
    units = _meant(request.text, deps)
    if len(units) == 1:
        deps.slack.open_view(request, page_modal(*_of(units[0], deps), deps.wording))
        return None
    return _ask_back(request.text, units, deps)


def wished(talk: Talk, deps: Deps) -> Reply:
    """Words that wish for a self-check: a modal needs a click, so a button offers it."""
    units = _meant(talk.text, deps) or [service(deps).suggest(talk.request.member).unit]
    if len(units) > 1:
        return _ask_back(talk.text, units, deps)
    unit = service(deps).unit(units[0])
    text = deps.wording("selfcheck.offer", title=escape(unit.title))
    return say(text, [*sections(text), *actions(_start(unit, style="primary"), _another())], outcome="offered")


def start(request: Click, deps: Deps) -> None:
    """A button that begins a check, of a unit or of one yet to be chosen."""
    code = request.action_id.partition(":")[2]
    if code in service(deps).descriptors:
        _open(request, page_modal(*_of(code, deps), deps.wording), deps)
    else:
        _open_picker(request, deps)


def _meant(text: str, deps: Deps) -> list[str]:
    units = service(deps).knowledge.units.values()
    # Ratings typed behind the name ("C4 3 4 2") are given in the modal, where each statement stands beside them.
    return find_units(text, units) or find_units(_TYPED_RATINGS.sub("", text), units)


def _of(code: str, deps: Deps) -> tuple[Unit, Descriptor]:
    return service(deps).unit(code), service(deps).descriptors[code]


def _open(request: Click | Command | GlobalShortcut, view: View, deps: Deps) -> None:
    if isinstance(request, Click) and request.on.view_type == "modal":
        deps.slack.push_view(request, view)
    else:
        deps.slack.open_view(request, view)


def _open_picker(request: Click | Command, deps: Deps) -> None:
    checks = service(deps)
    suggestion = checks.suggest(request.member)
    units = [checks.unit(code) for code in FRAMEWORK_UNITS]
    _open(request, picker_modal(units, suggestion, deps.wording, deps.clock), deps)


def _ask_back(words: str, units: Sequence[str], deps: Deps) -> Reply:
    """Nothing, or several units, fit what was typed."""
    key = "selfcheck.ambiguous" if units else "selfcheck.unknown"
    text = deps.wording(key, words=escape(clip(words.strip(), 80)))
    buttons = [_start(service(deps).unit(code)) for code in units[:_MOST_NAMES]]
    return say(text, [*sections(text), *actions(*buttons, _another())], outcome="asked_back")


def _start(unit: Unit, *, style: str | None = None) -> Block:
    return button(
        f"{unit.code} {unit.title}", f"selfcheck.start:{unit.code}", style=style, hint=f"Self-check: {unit.title}"
    )


def _another() -> Block:
    return button("Choose from the list", "selfcheck.start", hint="Choose what to check yourself on")


# --- modals -------------------------------------------------------------------------------------------------------


def picker_modal(units: Sequence[Unit], suggestion: Suggestion, wording: Wording, clock: Clock) -> View:
    """All fifteen units, the suggested one chosen."""
    options = [option(f"{unit.code} {unit.title}", unit.code) for unit in units]
    chosen = next(o for o in options if o["value"] == suggestion.unit)
    title = next(u.title for u in units if u.code == suggestion.unit)
    because = suggestion_words(suggestion, title, wording, clock)
    menu = select("unit", options, placeholder="Pick one", initial=chosen)
    blocks = [
        plain_section(wording("selfcheck.pick.explain")),
        field("unit", "What would you like to look at?", menu),
        plain_context(because),
    ]
    return modal(_TITLE, blocks, callback_id=_PICK, submit="Begin", close="Cancel")


def suggestion_words(suggestion: Suggestion, title: str, wording: Wording, clock: Clock) -> str:
    """Why a unit is suggested."""
    fields = {"title": title}
    if suggestion.because == "oldest" and suggestion.last:
        fields["ago"] = ago_words(suggestion.last, clock.now())
    return wording(f"selfcheck.pick.because.{suggestion.because}", **fields)


def page_modal(unit: Unit, descriptor: Descriptor, wording: Wording, *, example: str = "", note: str = "") -> View:
    """The statements of a unit, a choice each, and the person's own example."""
    intro = wording("selfcheck.page.explain", title=escape(unit.title), plain_title=escape(unit.plain_title))
    blocks: list[Block] = [plain_section(note)] if note else []
    blocks += sections(intro)
    for n, statement in enumerate(descriptor.statements):
        if n in {0, len(descriptor.foundational)}:
            blocks.append(header(wording(f"selfcheck.page.{descriptor.level_of(n)}")))
        menu = select(_block(n), [option(label, value) for value, label in SCALE], placeholder="Choose one")
        blocks.append(field(_block(n), statement.text, menu))
    blocks.append(
        field(
            _EXAMPLE,
            wording("selfcheck.page.example"),
            text_input(_EXAMPLE, multiline=True, initial=example),
            optional=True,
            hint=wording("selfcheck.page.example.hint"),
        )
    )
    metadata = json.dumps({"unit": unit.code, "version": descriptor.version})
    return modal(_TITLE, blocks, callback_id=_PAGE, submit="See my result", close="Not now", metadata=metadata)


def _block(position: int) -> str:
    return f"statement-{position}"


# --- submissions --------------------------------------------------------------------------------------------------


def picked(request: Submission, deps: Deps) -> Ack:
    """A unit was picked: its statements take the picker's place."""
    code = request.text("unit")
    if code not in service(deps).descriptors:
        return errors(unit=deps.wording("selfcheck.pick.choose"))
    return show(page_modal(*_of(code, deps), deps.wording))


@dataclass(frozen=True, slots=True)
class _Filled:
    """A submitted page, read."""

    unit: str
    ratings: tuple[Rating, ...]


def rated(request: Submission, deps: Deps) -> Ack:
    """Every statement needs a choice; then the short of the result stands in the modal's place."""
    code, version = _subject(request.metadata)
    descriptor = service(deps).descriptors.get(code)
    if descriptor is None:
        text = deps.wording("selfcheck.gone", command=deps.commands.selfcheck)
        return show(modal(_TITLE, [plain_section(text)]))
    example = request.text(_EXAMPLE)
    if version != descriptor.version:
        note = deps.wording("selfcheck.page.changed")
        return show(page_modal(*_of(code, deps), deps.wording, example=example, note=note))
    values = [request.text(_block(n)) for n in range(len(descriptor.statements))]
    known = {value for value, _ in SCALE}
    missing = {_block(n): deps.wording("selfcheck.page.missing") for n, v in enumerate(values) if v not in known}
    if missing:
        return errors(**missing)
    filled = _filled(request, descriptor)
    level = core.level_reached(descriptor, filled.ratings)
    text = _headline(service(deps).unit(code), level, deps.wording)
    return show(modal(_TITLE, [*sections(text), plain_section(deps.wording("selfcheck.page.done"))]))


def _subject(metadata: str) -> tuple[str, str]:
    try:
        data = json.loads(metadata)
        return str(data["unit"]), str(data["version"])
    except (ValueError, KeyError, TypeError):
        return "", ""


def _filled(request: Submission, descriptor: Descriptor) -> _Filled:
    values = [int(request.text(_block(n))) for n in range(len(descriptor.statements))]
    return _Filled(descriptor.unit, tuple(None if v == NOT_MINE else v for v in values))


def finish(request: Submission, deps: Deps) -> Reply | None:
    """Keep the check, say what it shows, renew the Home."""
    code, version = _subject(request.metadata)
    checks = service(deps)
    descriptor = checks.descriptors.get(code)
    if descriptor is None or version != descriptor.version:
        return None  # the modal has said so
    check_id = key_for(request.key, "check")
    filled = _filled(request, descriptor)
    result = checks.finish(request.member, code, filled.ratings, request.text(_EXAMPLE), check_id=check_id)
    home.publish(request.member, deps)
    text, blocks = result_message(result, checks.unit(code), deps.wording, deps.clock)
    return say(text, blocks, outcome="checked")


# --- the result ---------------------------------------------------------------------------------------------------


def result_message(result: Result, unit: Unit, wording: Wording, clock: Clock) -> tuple[str, list[Block]]:
    """A result as text with its full meaning, and as blocks with buttons."""
    head = [_headline(unit, result.level, wording)]
    if result.role_ends_here:
        head.append(wording("selfcheck.result.role_ends_here"))
    if result.change:
        head += _change_lines(result.change, result.level, wording, clock)
    parts = ["\n".join(head)]
    parts += _list("strong", result.strong, wording, "•")
    parts += _list("missing", result.missing, wording, "•")
    parts += _list("next", [move.text for move in result.next_steps], wording, "numbers")
    parts.append(wording("selfcheck.result.question", question=escape(result.question)))
    small = f"{wording(f'selfcheck.result.sure.{result.sureness}')} {wording('selfcheck.result.private')}"
    blocks = [block for part in parts for block in sections(part)]
    blocks += [*actions(*_buttons(result, unit)), context(small)]
    return plain_words("\n\n".join([*parts, small])), blocks


def _buttons(result: Result, unit: Unit) -> list[Block]:
    return [
        button("Read about this", "source.open:read1", f"|{result.reading}", hint=f"Read about {unit.title}"),
        button("Check another", "selfcheck.start", hint="Choose the next self-check"),
    ]


def _headline(unit: Unit, level: str | None, wording: Wording) -> str:
    return wording(f"selfcheck.result.{level or 'none'}", title=escape(unit.title))


def _list(name: str, lines: Sequence[str], wording: Wording, mark: str) -> list[str]:
    if not lines:
        return []
    marks = (f"{n}." if mark == "numbers" else mark for n in range(1, len(lines) + 1))
    listed = (f"{m} {escape(line)}" for m, line in zip(marks, lines, strict=True))
    return ["\n".join([wording(f"selfcheck.result.{name}"), *listed])]


def _change_lines(change: Change, level: str | None, wording: Wording, clock: Clock) -> list[str]:
    ago = ago_words(change.since, clock.now())
    if change.before == level:
        lines = [wording("selfcheck.change.same", ago=ago)]
    else:
        lines = [wording("selfcheck.change.level", ago=ago, before=level_words(change.before, wording))]
    if change.up is None or change.down is None:
        lines.append(wording("selfcheck.change.other_statements"))
    elif change.up or change.down:
        lines.append(wording("selfcheck.change.moved", up=change.up, down=change.down))
    if change.example_before:
        lines.append(wording("selfcheck.change.example", example=escape(clip(change.example_before, _ECHO))))
    return lines


def level_words(level: str | None, wording: Wording) -> str:
    """A level as a few words."""
    return wording(f"selfcheck.level.{level or 'none'}")


REGISTRATIONS: tuple[Registration, ...] = (
    on_command("selfcheck", command, quick=True),
    on_intent("selfcheck", wished, "selfcheck", "check"),
    on_click("selfcheck.start", start),
    on_submit(_PICK, answer=picked),
    on_submit(_PAGE, finish, answer=rated),
)
