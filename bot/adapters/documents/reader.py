"""Reads a document from a file or an address: plain text, Markdown, HTML, PDF and Word (docx)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import structlog

from bot.adapters.documents.parts import Parsed, Unreadable, clean_title
from bot.adapters.documents.sniff import Kind, check_name, sniff
from bot.core.errors import DocumentError
from bot.ports import ReadDocument

log = structlog.get_logger()

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_SIGN_IN = re.compile(r"^(\s*[a-z][a-z0-9+.-]+://)[^/?#]*@", re.IGNORECASE)
_PACKAGE_PARENT = str(Path(__file__).resolve().parents[3])
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from bot.adapters.documents.child import main; main({!r}, {})"


@dataclass(frozen=True, slots=True)
class SourceReader:
    """Reads one source at a time; `read` raises DocumentError in words for people, naming the source."""

    seconds: float = 30.0  # for fetching, and again for parsing
    max_bytes: int = 50_000_000
    allowed: frozenset[str] = field(default=frozenset())  # "host:port" that may be private: for tests only

    def read(self, source: str) -> ReadDocument:
        """The text of a file or of an http(s) address, in blocks."""
        name = _shown(source)
        try:
            name, raw = self._address(source.strip()) if _SCHEME.match(source.strip()) else self._file(source)
            kind, text = sniff(raw)
            check_name(name, kind)
            parsed = self._parse(kind, raw, text)
        except Unreadable as problem:
            raise DocumentError(f"{name} {problem}") from problem
        if not parsed.blocks:
            raise DocumentError(f"{name} holds no text.")
        return ReadDocument(
            name=name,
            title=clean_title(parsed.title) or name,
            blocks=tuple(parsed.blocks),
            headings=frozenset(parsed.headings),
            digest=hashlib.sha256(raw).hexdigest(),
        )

    def _file(self, source: str) -> tuple[str, bytes]:
        """A regular file's name and bytes."""
        try:
            path = Path(source).expanduser()
            if path.is_symlink() and path.resolve().parent != path.parent.resolve():
                raise Unreadable("is a link to a place elsewhere. Name the document itself.")
            # Not blocking: opening a pipe that nobody writes to would wait for ever.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except FileNotFoundError as error:
            raise Unreadable("isn't there; check the name and the folder.") from error
        except (OSError, ValueError, RuntimeError) as error:
            reason = "not allowed" if isinstance(error, PermissionError) else "no file that can be read"
            raise Unreadable(f"can't be opened: {reason}.") from error
        try:
            raw = self._regular(descriptor)
        finally:
            os.close(descriptor)
        return _shown(path.name), raw

    def _regular(self, descriptor: int) -> bytes:
        """The bytes behind a descriptor, where it is a regular file of a size that we take."""
        state = os.fstat(descriptor)
        if stat.S_ISDIR(state.st_mode):
            raise Unreadable("is a folder. Ingest its documents one by one.")
        if not stat.S_ISREG(state.st_mode):
            raise Unreadable("is no file but a device or a pipe.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            raw = file.read(self.max_bytes + 1) if state.st_size <= self.max_bytes else b""
        if state.st_size > self.max_bytes or len(raw) > self.max_bytes:
            raise Unreadable(f"is larger than {self.max_bytes // 1_000_000} MB.")
        return raw

    def _address(self, url: str) -> tuple[str, bytes]:
        if not url.lower().startswith(("http://", "https://")):
            raise Unreadable("is neither a file nor an http or https address.")
        from bot.adapters.documents.fetch import Fetcher  # noqa: PLC0415 - httpx is needed for addresses only

        fetched = Fetcher(self.seconds, self.max_bytes, self.allowed).fetch(url)
        return _shown(unquote(url.partition("#")[0].partition("?")[0])), fetched.body

    def _parse(self, kind: Kind, raw: bytes, text: str) -> Parsed:
        if kind == "text":
            from bot.adapters.documents.plain import parse_text  # noqa: PLC0415 - beside its siblings in the child

            return parse_text(text)
        return self._parse_apart(kind, text.encode("utf-8", "replace") if kind == "html" else raw)

    def _parse_apart(self, kind: Kind, body: bytes) -> Parsed:
        """Parse in a child process, which may take its time and memory but no more."""
        command = [sys.executable, "-c", _CHILD.format(kind, int(self.seconds) + 1), _PACKAGE_PARENT]
        try:
            done = subprocess.run(command, input=body, capture_output=True, timeout=self.seconds, check=False)  # noqa: S603 - our own program and words
            answer = json.loads(done.stdout)
        except subprocess.TimeoutExpired as error:
            raise Unreadable(f"takes longer than {self.seconds:g} seconds to open, so it is left closed.") from error
        except ValueError as error:
            log.warning("ingest.parser_died", kind=kind, status=done.returncode)
            raise Unreadable("needs more time or memory to open than a document should.") from error
        if "problem" in answer:
            log.info("ingest.unreadable", kind=kind, cause=answer.get("cause"))
            raise Unreadable(str(answer["problem"]))
        return Parsed(title=answer["title"], blocks=answer["blocks"], headings=answer["headings"])


def _shown(source: str) -> str:
    """A source's name as it is shown: one line, not endless, no sign-in."""
    return clean_title(_SIGN_IN.sub(r"\1", source)) or "The source"
