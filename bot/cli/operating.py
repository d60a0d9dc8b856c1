"""`run` and everything that looks after the bot: sandbox, setup, ingest, doctor, manifest, migrate, corrections."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.asking import Verbose
from bot.cli.console import Exit, console, plain, progress_bar, say, write_object
from bot.cli.faults import load_settings, tell
from bot.cli.nudging import nudges
from bot.core.errors import CoachError

if TYPE_CHECKING:
    from bot.doctor import CheckLine
    from bot.settings import Settings

Port = Annotated[
    int | None, typer.Option(min=0, max=65535, show_default=False, help="Port of the sandbox page; 0 takes a free one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

corrections = typer.Typer(no_args_is_help=True, help="What people corrected, where they agreed to share it.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    bot: tuple[Callable[..., None], ...] = (run, sandbox)
    upkeep: tuple[Callable[..., None], ...] = (setup, ingest, doctor, manifest, migrate, gaps)
    for panel, commands in (("Bot", bot), ("Upkeep", upkeep)):
        for command in commands:
            app.command(rich_help_panel=panel)(command)
    app.add_typer(corrections, name="corrections", rich_help_panel="Upkeep")
    app.add_typer(nudges, name="nudges", rich_help_panel="Upkeep")


def run(*, port: Port = None, verbose: Verbose = False) -> None:
    """Start the bot: in Slack where its tokens are set, else in the sandbox."""
    _ = verbose
    settings = load_settings(sandbox_port=port)
    if settings.has_slack:
        from bot.app import serve_slack

        _log_as(settings)
        serve_slack(settings, _announce)
        return
    if settings.slack_mode == "http" or settings.slack_bot_token or settings.slack_app_token:
        missing = " and ".join(settings.missing_for_slack)
        verb = "are" if " and " in missing else "is"
        say(f"{missing} {verb} not set, and Slack needs it. Set it in .env; or try `isp-coach sandbox`.")
        raise typer.Exit(Exit.USAGE)
    _sandbox(settings)


def sandbox(*, port: Port = None, verbose: Verbose = False) -> None:
    """Start the bot in the sandbox: a page on this machine that behaves like Slack."""
    _ = verbose
    _sandbox(load_settings(sandbox_port=port))


def _sandbox(settings: Settings) -> None:
    from bot.app import serve_sandbox

    _log_as(settings)
    serve_sandbox(settings, _announce)


def _log_as(settings: Settings) -> None:
    from bot.cli.logs import to_standard_error

    to_standard_error(settings.log_level, as_json=settings.log_json)


def _announce(text: str) -> None:
    print(plain(text), flush=True)


def setup(
    *,
    model: Annotated[bool, typer.Option("--model/--no-model", help="Fetch the model, or only build the index.")] = True,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build the index anew, whatever is stored.")] = False,
    verbose: Verbose = False,
) -> None:
    """Fetch the MiniLM model (about 80 MB, once) for sharper search, and build the index."""
    _ = verbose
    from bot.adapters.embeddings import has_minilm
    from bot.adapters.minilm_download import fetch_minilm
    from bot.cli.asking import coach_from_settings

    settings = load_settings()
    status = Exit.OK
    if model and not has_minilm(settings.minilm_dir):
        say("Fetching the MiniLM model …")
        try:
            fetch_minilm(settings.minilm_dir)
        except CoachError as error:
            status = tell(error)
    if has_minilm(settings.minilm_dir):
        print(f"The MiniLM model is in {settings.minilm_dir}.")
    if rebuild:
        from bot.app import rebuild_index

        with progress_bar() as advance:
            rebuild_index(settings, advance)
    coach_from_settings()
    print("The index is ready.")
    raise typer.Exit(status)


def ingest(
    source: Annotated[str, typer.Argument(metavar="FILE-or-URL", help="txt, md, html, pdf or docx.")],
    *,
    team: Annotated[
        str, typer.Option(metavar="T|all", help="The workspace that may read it (its T… id), or all.")
    ] = "all",
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Add the original white paper, or a document of your own. The same file again changes nothing."""
    _ = verbose
    from dataclasses import asdict

    from bot.app import ingest as ingest_document
    from bot.cli.logs import to_standard_error

    to_standard_error()
    settings = load_settings()
    with progress_bar() as advance:
        report = ingest_document(settings, source, "*" if team == "all" else team, advance)
    if as_json:
        write_object(asdict(report))
        return
    words = {"added": "Added.", "replaced": "Replaced the earlier version.", "unchanged": "Nothing changed."}
    print(
        f"{words[report.status]} {_count(report.paragraphs, 'paragraph')}, {report.placed} placed, "
        f"{report.unplaced} unplaced; {_count(report.passages, 'passage')}."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else f'{noun}s'}"


