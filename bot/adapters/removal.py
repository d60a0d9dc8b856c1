"""Removing a folder that somebody may still write in."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import structlog

from bot.core.errors import IndexNotReady

log = structlog.get_logger()

LEAVING = ".leaving-"  # what the name of a folder begins with that is being removed; one found later was interrupted


def remove_folder(folder: Path) -> None:
    """Remove a folder and all in it, also what a writer makes there meanwhile; nothing where it isn't there.

    What a writer (another thread's open Chroma, another process) makes there after the folder was listed would stay. So
    the folder first leaves its place, where no path of the writer's leads to it any more. Raises IndexNotReady where it
    can't be removed.
    """
    away = folder if folder.name.startswith(LEAVING) else folder.with_name(f"{LEAVING}{uuid.uuid4().hex[:8]}")
    try:
        folder.rename(away)
    except FileNotFoundError:
        return
    except OSError:  # Windows keeps the name of what is open
        away = folder
    shutil.rmtree(away, ignore_errors=True)  # another process may be at it, too: what is gone is gone
    if away.exists():
        raise IndexNotReady("A folder of an old index can't be removed. Does another process use it?")


def remove_quietly(folder: Path) -> None:
    """The same, where what stays is only in the way: it is logged, and the next start looks again."""
    try:
        remove_folder(folder)
    except IndexNotReady as error:
        log.warning("folder.left", error=type(error).__name__)
