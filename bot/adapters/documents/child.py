"""Parses one PDF, Word document or web page in a process of its own: bytes on standard input, JSON on standard output.

Files from outside can be made to eat time or memory, or to crash a parser. Here that costs this process only.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import warnings

from bot.adapters.documents.parts import Parsed, Unreadable

MEMORY = 2_000_000_000  # bytes of address space


def _limit(seconds: int) -> None:
    """Let the system end this process where it takes too much, where the system can."""
    try:
        import resource  # noqa: PLC0415 - no such module on Windows
    except ImportError:
        return
    for kind, value in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, seconds)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def parse(kind: str, raw: bytes) -> Parsed:
    """Parse bytes of a kind that `sniff` told. Raises Unreadable."""
    # Each parser is heavy and only one is needed.
    if kind == "pdf":
        from bot.adapters.documents.pdf import parse_pdf  # noqa: PLC0415 - one parser a child, loaded there only

        return parse_pdf(raw)
    if kind == "docx":
        from bot.adapters.documents.word import parse_docx  # noqa: PLC0415 - one parser a child, loaded there only

        return parse_docx(raw)
    from bot.adapters.documents.web import parse_html  # noqa: PLC0415 - one parser a child, loaded there only

    return parse_html(raw.decode("utf-8"))


def main(kind: str, seconds: int) -> None:
    """Read, parse, answer. Any failure is an answer too, so that the parent never has to guess."""
    _limit(seconds)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        parsed = parse(kind, sys.stdin.buffer.read())
        answer = {"title": parsed.title, "blocks": parsed.blocks, "headings": parsed.headings}
    except Unreadable as error:
        answer = {"problem": str(error)}
    except MemoryError:
        answer = {"problem": "needs more memory to open than a document should."}
    except Exception as error:  # noqa: BLE001 - the boundary: a parser's surprise must not read like ours
        answer = {"problem": "can't be opened; it is likely damaged.", "cause": type(error).__name__}
    sys.stdout.write(json.dumps(answer))
