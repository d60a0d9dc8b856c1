"""`ask`, `triage` and `chat`: they read only, from any folder, without settings, also while the bot runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.console import Exit, console, progress_bar, say, whole, write_object
from bot.cli.faults import be_verbose, line_words, load_settings

if TYPE_CHECKING:
    from bot.adapters.offline_model import OfflineModel
    from bot.services.coach import Coach
    from bot.services.speaking import SpeakingCoach

    AnyCoach = Coach | SpeakingCoach

Words = Annotated[
    list[str] | None, typer.Argument(show_default=False, help="In your own words; quotes may be left out.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Jsonl = Annotated[
    str | None,
    typer.Option("--jsonl", metavar="FILE", help="Read one JSON object a line from a file (- for standard input)."),
]
Exports = Annotated[
    Path | None,
    typer.Option(
        "--export-requests",
        metavar="DIR",
        help="Write each request that a model would get into this folder; send none.",
    ),
]
Responses = Annotated[
    Path | None,
    typer.Option("--responses", metavar="DIR", help="Read a model's responses, <hash>.json each, from this folder."),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show tracebacks.", callback=be_verbose)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel="Coach")(ask)
    app.command(rich_help_panel="Coach")(triage)
    app.command(rich_help_panel="Coach")(chat)


def coach_from_settings() -> Coach:
    """The coach on this machine's content and index; an index that is missing is built first, with progress."""
    from bot.app import open_coach
    from bot.cli.logs import to_standard_error

    to_standard_error()
    with progress_bar() as advance:
        return open_coach(load_settings(), progress=advance)


def speaking_coach(model: OfflineModel | None = None) -> AnyCoach:
    """The same with the model of the settings, or a given one, to speak for it."""
    from bot.app import open_any_coach
    from bot.cli.logs import to_standard_error

    to_standard_error()
    with progress_bar() as advance:
        return open_any_coach(load_settings(), model=model, progress=advance)


def ask(
    question: Words = None,
    *,
    as_json: AsJson = False,
    jsonl: Jsonl = None,
    export_requests: Exports = None,
    responses: Responses = None,
    verbose: Verbose = False,
) -> None:
    """Answer a question from the white paper and its framework, with numbered sources."""
    _ = verbose
    text = _one_of(question, jsonl, "a question")
    if export_requests is not None or responses is not None:
        _ask_offline(text, jsonl, export_requests, responses)
        return
    coach = speaking_coach()
    if jsonl is not None:
        _lines(jsonl, lambda value: _answer(coach, value), "answering")
        return
    from bot.core.answer import Question

    answer = coach.ask(Question(text=text))
    if as_json:
        write_object({"id": None, **answer.model_dump(mode="json")}, indent=2)
    else:
        from bot.cli.show import show_answer

        show_answer(console(), answer)


def _ask_offline(text: str, jsonl: str | None, requests: Path | None, responses: Path | None) -> None:
    """Questions with a model that is elsewhere; exit status 3 while responses are missing."""
    from bot.adapters.offline_model import OfflineModel

    model = OfflineModel(load_settings().model or "offline:responses", requests=requests, responses=responses)
    coach = speaking_coach(model)
    failed = False
    if jsonl is not None:
        try:
            _lines(jsonl, lambda value: _pending_or(coach, value), "answering")
        except typer.Exit:
            failed = True
    else:
        write_object({"id": None, **_pending_or(coach, {"question": text})}, indent=2)
    if model.missing:
        count = len(model.missing)
        say(f"{count} {'response is' if count == 1 else 'responses are'} still to come.")
        raise typer.Exit(Exit.RESPONSES_MISSING)
    if failed:
        raise typer.Exit(Exit.FAILED)


def _pending_or(coach: AnyCoach, value: dict[str, Any]) -> dict[str, Any]:
    """An answer, or the request whose response is missing."""
    from bot.core.errors import ModelPending

    try:
        return _answer(coach, value)
    except ModelPending as pending:
        return {"question": value.get("question"), "pending": pending.request}


def triage(text: Words = None, *, as_json: AsJson = False, jsonl: Jsonl = None, verbose: Verbose = False) -> None:
    """Tell which competency a situation is about, how sure that is, and what to do next."""
    _ = verbose
    message = _one_of(text, jsonl, "a situation")
    coach = speaking_coach()
    if jsonl is not None:
        _lines(jsonl, lambda value: _triage(coach, value), "triaging")
        return
    found = coach.triage(message)
    if as_json:
        write_object({"id": None, **found.model_dump(mode="json")}, indent=2)
    else:
        from bot.cli.show import show_triage

        show_triage(console(), found, coach.knowledge.title)


def chat(*, verbose: Verbose = False) -> None:
    """Talk with the coach here in the terminal; nothing of it is stored."""
    _ = verbose
    from bot.adapters.content import content_root, load_wording
    from bot.cli.chatting import Conversation

    coach = speaking_coach()
    Conversation(coach, load_wording(content_root(load_settings())), console()).run()


def _one_of(words: list[str] | None, jsonl: str | None, what: str) -> str:
    """The words as one text. Raises a usage error where there are none and no file, or both."""
    text = whole(" ".join(words or [])).strip()
    if bool(text) == (jsonl is not None):
        raise typer.BadParameter(f"give {what}, or --jsonl FILE for many")
    return text


def _answer(coach: AnyCoach, value: dict[str, Any]) -> dict[str, Any]:
    from pydantic import ValidationError

    from bot.cli.lines import UnreadableLine, text_of
    from bot.core.answer import Question

    text = text_of(value, "question")
    try:
        question = Question.model_validate({"text": text, "history": value.get("history") or ()})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UnreadableLine(f"{where}: {first['msg']}.") from None
    return dict(coach.ask(question).model_dump(mode="json"))


def _triage(coach: AnyCoach, value: dict[str, Any]) -> dict[str, Any]:
    from bot.cli.lines import text_of

    return dict(coach.triage(text_of(value, "text")).model_dump(mode="json"))


def _lines(source: str, work: Any, what: str) -> None:
    from bot.cli.lines import answer_lines

    with progress_bar() as advance:
        failures = answer_lines(source, work, advance, what, failed=line_words)
    if failures:
        say(f"{failures} {'line' if failures == 1 else 'lines'} could not be worked; each has an “error”.")
        raise typer.Exit(Exit.FAILED)
