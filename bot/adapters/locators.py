"""Writes the committed list of the paper's locators anew, from the original, by whoever holds it.

Run `python -m bot.adapters.locators WHITE-PAPER.txt` at the top of a checkout; the paper itself is never stored.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bot.core.errors import CoachError, DocumentError
from bot.core.paper import TITLE, PaperParagraph, paragraphs_of, recognise, words_of

_HEAD = """\
# The paragraphs of the white paper, in reading order: locator, hash of its words (typography folded), their number.
# Written by `python -m bot.adapters.locators FILE` from the original, which never ships with the project.
"""


def locator_list(paragraphs: Sequence[PaperParagraph]) -> str:
    """The text of locators.yaml for a paper's paragraphs, in reading order."""
    lines = [f"  {p.locator}: {{digest: '{p.digest}', words: {len(words_of(p.text))}}}" for p in paragraphs]
    return "\n".join([f'{_HEAD}title: "{TITLE}"', "paragraphs:", *lines, ""])


def write_locators(paper: Path, root: Path) -> int:
    """Write the list for a plain text of the paper; how many paragraphs. Raises DocumentError where it is another."""
    found = recognise(paragraphs_of(paper.read_text(encoding="utf-8")))
    if not found.is_white_paper or found.unplaced:
        raise DocumentError(f"{paper.name} is not the white paper as plain text.")
    target = root / "knowledge" / "white_paper" / "locators.yaml"
    target.write_text(locator_list(found.paragraphs), encoding="utf-8")
    return len(found.paragraphs)


def main(arguments: Sequence[str]) -> int:
    """Write the list into the checkout that this file stands in."""
    if len(arguments) != 1:
        sys.stderr.write("Usage: python -m bot.adapters.locators WHITE-PAPER.txt\n")
        return 2
    try:
        count = write_locators(Path(arguments[0]), Path(__file__).resolve().parents[2])
    except (CoachError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{count} paragraphs\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
