"""What goes to a language model and what comes back: requests with a name of their own, and drafts line by line.

A model writes one JSON object a line, so that each sentence can be read, checked and shown while the next is written:

    {"say": "A sentence.", "from": ["C4/definition"]}      what it says, and the passages on which that rests
    {"point": "An entry of a list.", "from": ["C4/x"]}     the same, as a list entry
    {"end": "answered", "ask": "What would they say?"}     how it ends, with one question that moves the person on

`end` is "answered", or why there is no answer: "not_in_sources", "out_of_scope" or "declined".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MAX_LINE = 1200  # characters of one line; a longer one isn't a sentence
MAX_SENTENCES = 14  # of one draft; a coach who goes on is not heard
MAX_CHARS = 24_000  # of one draft, whatever it is made of
_MAX_PASSAGES = 4  # that one sentence may rest on
_SHOWN_ID = 80  # characters of a passage's id

Purpose = Literal["answer", "triage", "verify"]
End = Literal["answered", "not_in_sources", "out_of_scope", "declined"]
_ENDS = frozenset({"answered", "not_in_sources", "out_of_scope", "declined"})


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model, complete and the same each time for the same question and content."""

    purpose: Purpose
    prompt: str  # which prompt speaks: "answer@1"
    system: str
    user: str
    max_tokens: int

    def as_json(self) -> dict[str, Any]:
        """The request as plain JSON, without the model's name: any model can be given it."""
        return {
            "purpose": self.purpose,
            "prompt": self.prompt,
            "max_tokens": self.max_tokens,
            "messages": [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}],
        }

    def as_text(self) -> str:
        """The request as a file's text: the same bytes for the same request."""
        return json.dumps(self.as_json(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @property
    def hash(self) -> str:
        """The request's name: 64 hex digits."""
        return hashlib.sha256(self.as_text().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; `estimated` where the provider didn't say."""

    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        """Both ways."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a draft, as the model wrote it."""

    text: str
    passages: tuple[str, ...]  # ids; empty where it rests on nothing
    point: bool = False  # a list entry


@dataclass(frozen=True, slots=True)
class Ending:
    """How a draft ends."""

    end: End
    question: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is not of the form."""

    reason: str


DraftLine = Sentence | Ending | Unreadable


@dataclass(slots=True)
class DraftParser:
    """Reads a draft as it comes, in pieces of any size; `done` once nothing more is read."""

    done: bool = False
    _rest: str = ""
    _chars: int = 0
    _sentences: int = field(default=0)

    def feed(self, piece: str) -> Iterator[DraftLine]:
        """The lines that this piece completes."""
        if self.done:
            return
        self._chars += len(piece)
        self._rest += piece
        while not self.done and "\n" in self._rest:
            line, _, self._rest = self._rest.partition("\n")
            yield from self._line(line)
        if not self.done and self._is_whole(self._rest):
            line, self._rest = self._rest, ""
            yield from self._line(line)
        if len(self._rest) > MAX_LINE or self._chars > MAX_CHARS:
            self.done = True
            yield Unreadable("too long")

    def close(self) -> Iterator[DraftLine]:
        """The last line, where the draft didn't end in a line break."""
        if not self.done and self._rest.strip():
            yield from self._line(self._rest)
        self.done = True

    @staticmethod
    def _is_whole(text: str) -> bool:
        """Whether a line is complete though no line break came: then it need not wait for the next one."""
        bare = text.strip()
        if not (bare.startswith("{") and bare.endswith("}")):
            return False
        try:
            json.loads(bare)
        except ValueError:
            return False
        return True

    def _line(self, line: str) -> Iterator[DraftLine]:
        bare = line.strip().rstrip(",")
        if not bare or bare in {"[", "]"} or bare.startswith("```"):
            return  # what some models put around JSON
        found = read_line(bare)
        if isinstance(found, Sentence):
            self._sentences += 1
            if self._sentences > MAX_SENTENCES:
                self.done = True
                yield Unreadable("too many sentences")
                return
        self.done = isinstance(found, Ending)
        yield found


def read_line(line: str) -> DraftLine:
    """One line of a draft, typed. Whatever isn't of the form is Unreadable; nothing raises."""
    if len(line) > MAX_LINE:
        return Unreadable("too long")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable("not JSON")
    if not isinstance(value, dict):
        return Unreadable("not an object")
    return _ending(value) if "end" in value else _sentence(value)


def _sentence(value: Mapping[str, Any]) -> Sentence | Unreadable:
    kinds = [key for key in ("say", "point") if key in value]
    if len(kinds) != 1:
        return Unreadable("neither a sentence nor an end")
    text, passages = value[kinds[0]], value.get("from", [])
    if isinstance(passages, str):
        passages = [passages]
    if not isinstance(text, str) or not text.strip() or not isinstance(passages, list):
        return Unreadable("wrong types")
    if len(passages) > _MAX_PASSAGES or not all(isinstance(p, str) and len(p) <= _SHOWN_ID for p in passages):
        return Unreadable("wrong passages")
    return Sentence(" ".join(text.split()), tuple(dict.fromkeys(p.strip() for p in passages)), kinds[0] == "point")


def _ending(value: Mapping[str, Any]) -> Ending | Unreadable:
    end, question = value["end"], value.get("ask", "")
    if not isinstance(end, str) or end not in _ENDS or not isinstance(question, str | None):
        return Unreadable("wrong end")
    kind: End = end  # type: ignore[assignment] # the set above holds the literal's values
    return Ending(kind, " ".join((question or "").split()))


# --- triage -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TriageDraft:
    """A model's view of a message."""

    competency: str  # one of the ten, or "none"
    second: str | None  # the runner-up, where there is one
    sure: bool
    why: tuple[str, ...]  # words that it took from the message


def read_triage(text: str, allowed: frozenset[str]) -> TriageDraft | None:
    """A model's triage from the first JSON object in its text; None where it isn't of the form."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start or end - start > MAX_LINE * 2:
        return None
    try:
        value = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    first, second, why = value.get("competency"), value.get("second"), value.get("why", [])
    if first not in allowed or not isinstance(value.get("sure", False), bool) or not isinstance(why, list):
        return None
    runner_up = second if second in allowed and second not in {first, "none"} else None
    words = tuple(w for w in why if isinstance(w, str))[:6]
    return TriageDraft(str(first), runner_up, bool(value.get("sure", False)), words)


# --- second opinions --------------------------------------------------------------------------------------------------


def read_verdicts(text: str, count: int) -> dict[int, bool]:
    """A model's verdicts on claims 1 to `count`, from the JSON object in its text; only a plain yes or no is one."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start or end - start > MAX_LINE:
        return {}
    try:
        value = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return {}
    verdicts = {"yes": True, "no": False}
    given = value if isinstance(value, dict) else {}
    found = {n: given.get(str(n)) for n in range(1, count + 1)}
    return {n: verdicts[said] for n, said in found.items() if isinstance(said, str) and said in verdicts}
