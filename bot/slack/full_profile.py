"""The whole profile: what belongs to the role, one unit a step, left and taken up again, and what came out."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.framework import FRAMEWORK_UNITS, Knowledge
from bot.core.progress import Bar
from bot.core.records import Member, Profile
from bot.core.selfcheck import level_reached
from bot.core.wording import Wording
from bot.services.selfchecks import Overview, SelfChecks, role_of
from bot.slack import home
from bot.slack.blocks import (
    actions,
    button,
    checkboxes,
    context,
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
from bot.slack.mrkdwn import escape, plain_words
from bot.slack.payloads import Click, Command, Submission
from bot.slack.plans import STAGES
from bot.slack.registry import Ack, Registration, errors, on_click, on_submit, show
from bot.slack.replies import DM, Block, Reply, Say, View, say
from bot.slack.selfcheck_page import TITLE, Filled, Step, page_modal, service, unit_of
from bot.slack.selfcheck_result import (
    focus_button,
    headline,
    level_words,
    picture_button,
    profile_chart,
    rule_button,
    trend_button,
)

_BEGIN, _ROLE = "profile.begin", "profile.role"
_COMPETENCIES = tuple(u for u in FRAMEWORK_UNITS if u.startswith("C"))
_FUNCTIONS = tuple(u for u in FRAMEWORK_UNITS if u.startswith("F"))
_NEXT = 2  # units for which a step is suggested at the end


# --- beginning ----------------------------------------------------------------------------------------------------


def role_modal(profile: Profile, wording: Wording, knowledge: Knowledge, *, begin: bool) -> View:
    """What belongs to the role and the stage of the work: before a profile begins, or by itself."""
    role = role_of(profile)
    stages = [option(label, stage) for stage, label in STAGES]
    known = next((o for o in stages if o["value"] == profile.stage), None)
    blocks = [
        plain_section(wording("selfcheck.role.explain" if begin else "selfcheck.role.explain_only")),
        _boxes("competencies", "Competencies", _COMPETENCIES, role, knowledge),
        _boxes("functions", "Functions", _FUNCTIONS, role, knowledge),
        field(
            "stage",
            wording("selfcheck.role.stage"),
            select("stage", stages, placeholder="Only if you like", initial=known),
            optional=True,
        ),
        plain_context(wording("selfcheck.role.private")),
    ]
    title, submit = ("Your whole profile", "Begin") if begin else ("Role and stage", "Save")
    return modal(title, blocks, callback_id=_BEGIN if begin else _ROLE, submit=submit, close="Not now")


def _boxes(name: str, label: str, units: Sequence[str], ticked: Sequence[str], knowledge: Knowledge) -> Block:
    options = {u: option(f"{u} {knowledge.title(u)}", u) for u in units}
    element = checkboxes(name, list(options.values()))
    if initial := [options[u] for u in units if u in ticked]:
        element["initial_options"] = initial
    return field(name, label, element, optional=True)


def open_new(request: Click | Command, deps: Deps) -> None:
    """What belongs to the role, then the first step."""
    _open(
        request, role_modal(service(deps).profile(request.member), deps.wording, deps.coach.knowledge, begin=True), deps
    )


def open_role(request: Click, deps: Deps) -> None:
    """Change role and stage without a check."""
    profile = service(deps).profile(request.member)
    _open(request, role_modal(profile, deps.wording, deps.coach.knowledge, begin=False), deps)


def _open(request: Click | Command, view: View, deps: Deps) -> None:
    if isinstance(request, Click) and request.on.view_type == "modal":
        deps.slack.push_view(request, view)
    else:
        deps.slack.open_view(request, view)


def _chosen(request: Submission) -> tuple[str, ...]:
    ticked = {*request.chosen("competencies"), *request.chosen("functions")}
    return tuple(u for u in FRAMEWORK_UNITS if u in ticked)


def chosen_role(request: Submission, deps: Deps) -> Ack | None:
    """Something has to belong to the role; then the first step stands in the modal's place."""
    units = _chosen(request)
    if not units:
        return errors(competencies=deps.wording("selfcheck.role.none"))
    if request.callback_id == _ROLE:
        return None
    step = Step(_run_id(request), 1, len(units), units[1:])
    return show(page_modal(*unit_of(units[0], deps), deps.wording, step=step))


def _run_id(request: Submission) -> str:
    return key_for(request.key, "run")


def keep_role(request: Submission, deps: Deps) -> None:
    """Keep role and stage, and begin where that was wished."""
    checks, member = service(deps), request.member
    units, stage = _chosen(request), next((s for s, _ in STAGES if s == request.text("stage")), None)
    checks.keep_role(member, units, stage)
    if request.callback_id == _BEGIN:
        checks.begin_profile(member, units, run_id=_run_id(request))
    home.publish(member, deps)


# --- going on -----------------------------------------------------------------------------------------------------


