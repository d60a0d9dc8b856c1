"""Looking after what is kept: keys, backups, and documents that have to go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.asking import Verbose
from bot.cli.console import progress_bar, say
from bot.cli.faults import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel="Upkeep")(backup)
    app.command(rich_help_panel="Upkeep")(restore)
    app.command("rotate-key", rich_help_panel="Upkeep")(rotate_key)
    app.command(rich_help_panel="Upkeep")(forget)


def rotate_key(*, verbose: Verbose = False) -> None:
    """Bring everything that people wrote under the newest key of ISP_COACH_ENCRYPTION_KEY, beside a running bot.

    Put the new key first and the old one after it, with a comma between; restart the bot; run this; then the old key
    can be taken out. Where it was interrupted, run it again: what is done stays done.
    """
    _ = verbose
    from bot.adapters.storage.repositories import SqlRepositories
    from bot.cli.logs import to_standard_error
    from bot.core.errors import SettingsError

    to_standard_error()
    settings = load_settings()
    if settings.encryption_key is None:
        raise SettingsError("ISP_COACH_ENCRYPTION_KEY is not set, so there is no key to bring anything under.")
    repositories = SqlRepositories.open(settings)
    try:
        with progress_bar() as advance:
            changed = repositories.reseal(advance)
    finally:
        repositories.close()
    print(f"{changed} rows were brought under the newest key; all others were already.")
    say("Once every process runs with the new key, the old one can be taken out of ISP_COACH_ENCRYPTION_KEY.")


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE.tar", help="A new file; it is private to its owner.")],
    *,
    verbose: Verbose = False,
) -> None:
    """Copy the database and the documents into one file, while the bot goes on."""
    _ = verbose
    from bot.adapters.backup import write_backup
    from bot.adapters.clock import SystemClock
    from bot.cli.logs import to_standard_error

    to_standard_error()
    settings = load_settings()
    about = write_backup(settings, target.expanduser().absolute(), now=SystemClock().now())
    print(f"{target}: the database at revision {about['revision']} and {about['documents']} documents.")
    if settings.encryption_key is not None:
        say("The key is not in it. Keep ISP_COACH_ENCRYPTION_KEY elsewhere: without it the backup can't be read.")


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE.tar", help="A file that `backup` wrote.")],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Put what is there aside.")] = False,
    verbose: Verbose = False,
) -> None:
    """Put a backup in place; the bot must be stopped. What was open in it is looked for before it is sent."""
    _ = verbose
    from bot.adapters.backup import restore_backup
    from bot.adapters.clock import SystemClock
    from bot.adapters.data_folder import DataFolder
    from bot.cli.logs import to_standard_error

    to_standard_error()
    settings = load_settings()
    with DataFolder(settings.data_dir).serve_lock("restoring a backup"):
        about = restore_backup(settings, source.expanduser(), now=SystemClock().now(), replace=replace)
    print(f"Restored what was kept at {about['made_at']}, with {about['documents']} documents.")
    say("People who deleted their data since then are back in it: ask them to delete it again, or delete it for them.")


def forget(
    document: Annotated[str, typer.Argument(metavar="D-…|white-paper", help="A document, as `doctor` names it.")],
    *,
    verbose: Verbose = False,
) -> None:
    """Take an ingested document out: its text, its vectors and every older index that still holds them."""
    _ = verbose
    from bot.app import forget_document
    from bot.cli.logs import to_standard_error

    to_standard_error()
    with progress_bar() as advance:
        removed = forget_document(load_settings(), document, advance)
    print(f"Removed {removed} copies of {document}; the index is built anew, and the older ones are gone.")
