"""Self-checks: choosing a unit, its statements in one modal, and the result for the person alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from bot.core import selfcheck as core
from bot.core.errors import StorageError
from bot.core.framework import FRAMEWORK_UNITS, Unit
from bot.core.schedule import ago_words
from bot.core.selfcheck import NOT_MINE, Rating, Suggestion
from bot.core.wording import Wording
from bot.ports import Clock
from bot.services.selfchecks import Overview, UnderWay
from bot.slack import full_profile, home, plans, portrait
from bot.slack.blocks import (
    VALUE_LIMIT,
    actions,
    button,
    context,
    divider,
    field,
    modal,
    option,
    plain_context,
    plain_section,
    sections,
    select,
)
from bot.slack.delivery import key_for
from bot.slack.deps import Deps
from bot.slack.manifest import CHECK_CALLBACK
from bot.slack.mrkdwn import clip, escape, plain_words
from bot.slack.payloads import Click, Command, Delivery, GlobalShortcut, Submission
from bot.slack.registry import Ack, Registration, errors, on_click, on_command, on_intent, on_shortcut, on_submit, show
from bot.slack.replies import DM, Block, Place, Reply, Say, Talk, View, place_of, say
from bot.slack.selfcheck_page import PAGE, SCALE, TITLE, Filled, filled, page_modal, problem_with, service, unit_of
from bot.slack.selfcheck_result import headline, result_message, rule_modal, trend_message
from bot.slack.typed_ratings import Typed, is_rating, read_typed
from bot.slack.unit_names import find_units

log = structlog.get_logger()

_PICK = "selfcheck.pick"
_MOST_NAMES = 5
_MOST_SHOWN = 20  # typed ratings that are said again


# --- ways in ------------------------------------------------------------------------------------------------------


def command(request: Command, deps: Deps) -> Reply | None:
    """`/selfcheck`: the suggested unit, one that is named, one with its ratings typed behind it, or a word of ours."""
    wish = request.text.strip().lower()
    if not wish:
        _open_picker(request, deps)
        return None
    word = _WORDS.get(wish)
    return word(request, deps) if word else _named(request, deps)


def _named(request: Command, deps: Deps) -> Reply | None:
    typed, units = _meant(request.text, deps)
    if len(units) != 1:
        return _ask_back(typed, units, deps)
    if typed.ratings:
        return _typed(request, units[0], typed, deps)
    deps.slack.open_view(request, page_modal(*unit_of(units[0], deps), deps.wording))
    return None


def wished(talk: Talk, deps: Deps) -> Reply:
    """Words that wish for a self-check: a modal needs a click, so a button offers it."""
    typed, found = _meant(talk.text, deps)
    if len(found) == 1 and typed.ratings:
        return _typed(talk.request, found[0], typed, deps)
    units = found or [service(deps).suggest(talk.request.member).unit]
    if len(units) > 1:
        return _ask_back(typed, units, deps)
    unit = service(deps).unit(units[0])
    text = deps.wording("selfcheck.offer", title=escape(unit.title))
    return say(text, [*sections(text), *actions(_start(unit, style="primary"), _another())], outcome="offered")


def start(request: Click, deps: Deps) -> None:
    """A button that begins a check, of a unit or of one yet to be chosen; its value holds ratings typed before."""
    code = request.action_id.partition(":")[2]
    chosen, _, example = request.value.partition("|")
    if code in service(deps).descriptors:
        page = page_modal(*unit_of(code, deps), deps.wording, chosen=chosen.split(","), example=example)
        _open(request, page, deps)
    else:
        _open_picker(request, deps)


def from_shortcut(request: GlobalShortcut, deps: Deps) -> None:
    """The picker, from anywhere."""
    _open_picker(request, deps)


def _meant(text: str, deps: Deps) -> tuple[Typed, list[str]]:
    units = service(deps).knowledge.units.values()
    typed = read_typed(text)
    found = find_units(typed.name, units)
    if not found and len(typed.ratings) == 1:  # one number may belong to the words before it
        typed = Typed(text)
        found = find_units(text, units)
    return typed, found


def _typed(request: Delivery, code: str, typed: Typed, deps: Deps) -> Reply:
    """Ratings for every statement are kept at once; any other number of them is asked back."""
    descriptor = service(deps).descriptors[code]
    if typed.wrong or len(typed.ratings) != len(descriptor.statements):
        return _ask_for_the_rest(code, typed, deps)
    ratings = tuple(None if int(r) == NOT_MINE else int(r) for r in typed.ratings)
    return _kept(request, code, ratings, "", deps)


def _ask_for_the_rest(code: str, typed: Typed, deps: Deps) -> Reply:
    """Nothing is kept yet: the statements beside what was typed, and a form that has it filled in."""
    unit, descriptor = unit_of(code, deps)
    statements, wording = descriptor.statements, deps.wording
    said = " ".join(typed.ratings[:_MOST_SHOWN])
    key = "selfcheck.typed.no_rating" if typed.wrong else "selfcheck.typed.wrong_count"
    lead = wording(key, title=escape(unit.title), count=len(statements), given=len(typed.ratings), said=escape(said))
    values = [r if is_rating(r) else "" for r in typed.ratings[: len(statements)]]
    words = dict(SCALE)
    rows = [
        f"{n + 1}. {escape(s.text)}" + (f" *{words[values[n]]}*" if n < len(values) and values[n] else "")
        for n, s in enumerate(statements)
    ]
    scale = wording("selfcheck.typed.scale", command=deps.commands.selfcheck, code=code, count=len(statements))
    go_on = button("Go on in the form", f"selfcheck.start:{code}", ",".join(values), style="primary")
    listed = "\n".join(rows)
    blocks = [*sections(lead), *sections(listed), *actions(go_on), context(scale)]
    return say(plain_words(f"{lead}\n{listed}\n{scale}"), blocks, outcome="asked_back")


def _open(request: Click | Command | GlobalShortcut, view: View, deps: Deps) -> None:
    if isinstance(request, Click) and request.on.view_type == "modal":
        deps.slack.push_view(request, view)
    else:
        deps.slack.open_view(request, view)


def _open_picker(request: Click | Command | GlobalShortcut, deps: Deps) -> None:
    checks = service(deps)
    overview = checks.overview(request.member)
    units = [checks.unit(code) for code in FRAMEWORK_UNITS]
    _open(request, picker_modal(units, overview, deps.wording, deps.clock), deps)


def _ask_back(typed: Typed, units: Sequence[str], deps: Deps) -> Reply:
    """Nothing, or several units, fit what was typed; typed ratings stay with the buttons."""
    key = "selfcheck.ambiguous" if units else "selfcheck.unknown"
    text = deps.wording(key, words=escape(clip(typed.name.strip(), 80)))
    kept = ",".join(r if is_rating(r) else "" for r in typed.ratings[:_MOST_SHOWN])
    buttons = [_start(service(deps).unit(code), kept) for code in units[:_MOST_NAMES]]
    return say(text, [*sections(text), *actions(*buttons, _another())], outcome="asked_back")


def _start(unit: Unit, ratings: str = "", *, style: str | None = None) -> Block:
    hint = f"Self-check: {unit.title}"
    return button(f"{unit.code} {unit.title}", f"selfcheck.start:{unit.code}", ratings, style=style, hint=hint)


def _another() -> Block:
    return button("Choose from the list", "selfcheck.start", hint="Choose what to check yourself on")


# --- modals -------------------------------------------------------------------------------------------------------


def picker_modal(units: Sequence[Unit], overview: Overview, wording: Wording, clock: Clock) -> View:
    """A profile under way, or the way to one; all fifteen units, the suggested one chosen."""
    suggestion = overview.suggestion
    options = [option(f"{unit.code} {unit.title}", unit.code) for unit in units]
    chosen = next(o for o in options if o["value"] == suggestion.unit)
    title = next(u.title for u in units if u.code == suggestion.unit)
    because = suggestion_words(suggestion, title, wording, clock)
    menu = select("unit", options, placeholder="Pick one", initial=chosen)
    blocks = [
        plain_section(wording("selfcheck.pick.explain")),
        field("unit", "What would you like to look at?", menu),
        plain_context(because),
        *_whole(overview.under_way, wording),
    ]
    return modal(TITLE, blocks, callback_id=_PICK, submit="Begin", close="Cancel")


def _whole(under_way: UnderWay | None, wording: Wording) -> list[Block]:
    if under_way is None:
        return [divider(), *sections(wording("selfcheck.pick.whole")), *actions(plans.whole_button())]
    words = plans.under_way_words(under_way, wording)
    return [divider(), *sections(words), *actions(*plans.under_way_buttons(under_way, wording))]


def suggestion_words(suggestion: Suggestion, title: str, wording: Wording, clock: Clock) -> str:
    """Why a unit is suggested."""
    fields = {"title": title}
    if suggestion.because == "oldest" and suggestion.last:
        fields["ago"] = ago_words(suggestion.last, clock.now())
    return wording(f"selfcheck.pick.because.{suggestion.because}", **fields)


# --- submissions --------------------------------------------------------------------------------------------------


def picked(request: Submission, deps: Deps) -> Ack:
    """A unit was picked: its statements take the picker's place."""
    code = request.text("unit")
    if code not in service(deps).descriptors:
        return errors(unit=deps.wording("selfcheck.pick.choose"))
    return show(page_modal(*unit_of(code, deps), deps.wording))


