"""Key points: what an answer to an evaluation question must say, and whether independent readers found it said.

A verdict is kept by the hash of question, answer and point, so it holds for exactly the answer that was read: a changed
answer is unread again, and the share that is still covered says how much a figure is worth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

if TYPE_CHECKING:
    from bot.core.evaluation import RetrievalResult


class Stating(BaseModel):
    """Which passages state the key points of a question, as somebody marked once: it outlasts a changed answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str | int
    points: tuple[tuple[tuple[str, ...], ...], ...]  # of each point the ways to state it: ids that do so together


class Verdict(BaseModel):
    """What one reader says of one key point."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    stated: bool
    reader: str = "reader"


def key_of(line_id: str | int, answer: str, point: str) -> str:
    """Sixteen hex digits that change with the question's id, the answer's text and the point."""
    return hashlib.sha256(f"{line_id}\0{answer}\0{point}".encode()).hexdigest()[:16]


def settled(verdicts: Iterable[Verdict]) -> dict[str, bool]:
    """One verdict a key: what most readers say, each reader's latest word counting; a tie is not stated."""
    said: dict[str, dict[str, bool]] = {}
    for v in verdicts:
        said.setdefault(v.key, {})[v.reader] = v.stated
    return {key: sum(by.values()) * 2 > len(by) for key, by in said.items()}


def points_of(result: RetrievalResult) -> list[tuple[str, str]]:
    """(key, point) of an answerable question's key points."""
    line = result.line
    return [(key_of(line.id, result.answer, p), p) for p in line.key_points] if line.answerable else []


def judged(results: Sequence[RetrievalResult], verdicts: Mapping[str, bool]) -> tuple[list[bool], int]:
    """Whether each judged point is stated, and how many points there are. A refusal states nothing, unread."""
    found: list[bool] = []
    count = 0
    for result in results:
        for key, _ in points_of(result):
            count += 1
            if result.outcome != "answered":
                found.append(False)
            elif key in verdicts:
                found.append(verdicts[key])
    return found, count


def shown(results: Sequence[RetrievalResult], stating: Mapping[str | int, Stating]) -> list[bool]:
    """Whether an answer shows passages that state a key point, of every point marked; a refusal shows none."""
    return [
        any(set(way) <= set(result.sources) for way in ways)
        for result in results
        if result.line.id in stating
        for ways in stating[result.line.id].points
    ]


def to_judge(results: Sequence[RetrievalResult], verdicts: Mapping[str, bool]) -> list[dict[str, Any]]:
    """What readers have still to read, one object a question: the conversation, the answer, and its open points."""
    out = []
    for result in results:
        points = [{"key": key, "point": point} for key, point in points_of(result) if key not in verdicts]
        if points and result.outcome == "answered":
            line = result.line
            history = [turn.model_dump() for turn in line.history]
            out.append(
                {
                    "id": line.id,
                    "question": line.question,
                    "history": history,
                    "answer": result.answer,
                    "points": points,
                }
            )
    return out
