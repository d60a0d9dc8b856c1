"""`eval`: score anyone's set of questions, messages or direct messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
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
ToJudge = Annotated[
    Path | None,
    typer.Option(metavar="FILE.jsonl", help="Write the answers whose key points no reader has judged yet."),
]
VerdictsFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE.jsonl", exists=True, help="What readers found stated; the project's own by default."),
]
Misses = Annotated[bool, typer.Option("--misses", help="List the lines that went wrong.")]

_OWN = Path(__file__).parents[2] / "tests" / "evals"  # in the repository only

group = typer.Typer(no_args_is_help=True, help="Score sets of questions or messages: figures by type and difficulty.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="eval", rich_help_panel="Coach")


@group.command()
def retrieval(
    files: Files = None,
    *,
    as_json: AsJson = False,
    misses: Misses = False,
    to_judge: ToJudge = None,
    verdicts: VerdictsFile = None,
    verbose: Verbose = False,
) -> None:
    """Questions: is the right unit found, cited and answered; are the others refused.

    Key points count where independent readers have judged them: `--to-judge` writes what they have still to read, one
    question a line; their verdicts, lines of {"key", "stated", "reader"}, belong in the file of verdicts.
    """
    _ = verbose
    found = _verdicts(verdicts)
    report = _evaluate("retrieval", files, as_json=as_json, misses=misses, verdicts=found)
    if to_judge is not None:
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in report.to_judge)
        to_judge.write_text(text, encoding="utf-8")
        say(f"{len(report.to_judge)} answers to judge are in {to_judge}.")
    _end(report)


@group.command()
def triage(files: Files = None, *, as_json: AsJson = False, misses: Misses = False, verbose: Verbose = False) -> None:
    """Messages: is the right competency named, and is a match worth its name."""
    _ = verbose
    _end(_evaluate("triage", files, as_json=as_json, misses=misses))


@group.command()
def router(files: Files = None, *, as_json: AsJson = False, misses: Misses = False, verbose: Verbose = False) -> None:
    """Direct messages: how often the bot sees what they want."""
    _ = verbose
    _end(_evaluate("router", files, as_json=as_json, misses=misses))


@group.command()
def support(files: Files = None, *, as_json: AsJson = False, misses: Misses = False, verbose: Verbose = False) -> None:
    """Sentences beside the passages that they cite: is what is false cut, and what is true kept."""
    _ = verbose
    _end(_evaluate("support", files, as_json=as_json, misses=misses))


@group.command()
def distress(files: Files = None, *, as_json: AsJson = False, misses: Misses = False, verbose: Verbose = False) -> None:
    """Messages of people in distress and of people at work: who is heard, and how often work is taken for distress."""
    _ = verbose
    _end(_evaluate("distress", files, as_json=as_json, misses=misses))


def _evaluate(
    kind: Kind, files: Sequence[str] | None, *, as_json: bool, misses: bool, verdicts: dict[str, bool] | None = None
) -> Report:
    sources = list(files or ()) or _own_sets(kind)
    lines, unreadable = _read(kind, sources)
    if not lines:
        say("There is no line to score.")
        raise typer.Exit(Exit.FAILED)
    report = _score(kind, lines, verdicts)
    if as_json:
        write_object({"files": sources, **report.as_json()}, indent=2)
    else:
        from bot.cli.show import show_report

        show_report(console(), report, misses=misses)
    for line_id, why in report.failed:
        say(f"{line_id}: {why}")
    if unreadable:
        raise typer.Exit(Exit.FAILED)
    return report


def _end(report: Report) -> None:
    if report.failed:
        raise typer.Exit(Exit.FAILED)


def _verdicts(path: Path | None) -> dict[str, bool] | None:
    """What readers say of key points: of a file, else of the project's own where there is one."""
    from pydantic import ValidationError

    from bot.cli.lines import opened, read
    from bot.core.key_points import Verdict, settled

    source = path or _OWN / "verdicts.jsonl"
    if path is None and not source.is_file():
        return None
    found = []
    with opened(str(source)) as (stream, _):
        for line in read(stream):
            try:
                found.append(Verdict.model_validate(line.value))
            except ValidationError:
                say(f"{source}:{line.number}: no verdict; it has a key, stated (true or false) and a reader.")
                raise typer.Exit(Exit.FAILED) from None
    return settled(found)


def _own_sets(kind: Kind) -> list[str]:
    found = sorted(str(path) for path in _OWN.glob(f"{kind}*.jsonl"))
    if not found:
        raise typer.BadParameter(f"the project's own {kind} sets are in its repository only; name a file")
    return found


def _read(kind: Kind, sources: Sequence[str]) -> tuple[list[EvaluationLine], int]:
    """The lines of all sources; those that can't be read are told one by one and counted."""
    from pydantic import ValidationError

    from bot.cli.lines import opened, read
    from bot.core.evaluation import DistressLine, RetrievalLine, RouterLine, SupportLine, TriageLine

    models: dict[Kind, type[EvaluationLine]] = {
        "retrieval": RetrievalLine,
        "triage": TriageLine,
        "router": RouterLine,
        "support": SupportLine,
        "distress": DistressLine,
    }
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


def _score(kind: Kind, lines: Sequence[Any], verdicts: dict[str, bool] | None = None) -> Report:
    from bot.services import evaluation

    scorers: dict[str, Callable[..., Report]] = {
        "retrieval": partial(evaluation.score_retrieval, verdicts=verdicts),
        "triage": evaluation.score_triage,
        "router": evaluation.score_router,
        "distress": evaluation.score_distress,
    }
    if kind == "support":
        return _score_support(lines)
    coach = coach_from_settings()
    with progress_bar() as advance:
        return scorers[kind](coach, lines, advance=advance)


def _score_support(lines: Sequence[Any]) -> Report:
    from bot.app import open_support
    from bot.cli.faults import load_settings
    from bot.services.evaluation import score_support

    with progress_bar() as advance:
        support, passage = open_support(load_settings(), progress=advance)
        return score_support(support, passage, lines, advance=advance)
