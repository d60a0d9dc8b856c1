"""What the readers of all formats share: blocks, the error they raise, and cleaning of text from outside."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

MAX_CHARACTERS = 5_000_000  # of one document; a long book has a fifth of it
MAX_BLOCKS = 60_000
_MAX_TITLE = 120

# Controls, direction overrides and invisible "tag" letters: they carry no meaning that a reader sees, and can hide
# text from an operator who looks over a document. Soft hyphens and zero-width spaces only break words apart.
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


class Unreadable(Exception):
    """Why a document can't be read, as the words that follow its name: "is empty", "is protected by a password"."""


@dataclass(slots=True)
class Parsed:
    """A document's text as a parser gives it."""

    title: str = ""
    blocks: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)  # positions of the headings in `blocks`
    _size: int = 0

    def add(self, text: str, *, heading: bool = False) -> None:
        """Append one block; nothing for a blank one. Raises Unreadable where a document holds too much text."""
        cleaned = clean(text)
        if not cleaned:
            return
        self._size += len(cleaned)
        if self._size > MAX_CHARACTERS or len(self.blocks) >= MAX_BLOCKS:
            raise Unreadable("holds far more text than a coach can use. Ingest the part that matters.")
        if heading:
            self.headings.append(len(self.blocks))
        self.blocks.append(cleaned)


def clean(text: str) -> str:
    """Text on one line, composed, without invisible characters."""
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


def clean_title(text: str) -> str:
    """A title that is safe to show: one line, at most 120 characters."""
    title = clean(text)
    return title if len(title) <= _MAX_TITLE else title[: _MAX_TITLE - 1].rstrip() + "…"
