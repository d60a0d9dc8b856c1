"""What a self-check showed, in words and charts: one result, and how the whole profile moved. Pure builders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.core.framework import Knowledge, Passage, Unit
from bot.core.progress import ON_A_CHART, Bar, Movement, Point
from bot.core.schedule import MONTHS, ago_words
from bot.core.selfcheck import Change, Result
from bot.core.wording import Wording
from bot.ports import Clock
from bot.services.selfchecks import Picture
from bot.slack.blocks import actions, button, context, modal, sections
from bot.slack.charts import chart, table
from bot.slack.mrkdwn import clip, escape, plain_words
from bot.slack.replies import Block, View

_LEVELS = ("advanced", "foundational", "starting")
_ECHO = 600  # characters of an earlier example that are shown again
_SEEN = 0.05  # half of the smallest change that is shown
_DATES = 12  # checks of a unit on its line


def result_message(
    result: Result, picture: Picture, knowledge: Knowledge, wording: Wording, clock: Clock
) -> tuple[str, list[Block]]:
    """A result as text with its full meaning, and as blocks with charts and buttons."""
    unit = knowledge.units[result.unit]
    head = "\n".join(_head(result, unit, wording, clock))
    lists = [
        *_list("strong", result.strong, wording, "•"),
        *_list("missing", result.missing, wording, "•"),
        *_list("next", [move.text for move in result.next_steps], wording, "numbers"),
    ]
    after = [*_reading(picture.reading, wording), _question(result, wording)]
    sure, private = wording(f"selfcheck.result.sure.{result.sureness}"), wording("selfcheck.result.private")
    line, line_words = _line(unit, picture.track, wording)
    bars, bar_words = profile_chart(picture.bars, knowledge, wording)
    blocks = [*sections(head), context(sure)]
    for part in (*lists, *after):
        blocks += sections(part)
    blocks += [*actions(*_buttons(result, unit, moved=picture.moved)), *line, *bars, context(private)]
    said = [head, sure, *lists, *after, *(words for words in (line_words, bar_words) if words), private]
    return plain_words("\n\n".join(said)), blocks


def _head(result: Result, unit: Unit, wording: Wording, clock: Clock) -> list[str]:
    lines = [headline(unit, result.level, wording)]
    if result.role_ends_here:
        lines.append(wording("selfcheck.result.role_ends_here"))
    return lines + (_change_lines(result.change, result.level, wording, clock) if result.change else [])


def headline(unit: Unit, level: str | None, wording: Wording) -> str:
    """The level reached, in a sentence."""
    return wording(f"selfcheck.result.{level or 'none'}", title=escape(unit.title))


def level_words(level: str | None, wording: Wording) -> str:
    """A level as a few words."""
    return wording(f"selfcheck.level.{level or 'none'}")


def _buttons(result: Result, unit: Unit, *, moved: bool) -> list[Block]:
    shown = [button("Read about this", "source.open:read1", f"|{result.reading}", hint=f"Read about {unit.title}")]
    shown.append(focus_button(unit.code, "Make this my focus", unit.title))
    if moved:
        shown.append(trend_button())
    shown.append(button("Check another", "selfcheck.start", hint="Choose the next self-check"))
    shown.append(button("A weekly question", "nudge.settings", hint="Have one question a week come to you"))
    return [*shown, rule_button()]


def focus_button(code: str, label: str, title: str) -> Block:
    """The way to a development plan for a unit."""
    return button(label, f"focus.open:{code}", hint=f"Make {title} my focus")


def picture_button() -> Block:
    """Asks for the profile as a picture."""
    return button("Send me a picture", "profile.picture", hint="Send me a picture of my profile")


def rule_button() -> Block:
    """How a result comes about, and what it is worth."""
    return button("How this works", "selfcheck.rule", hint="How a result is worked out, and what it is worth")


def rule_modal(wording: Wording) -> View:
    """The scoring rule as it is written down for people."""
    parts = (wording(f"selfcheck.rule.{name}") for name in ("how", "examples", "worth"))
    return modal("How this works", [block for part in parts for block in sections(part)])


def trend_button() -> Block:
    """How everything that was checked more than once moved."""
    return button("How I have moved", "selfcheck.trend", hint="How my self-checks moved over time")


def _list(name: str, lines: Sequence[str], wording: Wording, mark: str) -> list[str]:
    if not lines:
        return []
    marks = (f"{n}." if mark == "numbers" else mark for n in range(1, len(lines) + 1))
    listed = (f"{m} {escape(line)}" for m, line in zip(marks, lines, strict=True))
    return ["\n".join([wording(f"selfcheck.result.{name}"), *listed])]


def _question(result: Result, wording: Wording) -> str:
    return wording("selfcheck.result.question", question=escape(result.question))


def _reading(passage: Passage | None, wording: Wording) -> list[str]:
    if passage is None:
        return []
    where = f"{passage.unit} {passage.title}"
    return [wording("selfcheck.result.reading", heading=escape(passage.heading), where=escape(where))]


def _change_lines(change: Change, level: str | None, wording: Wording, clock: Clock) -> list[str]:
    ago = ago_words(change.since, clock.now())
    if change.before == level:
        lines = [wording("selfcheck.change.same", ago=ago)]
    else:
        lines = [wording("selfcheck.change.level", ago=ago, before=level_words(change.before, wording))]
    if change.up is None or change.down is None:
        lines.append(wording("selfcheck.change.other_statements"))
    else:
        moved = (("up", change.up), ("down", change.down))
        lines += [wording(f"selfcheck.change.{way}", count=count) for way, count in moved if count]
    if change.example_before:
        lines.append(wording("selfcheck.change.example", example=escape(clip(change.example_before, _ECHO))))
    return lines


# --- charts -------------------------------------------------------------------------------------------------------


def profile_chart(profile: Sequence[Bar], knowledge: Knowledge, wording: Wording) -> tuple[list[Block], str]:
    """Every unit that was checked, a bar a level, with the same in words; nothing where none was."""
    if not profile:
        return [], ""
    series: Mapping[str, Sequence[int]] = {
        "Foundational": [bar.foundational or 0 for bar in profile],
        "Advanced": [bar.advanced or 0 for bar in profile],
    }
    block = chart(
        "bar",
        wording("selfcheck.chart.profile"),
        [bar.unit for bar in profile],
        series,
        y_label=wording("selfcheck.chart.profile.y"),
        x_label=wording("selfcheck.chart.profile.x"),
    )
    listed = "; ".join(_bar_words(bar, knowledge, wording) for bar in profile)
    words = wording("selfcheck.chart.profile.words", listed=escape(listed))
    return [block, context(_grouped(profile, wording))], words


def _grouped(profile: Sequence[Bar], wording: Wording) -> str:
    """The short of the chart: which units stand where, by their codes."""
    found = ((level, [b.unit for b in profile if b.level == level]) for level in _LEVELS)
    groups = "; ".join(f"{level_words(level, wording)}: {', '.join(codes)}" for level, codes in found if codes)
    return wording("selfcheck.chart.profile.groups", groups=groups)


def _bar_words(bar: Bar, knowledge: Knowledge, wording: Wording) -> str:
    def share(figure: int | None) -> str:
        return "\u2013" if figure is None else f"{figure} %"

    return wording(
        "selfcheck.chart.profile.unit",
        unit=f"{bar.unit} {knowledge.title(bar.unit)}",
        level=level_words(bar.level, wording),
        foundational=share(bar.foundational),
        advanced=share(bar.advanced),
    )


def _line(unit: Unit, points: Sequence[Point], wording: Wording) -> tuple[list[Block], str]:
    """One unit over time, from its second check on: the last check of each day."""
    by_day = {_day(point.at): point for point in points}
    shown = list(by_day.items())[-_DATES:]
    if len(shown) < 2:  # noqa: PLR2004 - a line needs two ends
        return [], ""
    block = chart(
        "line",
        wording("selfcheck.chart.line", unit=unit.code),
        [day for day, _ in shown],
        {unit.code: [round(point.rating, 1) for _, point in shown]},
        y_label=wording("selfcheck.chart.rating"),
        x_label=wording("selfcheck.chart.day"),
    )
    listed = "; ".join(f"{day} {point.rating:.1f} ({level_words(point.level, wording)})" for day, point in shown)
    words = wording("selfcheck.chart.line.words", title=escape(unit.title), listed=listed)
    return [block, context(words)], words


def _day(at: datetime) -> str:
    return f"{at.day} {MONTHS[at.month - 1][:3]} {at.year}"


def trend_message(moved: Sequence[Movement], knowledge: Knowledge, wording: Wording) -> tuple[str, list[Block]]:
    """What moved: the five that moved most as a chart, all of them in the table that goes with it."""
    private = wording("selfcheck.trend.private")
    if not moved:
        text = wording("selfcheck.trend.none")
        return plain_words(text), [*sections(text), *actions(button("Check myself", "selfcheck.start"))]
    lead = wording("selfcheck.trend.lead")
    drawn = moved[:ON_A_CHART]
    block = chart(
        "bar",
        wording("selfcheck.chart.trend"),
        [m.unit for m in drawn],
        {
            "First check": [round(m.first.rating, 1) for m in drawn],
            "Last time": [round(m.before.rating, 1) for m in drawn],
            "Now": [round(m.now.rating, 1) for m in drawn],
        },
        y_label=wording("selfcheck.chart.rating"),
        x_label=wording("selfcheck.chart.profile.x"),
    )
    rows = [_moved_cells(m, knowledge) for m in moved]
    heads = ["Competency or function", "Change", "Now", "First", "Since"]
    listed = "\n".join(f"• {_moved_words(m, knowledge, wording)}" for m in moved)
    blocks = [*sections(lead), block, table([heads, *rows]), context(private)]
    another = button("Check another", "selfcheck.start", hint="Choose the next self-check")
    blocks += actions(another, picture_button(), rule_button())
    return plain_words(f"{lead}\n{escape(listed)}\n{private}"), blocks


def _moved_cells(moved: Movement, knowledge: Knowledge) -> list[str]:
    name = f"{moved.unit} {knowledge.title(moved.unit)}"
    return [name, _change_words(moved), f"{moved.now.rating:.1f}", f"{moved.first.rating:.1f}", _day(moved.first.at)]


def _moved_words(moved: Movement, knowledge: Knowledge, wording: Wording) -> str:
    def told(point: Point) -> str:
        return f"{point.rating:.1f}, {level_words(point.level, wording)} ({_day(point.at)})"

    name = f"{moved.unit} {knowledge.title(moved.unit)}"
    return f"{name}: {told(moved.first)}; now {told(moved.now)}; {_change_words(moved)}"


def _change_words(moved: Movement) -> str:
    return "no change" if abs(moved.change) < _SEEN else f"{moved.change:+.1f}".replace("-", "\u2212")