def doctor(
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail also for what is only worth knowing: for a check before each start.")
    ] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Check settings, tokens, database, index and the rest: each is ok, or says what to do."""
    _ = verbose
    from bot.cli.logs import to_standard_error
    from bot.doctor import checks

    to_standard_error()
    settings = load_settings()
    lines: list[CheckLine] = []
    for line in checks(settings):
        lines.append(line)
        if not as_json:
            _show_check(line)
    if as_json:
        write_object({"ok": all(_fine(line, strict) for line in lines), "checks": [line.as_json() for line in lines]})
    if not all(_fine(line, strict) for line in lines):
        raise typer.Exit(Exit.FAILED)


def _fine(line: CheckLine, strict: bool) -> bool:
    return line.ok is True or (line.ok is None and not strict)


def _show_check(line: CheckLine) -> None:
    from rich.text import Text

    mark, style = {True: ("ok  ", "green"), False: ("FIX ", "bold red"), None: ("-   ", "dim")}[line.ok]
    text = Text(mark, style=style).append(f"{line.name}: ", style="not dim bold").append(plain(line.detail), "not bold")
    console().print(text, soft_wrap=True)
    if line.remedy:
        console().print(Text(f"    → {plain(line.remedy)}"), soft_wrap=True)


def manifest(
    *,
    agent: Annotated[
        bool, typer.Option("--agent", help="For Slack's agent view: paid plans only, can't be undone, no guests.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Print the app manifest to paste into Slack's app settings."""
    _ = verbose
    from bot.slack.manifest import manifest as app_manifest

    write_object(app_manifest(load_settings(), agent=agent), indent=2)


def migrate(*, verbose: Verbose = False) -> None:
    """Bring the database to this version's form and stored text under the newest key; a start does the first, too."""
    _ = verbose
    from bot.adapters.data_folder import DataFolder
    from bot.cli.logs import to_standard_error

    to_standard_error()
    settings = load_settings()
    with DataFolder(settings.data_dir).serve_lock("migrating the database"):
        from bot.adapters.storage.repositories import SqlRepositories

        repositories = SqlRepositories.open(settings, upgrade=True)
        try:
            sealed = repositories.reseal()
        finally:
            repositories.close()
    print(f"The database is now in this version's form; {sealed} rows were brought under the newest key.")


def gaps(
    *,
    team: Annotated[str | None, typer.Option(metavar="T", help="Only this workspace's.", show_default=False)] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back.")] = 30,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """What the sources leave open: refused and disliked questions by unit, with the words of those who share them."""
    _ = verbose
    from datetime import UTC, datetime, timedelta

    from bot.adapters.storage.repositories import SqlRepositories
    from bot.cli.logs import to_standard_error
    from bot.core.gaps import gaps as found_in

    to_standard_error()
    repositories = SqlRepositories.open(load_settings())
    try:
        since = datetime.now(UTC) - timedelta(days=days)
        found = [gap.as_json() for gap in found_in(repositories.exchanges.asked(since=since, team_id=team))]
    finally:
        repositories.close()
    if as_json:
        write_object({"days": days, "gaps": found})
        return
    for gap in found:
        kinds = ", ".join(f"{gap[kind]} {words}" for kind, words in _GAPS.items() if kind in gap)
        print(f"{gap['unit']}: {_count(gap['total'], 'question')} of {gap['people']} people ({kinds})")
        for question in gap["shared"]:
            print(f"    “{plain(question)}”")
    if not found:
        print(f"No question was refused or disliked in the last {_count(days, 'day')}.")


_GAPS = {
    "not_in_sources": "not in the sources",
    "out_of_scope": "of another field",
    "unverified": "not verified",
    "disliked": "not helpful",
}


@corrections.command()
def export(
    *,
    team: Annotated[str | None, typer.Option(metavar="T", help="Only this workspace's.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines instead of an exemplar file.")] = False,
    verbose: Verbose = False,
) -> None:
    """Print shared corrections as drafts for knowledge/exemplars/messages; read each before you keep it."""
    _ = verbose
    from bot.adapters.storage.repositories import SqlRepositories
    from bot.cli.drafts import as_drafts, as_yaml
    from bot.cli.logs import to_standard_error

    to_standard_error()
    repositories = SqlRepositories.open(load_settings())
    try:
        drafts = as_drafts(repositories.exchanges.corrections(team_id=team))
    finally:
        repositories.close()
    if as_json:
        for draft in drafts:
            write_object(draft)
    else:
        print(as_yaml(drafts), end="")
    say(f"{_count(len(drafts), 'correction')} shared by their authors.")
