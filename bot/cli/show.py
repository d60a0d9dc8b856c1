"""Answers, triages and evaluations as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from bot.cli.console import plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from bot.core.answer import Answer, Citation
    from bot.core.evaluation import Figure, Figures
    from bot.core.framework import Passage
    from bot.core.triage import Triage
    from bot.services.evaluation import Report

Titles = Callable[[str], str]
_BAR = 20


def show_answer(out: Console, answer: Answer) -> None:
    """The answer, its sources, and the coach's question."""
    from rich.console import Group
    from rich.markdown import Markdown
    from rich.panel import Panel
    from rich.text import Text

    parts: list[RenderableType] = [Markdown(plain(answer.answer), hyperlinks=False)]
    if answer.citations:
        parts += [Text(), Text("Sources", style="bold"), _sources(answer.citations)]
    if answer.coach_question:
        parts += [Text(), Text(plain(answer.coach_question), style="italic cyan")]
    titles = {"answered": "Answer", "care": "First of all"}
    style = "green" if answer.outcome == "answered" else "yellow"
    title = titles.get(answer.outcome, answer.outcome.replace("_", " ").capitalize())
    out.print(Panel(Group(*parts), title=Text(title), title_align="left", border_style=style, padding=(1, 2)))


def _sources(citations: Iterable[Citation]) -> Table:
    from rich.text import Text

    table = _grid()
    for citation in citations:
        said = Text(plain(citation.title), style="bold")
        said.append(f"  {plain(citation.passage_id)}", style="dim")
        quote = plain(citation.quote).replace("\n", " ")
        said.append(f"\n“{quote}”" if citation.verbatim else f"\n{quote} (our wording)", style="not bold")
        table.add_row(Text(f"[{citation.marker}]", style="green"), said)
    return table


def _grid() -> Table:
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, vertical="top")
    grid.add_column(overflow="fold")
    return grid


def show_passage(out: Console, passage: Passage) -> None:
    """A passage in full, as a source button opens it."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    label = "The source's own words" if passage.verbatim else "In our wording"
    where = ", ".join(passage.locators)
    foot = Text(f"{label} · {passage.id}{f' · {where}' if where else ''}", style="dim")
    body = Group(Text(plain(passage.text)), Text(), foot)
    out.print(Panel(body, title=Text(plain(passage.heading)), title_align="left", border_style="blue", padding=(1, 2)))


def show_triage(out: Console, triage: Triage, titles: Titles) -> None:
    """The competency with its runners-up, why, and where to go next."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    parts: list[RenderableType] = [Text(_headline(triage, titles), style="bold"), Text(), _ranking(triage, titles)]
    facts = _facts(triage, titles)
    if facts.row_count:
        parts += [Text(), facts]
    if triage.next is not None:
        parts += [Text(), Text(plain(triage.next.question), style="italic cyan")]
    style = {"match": "green", "close_call": "yellow", "none": "blue"}[triage.outcome]
    title = {"match": "Match", "close_call": "Close call", "none": "None of the ten"}[triage.outcome]
    out.print(Panel(Group(*parts), title=title, title_align="left", border_style=style, padding=(1, 2)))


def _headline(triage: Triage, titles: Titles) -> str:
    names = [f"{code} {titles(code)}" for code, _ in triage.ranking[:2]]
    match triage.outcome:
        case "match":
            return names[0] if names else str(triage.competency)
        case "close_call":
            return f"Between {names[0]} and {names[1]}" if len(names) > 1 else "A close call"
        case _:
            return "This doesn't look like a matter of one of the ten competencies."


def _ranking(triage: Triage, titles: Titles) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1), show_header=False)
    for code, probability in triage.ranking[:3]:
        bar = "█" * round(probability * _BAR)
        table.add_row(code, Text(titles(code)), Text(bar.ljust(_BAR), style="green"), _percent(probability))
    if triage.p_none > 0:
        bar = "█" * round(triage.p_none * _BAR)
        table.add_row(
            "-", Text("none of them", style="dim"), Text(bar.ljust(_BAR), style="dim"), _percent(triage.p_none)
        )
    return table


def _percent(probability: float) -> str:
    """A probability that is never shown as a certainty."""
    if probability > 0.99:  # noqa: PLR2004 - what would round to 100
        return ">99%"
    return "<1%" if probability < 0.01 else f"{probability:.0%}"  # noqa: PLR2004 - what would round to 0


def _facts(triage: Triage, titles: Titles) -> Table:
    from rich.text import Text

    facts = _grid()

    def row(name: str, value: str) -> None:
        facts.add_row(Text(name, style="dim"), Text(plain(value)))

    if triage.outcome != "none" and triage.functions:
        row("Function", ", ".join(titles(code) for code, _ in triage.functions[:2]))
    if triage.level:
        row("Level", triage.level)
    if triage.why:
        row("Because of", ", ".join(f"“{word}”" for word in triage.why))
    if triage.ask_back:
        row("To settle it", triage.ask_back)
    if triage.next is not None and triage.next.read:
        row("Read", ", ".join(triage.next.read))
    return facts


def show_report(out: Console, report: Report, *, misses: bool) -> None:
    """An evaluation's figures: overall, then by each field."""
    from rich.text import Text

    out.print(_overall(report))
    for by, groups in report.groups.items():
        if len(groups) > 1:
            out.print(_by(by, groups))
    if misses and report.misses:
        table = _grid()
        for miss in report.misses:
            table.add_row(Text(plain(str(miss.id))), Text(plain(f"wanted {', '.join(miss.wanted)}; got {miss.got}")))
        out.print(Text("Misses", style="bold"), table)


def _overall(report: Report) -> Table:
    from rich.table import Table
    from rich.text import Text

    from bot.core.evaluation import Share

    table = Table(title=Text(f"{report.kind}, {report.lines} lines"), title_justify="left", box=None, padding=(0, 2))
    for name in ("", "figure", "95 %", "lines"):
        table.add_column(name, justify="left" if not name else "right")
    for name, figure in report.overall.items():
        if isinstance(figure, Share) and figure.of:
            low, high = figure.interval
            table.add_row(name, _shown(figure), f"{low:.3f} to {high:.3f}", f"{figure.hits} of {figure.of}")
        else:
            table.add_row(name, _shown(figure))
    return table


def _by(by: str, groups: dict[str, Figures]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"\nby {by}"), title_justify="left", box=None, padding=(0, 1))
    table.add_column(by, overflow="fold")
    for name in next(iter(groups.values())):
        table.add_column(name.replace("_", " "), justify="right")
    for value, found in groups.items():
        table.add_row(Text(plain(value)), *(_shown(figure) for figure in found.values()))
    return table


def _shown(figure: Figure) -> str:
    from bot.core.evaluation import Share

    if isinstance(figure, Share):
        figure = figure.value
    if figure is None:
        return "-"
    return f"{figure:.3f}" if figure <= 1 else f"{figure:.1f}"
