"""`eval`: score anyone's set of questions, messages or direct messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.asking import Verbose, coach_from_settings
from bot.cli.console import Exit, console, progress_bar, say, write_object

if TYPE_CHECKING:
    from bot.core.evaluation import EvaluationLine
    from bot.services.evaluation import Kind, Report

Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE.jsonl]...", show_default=False, help="Sets to score; the project's own by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Misses = Annotated[bool, typer.Option("--misses", help="List the lines that went wrong.")]

group = typer.Typer(no_args_is_help=True, help="Score sets of questions or messages: figures by type and difficulty.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="eval", rich_help_panel="Coach")


@group.command()
def retrieval(
    files: Files = None, *, as_json: AsJson = False, misses: Misses = False, verbose: Verbose = False
) -> None:
    """Questions: is the right unit found, cited and answered; are the others refused."""
    _ = verbose
    _evaluate("retrieval", files, as_json=as_json, misses=misses)


@group.command()
def triage(files: Files = None, *, as_json: AsJson = False, misses: Misses = False, verbose: Verbose = False) -> None:
    """Messages: is the right competency named, and is a match worth its name."""
    _ = verbose
    _evaluate("triage", files, as_json=as_json, misses=misses)


@group.command()
def router(files: Files = None, *, as_json: AsJson = False, misses: Misses = False, verbose: Verbose = False) -> None:
    """Direct messages: is it seen what they want."""
    _ = verbose
    _evaluate("router", files, as_json=as_json, misses=misses)


def _evaluate(kind: Kind, files: Sequence[str] | None, *, as_json: bool, misses: bool) -> None:
    sources = list(files or ()) or _own_sets(kind)
    lines, unreadable = _read(kind, sources)
    if not lines:
        say("There is no line to score.")
        raise typer.Exit(Exit.FAILED)
    report = _score(kind, lines)
    if as_json:
        write_object({"files": sources, **report.as_json()}, indent=2)
    else:
        from bot.cli.show import show_report

        show_report(console(), report, misses=misses)
    for line_id, why in report.failed:
        say(f"{line_id}: {why}")
    if unreadable or report.failed:
        raise typer.Exit(Exit.FAILED)


def _own_sets(kind: Kind) -> list[str]:
    folder = Path(__file__).parents[2] / "tests" / "evals"
    found = sorted(str(path) for path in folder.glob(f"{kind}*.jsonl"))
    if not found:
        raise typer.BadParameter(f"the project's own {kind} sets are in its repository only; name a file")
    return found


def _read(kind: Kind, sources: Sequence[str]) -> tuple[list[EvaluationLine], int]:
    """The lines of all sources; those that can't be read are told one by one and counted."""
    from pydantic import ValidationError

    from bot.cli.lines import opened, read
    from bot.core.evaluation import RetrievalLine, RouterLine, TriageLine

    models: dict[Kind, type[EvaluationLine]] = {"retrieval": RetrievalLine, "triage": TriageLine, "router": RouterLine}
    model = models[kind]
    lines: list[EvaluationLine] = []
    unreadable = 0
    for source in sources:
        with opened(source) as (stream, _):
            for line in read(stream):
                problem = line.error
                try:
                    if problem is None:
                        lines.append(model.model_validate(line.value))
                except ValidationError as error:
                    first = error.errors(include_input=False, include_url=False)[0]
                    problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
                if problem is not None:
                    unreadable += 1
                    say(f"{source}:{line.number}: {problem}")
    return lines, unreadable


def _score(kind: Kind, lines: Sequence[Any]) -> Report:
    from bot.services import evaluation

    scorers: dict[str, Callable[..., Report]] = {
        "retrieval": evaluation.score_retrieval,
        "triage": evaluation.score_triage,
        "router": evaluation.score_router,
    }
    coach = coach_from_settings()
    with progress_bar() as advance:
        return scorers[kind](coach, lines, advance=advance)
