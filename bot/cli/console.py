"""Where words go: results to standard output, everything else to standard error; and what an exit status means."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console


class Exit(IntEnum):
    """What an exit status says to a script."""

    OK = 0
    FAILED = 1  # some lines, checks or the thing asked for did not work; standard error says which
    USAGE = 2  # an argument, a file or a setting is wrong
    RESPONSES_MISSING = 3  # kept for `--export-requests`: a model's responses are still to come
    IN_USE = 4  # another process serves or writes this data folder
    UNEXPECTED = 70  # a fault of ours; the log in the data folder has the details
    INTERRUPTED = 130
    READER_GONE = 141  # whoever read our output closed it, as with `| head`


class Advance(Protocol):
    """Reports progress: what is being done, how much of it is done, and how much there is (0 where unknown)."""

    def __call__(self, what: str, done: int, total: int) -> None: ...  # noqa: D102 - the class says it


# Everything that could move the cursor, colour the screen or reorder a line; tabs and line ends stay.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


def whole(text: str) -> str:
    """The text with lone surrogates, which no UTF-8 can carry, as U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def plain(text: str) -> str:
    """The text as a terminal may show it: without control characters and lone surrogates."""
    return _CONTROLS.sub("", whole(text.replace("\r\n", "\n").replace("\r", "\n")))


def reader_gone() -> SystemExit:
    """The exit for a closed output; standard output leads nowhere from now on, so that Python's last flush is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return SystemExit(Exit.READER_GONE)


def console(*, error: bool = False) -> Console:
    """A rich console on standard output, or on standard error."""
    from rich.console import Console

    class Calm(Console):
        def on_broken_pipe(self) -> None:
            raise reader_gone()

    return Calm(stderr=error, highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """One line for people, on standard error."""
    print(plain(text), file=sys.stderr, flush=True)


def write_object(value: dict[str, Any], *, indent: int | None = None) -> None:
    """One JSON object on standard output. Raises ValueError for NaN, SystemExit where nobody reads any more."""
    import json

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise reader_gone() from None


@contextmanager
def progress_bar() -> Iterator[Advance]:
    """A progress bar on standard error where that is a terminal, else silence."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None  # noqa: ARG005 - the shape of Advance
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(error=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(plain(what), total=total or None)
            bar.update(tasks[what], completed=done, total=total or None)

        yield advance