def rated(request: Submission, deps: Deps) -> Ack:
    """Every statement needs a choice; then the short of the result, or the next step, stands in the modal's place."""
    problem = problem_with(request, deps)
    if problem:
        return problem
    page = filled(request, deps)
    if page.step:
        return show(full_profile.after_step(page, deps))
    unit, descriptor = unit_of(page.unit, deps)
    text = headline(unit, core.level_reached(descriptor, page.ratings), deps.wording)
    view = modal(TITLE, [*sections(text), plain_section(deps.wording("selfcheck.page.done"))])
    return show(view | {"clear_on_close": True})


def finish(request: Submission, deps: Deps) -> Reply | None:
    """Keep the check, say what it shows, renew the Home."""
    if problem_with(request, deps):
        return None  # the modal has said so
    page = filled(request, deps)
    try:
        if page.step:
            return full_profile.keep_step(request, page, deps)
        return _kept(request, page.unit, page.ratings, page.example, deps)
    except StorageError as error:
        log.warning("selfcheck.not_saved", inbox=request.key, error=str(error))
        return _not_saved(page, deps)


def _not_saved(page: Filled, deps: Deps) -> Reply:
    """The database is of no use now: the person's words and choices go back to them, not away."""
    title = service(deps).unit(page.unit).title
    text = deps.wording("selfcheck.not_saved", title=escape(title))
    values = ",".join(str(NOT_MINE if r is None else r) for r in page.ratings)
    whole = f"{values}|{page.example}"
    values = whole if len(whole) <= VALUE_LIMIT else values
    again = button("Try again", f"selfcheck.start:{page.unit}", values, style="primary", hint=f"Self-check: {title}")
    said = f"{text}\n{escape(page.example)}" if page.example else text
    echo = [plain_section(page.example)] if page.example else []
    return say(plain_words(said), [*sections(text), *echo, *actions(again)], outcome="not_saved")