def resume(request: Click | Command, deps: Deps) -> Reply | None:
    """The next step of the profile under way; one that is no longer there is begun anew."""
    under_way = service(deps).under_way(request.member)
    if under_way is None:
        open_new(request, deps)
        return None
    if not under_way.left:
        return finished(request.member, under_way.run.id, deps)
    first, *rest = under_way.left
    step = Step(under_way.run.id, under_way.done + 1, len(under_way.run.units), tuple(rest))
    _open(request, page_modal(*unit_of(first, deps), deps.wording, step=step), deps)
    return None


def discard(request: Click, deps: Deps) -> Reply:
    """Forget that a profile is under way; its checks stay."""
    gone = service(deps).end_profile(request.member, request.value)
    home.publish(request.member, deps)
    text = deps.wording("selfcheck.run.discarded" if gone else "selfcheck.run.gone")
    return say(text, outcome="discarded" if gone else "gone")


def after_step(page: Filled, deps: Deps) -> View:
    """What takes a filled step's place: the next one, or the end."""
    step, wording = page.step, deps.wording
    if step and step.left:
        return page_modal(*unit_of(step.left[0], deps), wording, step=step.next())
    unit, descriptor = unit_of(page.unit, deps)
    text = headline(unit, level_reached(descriptor, page.ratings), wording)
    view = modal(TITLE, [*sections(text), plain_section(wording("selfcheck.step.done"))])
    return view | {"clear_on_close": True}


def keep_step(request: Submission, page: Filled, deps: Deps) -> Reply | None:
    """Keep one step's check; after the last, say what the whole profile shows."""
    checks, member = service(deps), request.member
    checks.finish(member, page.unit, page.ratings, page.example, check_id=key_for(request.key, "check"))
    if page.step and not page.step.left:
        return finished(member, page.step.run, deps)
    home.publish(member, deps)
    return None


def finished(member: Member, run_id: str, deps: Deps) -> Reply:
    """The end of a profile: what it shows, in the direct message."""
    checks = service(deps)
    checks.end_profile(member, run_id)
    home.publish(member, deps)
    text, blocks = profile_message(checks.overview(member), checks, deps.wording)
    return Reply((Say(text, blocks, DM),), outcome="profile")


# --- what came out ------------------------------------------------------------------------------------------------


def profile_message(overview: Overview, checks: SelfChecks, wording: Wording) -> tuple[str, list[Block]]:
    """The whole profile as a chart and in words, with a step for the units that have most to win."""
    knowledge = checks.knowledge
    mine = [bar for bar in overview.bars if bar.unit in overview.role]
    lead = wording("selfcheck.profile.lead", count=len(mine))
    levels = [_level_line(level, mine, knowledge, wording) for level in ("advanced", "foundational", "starting")]
    told = "\n".join([lead, *(line for line in levels if line)])
    suggested = _suggested(mine, overview, checks, wording)
    drawn, words = profile_chart(mine, knowledge, wording)
    small = wording("selfcheck.result.private")
    blocks = [*sections(told), *drawn]
    for part, unit in suggested:
        title = knowledge.title(unit)
        blocks += [*sections(part), *actions(focus_button(unit, f"Make “{title}” my focus", title))]
    role = button("Change role or stage", "profile.role")
    blocks += [*actions(picture_button(), trend_button(), role, rule_button()), context(small)]
    return plain_words(
        "\n\n".join([told, *(part for part, _ in suggested), *([words] if words else []), small])
    ), blocks


def _level_line(level: str, bars: Sequence[Bar], knowledge: Knowledge, wording: Wording) -> str:
    named = [f"{b.unit} {knowledge.title(b.unit)}" for b in bars if b.level == level]
    if not named:
        return ""
    return wording("selfcheck.profile.level", level=level_words(level, wording), units=escape(", ".join(named)))


def _suggested(bars: Sequence[Bar], overview: Overview, checks: SelfChecks, wording: Wording) -> list[tuple[str, str]]:
    """One next step for each of the units of which most is open, with the unit."""
    order = ("starting", "foundational", "advanced")
    ranked = sorted(bars, key=lambda b: (order.index(b.level or "advanced"), (b.foundational or 0) + (b.advanced or 0)))
    parts = []
    for bar in ranked[:_NEXT]:
        check = overview.latest[bar.unit]
        if check.descriptors == checks.descriptors[bar.unit].version:
            move = checks.reread(check).next_steps[0].text
            title = checks.knowledge.title(bar.unit)
            parts.append((wording("selfcheck.profile.next", title=escape(title), step=escape(move)), bar.unit))
    return parts


REGISTRATIONS: tuple[Registration, ...] = (
    on_click("profile.new", open_new),
    on_click("profile.resume", resume),
    on_click("profile.discard", discard),
    on_click("profile.role", open_role),
    on_submit(_BEGIN, keep_role, answer=chosen_role),
    on_submit(_ROLE, keep_role, answer=chosen_role),
)
