"""What people are told when something fails, and where the details go."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bot.core.errors as known
from bot.cli.console import Exit, plain, say

if TYPE_CHECKING:
    from pydantic import ValidationError

    from bot.settings import Settings

_LOG_BYTES = 1_000_000
_state: dict[str, Any] = {"verbose": False, "data_dir": None}


def be_verbose(value: bool) -> bool:
    """Show tracebacks from now on, where the option was given."""
    if value:
        _state["verbose"] = True
    return value


def is_verbose() -> bool:
    """True where `--verbose` was given."""
    return bool(_state["verbose"])


def load_settings(**overrides: Any) -> Settings:
    """The settings with what the command line sets on top. Raises SettingsError naming what is wrong."""
    from pydantic import ValidationError

    from bot.settings import Settings

    try:
        settings = Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise known.SettingsError(_setting_words(error)) from None
    except UnicodeDecodeError:
        raise known.SettingsError("The file .env in this folder is not UTF-8 text.") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise known.SettingsError("The settings or the file .env in this folder could not be read.") from error
    _state["data_dir"] = settings.data_dir
    return settings


def _setting_words(error: ValidationError) -> str:
    # A value may be a secret, so only the names and what is expected of them are told.
    lines = []
    for entry in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(entry["loc"][0]) if entry["loc"] else ""
        shown = name if name.isupper() else f"ISP_COACH_{name}".upper()
        lines.append(f"{shown}: {entry['msg']}.")
    return "\n".join(lines)


def words_for(error: BaseException) -> str:
    """A calm sentence for people; never an exception's own text, save for errors whose text is written for people."""
    if isinstance(error, known.CoachError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f"There is no file {error.filename}."
    if isinstance(error, IsADirectoryError):
        return f"{error.filename} is a folder; a file is needed."
    if isinstance(error, PermissionError):
        return f"This may not be read or written here: {error.filename}."
    where = _note(error)
    return f"Something went wrong on our side.{f' Details are in {where}.' if where else ''} Add --verbose to see them."


def status_for(error: BaseException) -> Exit:
    """The exit status that an error ends the command with."""
    if isinstance(error, known.DataFolderInUse):
        return Exit.IN_USE
    if isinstance(error, known.SettingsError | FileNotFoundError | IsADirectoryError | PermissionError):
        return Exit.USAGE
    return Exit.FAILED if isinstance(error, known.CoachError) else Exit.UNEXPECTED


def tell(error: BaseException) -> Exit:
    """Say what failed, with the traceback where it is wanted; the exit status."""
    say(words_for(error))
    if is_verbose():
        traceback.print_exception(error, file=sys.stderr)
    return status_for(error)


def line_words(error: BaseException) -> str:
    """What stands in the `error` of a line that failed."""
    if is_verbose():
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, known.CoachError):
        return str(error)
    _note(error)
    return "Something went wrong with this line."


def _note(error: BaseException) -> Path | None:
    """Append where an error arose to the log: types and places only, since messages may hold what people wrote."""
    folder: Path | None = _state["data_dir"]
    if folder is None:
        return None
    path = folder / "logs" / "errors.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".old.log"))
        with path.open("a", encoding="utf-8") as log:
            log.write("\n".join([f"{datetime.now(UTC).isoformat(timespec='seconds')} cli.failed", *places(error), ""]))
    except OSError:
        return None
    return path


def places(error: BaseException) -> list[str]:
    """The types in an error's chain and where each arose, without the messages."""
    lines: list[str] = []
    current: BaseException | None = error
    while current is not None:
        lines.append(f"  {type(current).__module__}.{type(current).__qualname__}")
        frames = traceback.extract_tb(current.__traceback__)[-30:]
        lines += [f"    {plain(f.filename)}:{f.lineno} {f.name}" for f in frames]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return lines