def _kept(request: Delivery, code: str, ratings: Sequence[Rating], example: str, deps: Deps) -> Reply:
    """Write a check down, renew the Home, and say the result in the direct message, wherever it was asked for."""
    checks = service(deps)
    result = checks.finish(request.member, code, ratings, example, check_id=key_for(request.key, "check"))
    home.publish(request.member, deps)
    unit = checks.unit(code)
    picture = checks.picture(request.member, result)
    text, blocks = result_message(result, picture, checks.knowledge, deps.wording, deps.clock)
    here = _place(request)
    if here.kind == "dm":
        return Reply((Say(text, blocks, here),), outcome="checked")
    # No rating or level where others may read along: a mention is answered in its channel.
    line = deps.wording("selfcheck.typed.saved", title=escape(unit.title))
    return Reply((Say(text, blocks, DM), Say(plain_words(line), sections(line))), outcome="checked")


def _place(request: Delivery) -> Place:
    """Where it was asked for; a command typed in the direct message is answered there for good."""
    if isinstance(request, Command) and request.channel.startswith("D"):
        return Place("dm", request.channel)  # nobody else is there, and a private line would be gone on reload
    return place_of(request)


# --- how it moved -------------------------------------------------------------------------------------------------


def trend(request: Click | Command, deps: Deps) -> Reply:
    """How all that was checked more than once moved, in the direct message."""
    text, blocks = trend_message(service(deps).movements(request.member), deps.coach.knowledge, deps.wording)
    here = _place(request)
    return Reply((Say(text, blocks, here if here.kind != "channel" else DM),), outcome="trend")


def explain(request: Click | Command, deps: Deps) -> None:
    """How a result is worked out and what it is worth."""
    _open(request, rule_modal(deps.wording), deps)


# Words behind the command that ask for something other than a competency.
_WORDS: dict[str, Callable[[Command, Deps], Reply | None]] = {
    **dict.fromkeys(("trend", "trends", "history", "progress", "over time"), trend),
    **dict.fromkeys(("full", "whole", "all", "everything", "profile"), full_profile.resume),
    **dict.fromkeys(("whole profile", "full profile", "my profile", "my whole profile"), full_profile.resume),
    **dict.fromkeys(("resume", "continue", "go on", "next"), full_profile.resume),
    **dict.fromkeys(("picture", "image", "png", "my picture", "profile picture"), portrait.picture),
    **dict.fromkeys(("how", "rule", "scoring", "how does this work", "how this works"), explain),
}


def _opens_soon(request: Command) -> bool:
    """False for the picture: drawing takes its time, and must keep nobody's form waiting."""
    return _WORDS.get(request.text.strip().lower()) is not portrait.picture


REGISTRATIONS: tuple[Registration, ...] = (
    on_command("selfcheck", command, quick=_opens_soon),
    on_intent("selfcheck", wished, "selfcheck", "check"),
    on_shortcut(CHECK_CALLBACK, from_shortcut),
    on_click("selfcheck.start", start),
    on_click("selfcheck.trend", trend),
    on_click("selfcheck.rule", explain),
    on_submit(_PICK, answer=picked),
    on_submit(PAGE, finish, answer=rated),
)
