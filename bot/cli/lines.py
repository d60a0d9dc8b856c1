"""One JSON object a line in, one a line out, in order: what `--jsonl` does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from bot.cli.console import Advance, plain, whole, write_object

Work = Callable[[dict[str, Any]], dict[str, Any]]


class UnreadableLine(ValueError):
    """What is wrong with a line, in words for people."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was read: an object, or the reason why there is none."""

    number: int  # counted from 1
    id: str | int | float | None
    value: dict[str, Any]  # empty where `error` is set
    error: str | None = None


def _no_constant(name: str) -> NoReturn:
    raise UnreadableLine(f"{name} is not JSON.")


def _clean(value: Any) -> Any:
    """The same value with whole texts all the way down."""
    match value:
        case str():
            return whole(value)
        case list():
            return [_clean(entry) for entry in value]
        case dict():
            return {whole(key): _clean(entry) for key, entry in value.items()}
        case _:
            return value


def _object_of(raw: bytes) -> dict[str, Any]:
    try:
        value = _clean(json.loads(raw.decode(), parse_constant=_no_constant))
    except UnicodeDecodeError:
        raise UnreadableLine("The line is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise UnreadableLine(f"Not JSON at character {error.pos + 1}: {error.msg}.") from None
    except RecursionError:
        raise UnreadableLine("The line is nested too deeply.") from None
    except UnreadableLine:
        raise
    except ValueError:  # an integer of thousands of digits
        raise UnreadableLine("The line holds a number that is too long.") from None
    if not isinstance(value, dict):
        raise UnreadableLine(f"The line holds {_kind(value)}, not an object.")
    return value


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), "an object")


def parse(raw: bytes, number: int) -> Line:
    """Read one line; what cannot be read comes back with its reason, and with its id where that can be seen."""
    try:
        value = _object_of(raw)
    except UnreadableLine as error:
        return Line(number, None, {}, str(error))
    identifier = value.get("id")
    if identifier is not None and (isinstance(identifier, bool) or not isinstance(identifier, str | int | float)):
        return Line(number, None, {}, f"id: should be a text or a number, not {_kind(identifier)}.")
    return Line(number, identifier, value)


def text_of(value: dict[str, Any], field: str) -> str:
    """A text that must be there. Raises UnreadableLine."""
    if field not in value:
        raise UnreadableLine(f"{field}: missing.")
    found = value[field]
    if not isinstance(found, str):
        raise UnreadableLine(f"{field}: should be a text, not {_kind(found)}.")
    return found


def read(stream: Iterable[bytes]) -> Iterator[Line]:
    """The lines of a stream as they come; blank ones are passed over, and a byte order mark."""
    for number, raw in enumerate(stream, start=1):
        bare = (raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw).strip()
        if bare:
            yield parse(bare, number)


@contextmanager
def opened(source: str) -> Iterator[tuple[BinaryIO, int]]:
    """A file, or standard input for `-`, with its number of lines (0 where unknown). Raises OSError."""
    if source == "-":
        yield sys.stdin.buffer, 0
        return
    path = Path(source)
    with path.open("rb") as counted:
        total = sum(1 for line in counted if line.strip())
    with path.open("rb") as stream:
        yield stream, total


def answer_lines(source: str, work: Work, advance: Advance, what: str, *, failed: Callable[[Exception], str]) -> int:
    """Work every line of a source and write what comes of it; the number of lines that failed.

    `failed` gives the words for an error that `work` raised. Raises OSError where the source cannot be read.
    """
    failures = 0
    with opened(source) as (stream, total):
        for done, line in enumerate(read(stream), start=1):
            out = _worked(line, work, failed)
            failures += "error" in out
            write_object(out)
            advance(what, done, total)
    return failures


def _worked(line: Line, work: Work, failed: Callable[[Exception], str]) -> dict[str, Any]:
    if line.error is not None:
        return {"id": line.id, "error": line.error}
    try:
        out = {"id": line.id, **work(line.value)}
        json.dumps(out, allow_nan=False)
    except Exception as error:  # noqa: BLE001 - one line's fault must not end the run
        words = str(error) if isinstance(error, UnreadableLine) else failed(error)
        return {"id": line.id, "error": plain(words)}
    return out
