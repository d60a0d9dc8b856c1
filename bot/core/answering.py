"""Composing an answer in passages mode: the direct answer first, short, every statement with its numbered source.

Pure: retrieval has been done; `Library` gives passages and says how well texts fit the question.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Protocol

from bot.core.answer import Citation
from bot.core.framework import COMPETENCIES, FUNCTIONS, Knowledge, NextMove, Passage, Unit
from bot.core.questions import Reading
from bot.core.ranking import RankedUnit
from bot.core.text import content_words
from bot.core.wording import Wording

_POINTS = 9  # points shown at most to a situation or a how-do-I, those of a close second among them
_FACTS = 6  # activities shown to a question of fact
_ALL_POINTS = 8  # activities shown where all were asked for
_STATEMENTS = 6  # statements of the paper shown on a question about the paper
_BEFORE_OTHERS = 5  # of them, where other sections follow
_OTHERS = 2  # sections beside the best
_BESIDE = 2  # statements shown of such a section
_ELSEWHERE = 0.8  # what a section of another part of the paper counts beside one of the part that was meant
_CERTAIN = 10.0  # lifts the one section that is meant above all others
_AT_LEAST = 2  # points shown, however far behind the best
_SHARE = 0.6  # further points come this near to the best
_CLOSE = (0.15, 0.3, 0.45)  # a runner-up with so much of the winner's share gets a sentence, and 1, 2 or 3 points
_NEARLY = 0.6  # a second section this near to the best is shown with it


class Library(Protocol):
    """The passages that this asker may see."""

    def passage(self, passage_id: str) -> Passage | None:
        """One passage by its id."""

    def unit_passages(self, unit: str) -> Sequence[Passage]:
        """All passages of a unit, in order."""

    def relevance(self, texts: Sequence[str]) -> Sequence[float]:
        """How well each text fits the question."""

    def suits(self, passages: Sequence[Passage]) -> Sequence[float]:
        """How well each passage answers the question, by its text and the questions it is known to answer."""


@dataclass(slots=True)
class Draft:
    """An answer being written: lines with the passages that they rest on, numbered by first use."""

    lines: list[str] = field(default_factory=list)
    cited: dict[str, tuple[int, Passage, str]] = field(default_factory=dict)  # passage id -> number, passage, quote

    def say(self, text: str, *passages: Passage, bullet: str = "", quote: str | None = None) -> None:
        """One line; the passages on which it rests become markers at its end."""
        marks = "".join(f"[{self._number(p, quote or p.text)}]" for p in passages)
        self.lines.append(f"{bullet}{text} {marks}".rstrip())

    def _number(self, passage: Passage, quote: str) -> int:
        if passage.id not in self.cited:
            self.cited[passage.id] = (len(self.cited) + 1, passage, quote)
        return self.cited[passage.id][0]

    @property
    def markdown(self) -> str:
        """The lines as Markdown: list entries stand close together, other lines apart."""
        out = ""
        before = ""
        for line in self.lines:
            listed = line.startswith(("- ", "1. ")) or line[:2].rstrip(".").isdigit()
            out += ("" if not out else "\n" if listed and before else "\n\n") + line
            before = line if listed else ""
        return out


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes answers from the knowledge, the bot's wording and what the library brings."""

    knowledge: Knowledge
    wording: Wording
    library: Library
    question: str
    reading: Reading

    def write(self, ranked: Sequence[RankedUnit], form: str) -> Draft:
        """The answer in a form; a question about the paper itself, or of a document, has a form of its own.

        Forms: "definition", "levels", "list", "compare", "activities", "equity", "example", "fact", "situation".
        """
        top = ranked[0].unit
        draft = Draft()
        if form == "list":
            self._list(draft)
        elif form == "compare":
            self._compare(draft, self.reading.mentions[:3])
        elif top.startswith("D-"):
            self._part(draft, ranked, title=True)
        elif top not in self.knowledge.units:
            self._part(draft, ranked)
        else:
            self._unit(draft, self.knowledge.units[top], ranked, form)
        return draft

    # --- forms

    def _unit(self, draft: Draft, unit: Unit, ranked: Sequence[RankedUnit], form: str) -> None:
        if form == "levels":
            self._levels(draft, unit)
        elif form == "definition":
            self._definition(draft, unit)
        elif form == "activities":
            self._activities(draft, unit)
        elif form == "equity":
            self._equity(draft, unit)
        elif form == "example":
            self._example(draft, unit)
        elif form == "fact":
            self._fact(draft, unit, ranked)
        else:
            self._situation(draft, unit, ranked)

    def _definition(self, draft: Draft, unit: Unit) -> None:
        definition = self._of(unit, "definition")
        draft.say(self._text("definition.lead", unit, definition=definition.text), definition)
        plain = self._of(unit, "in-plain-words")
        draft.say(plain.text, plain)
        for p in self._best(self._activities_of(unit), 3):
            draft.say(p.text, p, bullet="- ")

    def _activities(self, draft: Draft, unit: Unit) -> None:
        definition = self._of(unit, "definition")
        draft.say(self._text("activities.lead", unit), definition)
        for p in self._best(self._activities_of(unit), _ALL_POINTS):
            draft.say(p.text, p, bullet="- ")

    def _levels(self, draft: Draft, unit: Unit) -> None:
        wanted = [self.reading.level] if self.reading.level else ["foundational", "advanced"]
        both = [self._of(unit, f"levels-{level}") for level in ("foundational", "advanced")]
        draft.say(self._text("levels.lead", unit), *(p for p in both if p.level in wanted))
        for level in ("advanced", "foundational") if self.reading.level == "advanced" else ("foundational", "advanced"):
            p = self._of(unit, f"levels-{level}")
            draft.say(self.wording(f"ask.levels.{level}", text=p.text), p, bullet="- ")
        for move in [m for m in unit.next_moves if m.level == (self.reading.level or "foundational")][:1]:
            rests_on = self._of(unit, move.activity)
            draft.say(self.wording("ask.situation.first_step", step=move.text), rests_on)

    def _compare(self, draft: Draft, codes: Sequence[str]) -> None:
        units = [self.knowledge.units[c] for c in codes]
        for unit, other in combinations(units, 2):
            versus = self._versus(unit, other)
            if versus:
                draft.say(self.wording("ask.compare.difference", difference=versus.text), versus)
        for unit in units:
            definition = self._of(unit, "definition")
            draft.say(self._text("compare.side", unit, definition=definition.text), definition, bullet="- ")
        if self.reading.level or "level" in self.question.lower():
            for unit in units:
                self._levels(draft, unit)

    def _list(self, draft: Draft) -> None:
        low = self.question.lower()
        kinds = [k for k, word in (("competencies", "competenc"), ("functions", "function")) if word in low]
        for kind in kinds or ["competencies"]:
            part = "ten-competencies" if kind == "competencies" else "five-functions"
            source = self.library.passage(f"P-RESULTS/{part}")
            if source is None:
                continue
            draft.say(self.wording(f"ask.list.{kind}"), source)
            for n, code in enumerate(COMPETENCIES if kind == "competencies" else FUNCTIONS, start=1):
                unit = self.knowledge.units[code]
                definition = self._of(unit, "definition")
                draft.say(f"**{unit.title}** ({code}): {_lower_first(unit.plain_title)}", definition, bullet=f"{n}. ")

    def _equity(self, draft: Draft, unit: Unit) -> None:
        equity = self.library.passage(f"{unit.code}/equity")
        if equity:
            draft.say(self._text("equity.lead", unit), equity)
            draft.say(equity.text, equity, bullet="- ")
            for p in self._best([a for a in self._activities_of(unit) if set(a.locators) & set(equity.locators)], 2):
                draft.say(p.text, p, bullet="- ")
            return
        nearest = self._best(self._activities_of(unit), 2)
        draft.say(self._text("equity.none", unit), *nearest)
        for p in nearest:
            draft.say(p.text, p, bullet="- ")

    def _example(self, draft: Draft, unit: Unit) -> None:
        found = [p for p in self.library.unit_passages(unit.code) if p.part.startswith("example-")]
        draft.say(self._text("example.lead", unit), self._of(unit, "definition"))
        origins = {f"example-{n}": e.origin for n, e in enumerate(unit.examples, start=1)}
        for p in found[:3]:
            ours = f" {self.wording('ask.ours')}" if origins.get(p.part) == "ours" else ""
            draft.say(p.text + ours, p, bullet="- ")

    def _situation(self, draft: Draft, unit: Unit, ranked: Sequence[RankedUnit]) -> None:
        """A question in somebody's situation: the unit in a clause, what fits of its activities, a first step."""
        definition = self._of(unit, "definition")
        gist = _lower_first(definition.text)
        n = zlib.crc32(self.question.encode()) % 3 + 1
        draft.say(self._text(f"situation.lead.{n}", unit, gist=gist), definition)
        candidates = [p for p in self.library.unit_passages(unit.code) if self._is_applicable(p)]
        draft.lines.append(self.wording("ask.situation.points"))
        room = _POINTS - self._close(ranked)
        for p in self._best(candidates, room, keep_order=False, share=_SHARE):
            self._point(draft, p, to_you=True)
        move = self._move(unit)
        draft.say(self.wording("ask.situation.first_step", step=move.text), self._of(unit, move.activity))
        self._runner_up(draft, ranked)

    def _close(self, ranked: Sequence[RankedUnit]) -> int:
        """How many points the second unit is worth: none to three."""
        if not ranked[1:] or ranked[1].unit.startswith("D-"):
            return 0
        return sum(ranked[1].share >= bar * ranked[0].share for bar in _CLOSE)

    def _runner_up(self, draft: Draft, ranked: Sequence[RankedUnit]) -> None:
        """What may be meant as well: a sentence on it and the more of its points, the nearer it came to the winner."""
        points, second = self._close(ranked), ranked[1] if ranked[1:] else None
        if second is None or not points:
            return
        if second.unit not in self.knowledge.units:
            self._beside(draft, self._best(self._written(second.unit), 1)[0])
            return
        other = self.knowledge.units[second.unit]
        winner = self.knowledge.units.get(ranked[0].unit)
        source = (winner and self._versus(winner, other)) or self._of(other, "definition")
        draft.say(self._text("situation.also", other, difference=_lower_first(source.text)), source)
        candidates = [p for p in self.library.unit_passages(other.code) if self._is_applicable(p)]
        for p in self._best(candidates, points, keep_order=False):
            self._point(draft, p, to_you=True)

    def _fact(self, draft: Draft, unit: Unit, ranked: Sequence[RankedUnit]) -> None:
        """A question of fact that one unit answers: the statement itself first, then where it belongs."""
        candidates = [p for p in self.library.unit_passages(unit.code) if self._is_applicable(p)]
        first, *others = self._best(candidates, _FACTS, keep_order=False, share=_SHARE)
        self._point(draft, first, bullet="")
        for p in others:
            self._point(draft, p)
        definition = self._of(unit, "definition")
        draft.say(self._text("fact.belongs", unit, gist=_lower_first(definition.text)), definition)
        self._runner_up(draft, ranked)

    def _part(self, draft: Draft, ranked: Sequence[RankedUnit], *, title: bool = False) -> None:
        """A question about the paper itself, or of an operator's document: its best section, and what comes near it."""
        first, *others = self._sections(ranked)
        sentences = self._fitting(first, _BEFORE_OTHERS if others else _STATEMENTS)
        alone = len(sentences) == 1 and not others
        if title:
            draft.lines.append(f"**{first.title}**, “{first.heading}”:")
        elif not alone:
            draft.lines.append(self.wording("ask.part.lead", heading=first.heading))
        for text in sentences:
            draft.say(text, first, bullet="" if alone else "- ", quote=first.text)
        for section in others:
            self._beside(draft, section)
        if not others and ranked[1:] and ranked[1].unit in self.knowledge.units and not title:
            self._runner_up(draft, ranked)

    def _beside(self, draft: Draft, section: Passage) -> None:
        """What another section has to say: its best statements."""
        draft.lines.append(self.wording("ask.part.also", heading=section.heading))
        for text in self._fitting(section, _BESIDE):
            draft.say(text, section, bullet="- ", quote=section.text)

    def _sections(self, ranked: Sequence[RankedUnit]) -> list[Passage]:
        """The section that fits best, and up to two that fit nearly as well: of its unit, or of a close second."""
        top = ranked[0]
        passages = self._written(top.unit)
        wanted = _cite_section(self.question) if self.reading.form == "who" else None
        scores = dict(zip((p.id for p in passages), self.library.suits(passages), strict=True))
        first = max(passages, key=lambda p: scores[p.id] + (_CERTAIN if p.part == wanted else 0.0))
        others = [p for p in passages if p is not first and self._may_join(p)]
        if ranked[1:] and ranked[1].unit.startswith("P-") and ranked[1].share >= _CLOSE[0] * top.share:
            more = [p for p in self._written(ranked[1].unit) if self._may_join(p)]
            others += more
            scores |= {p.id: _ELSEWHERE * s for p, s in zip(more, self.library.suits(more), strict=True)}
        near = [p for p in others if scores[p.id] > _NEARLY * scores[first.id]]
        best = sorted(near, key=lambda p: -scores[p.id])[:_OTHERS]
        return [first, *(best if first.part != wanted else ())]

    def _written(self, unit: str) -> list[Passage]:
        return [p for p in self.library.unit_passages(unit) if not p.part.startswith("original-")]

    def _may_join(self, passage: Passage) -> bool:
        """Whether a section may stand beside the best one: of the references, only one whose author is named."""
        if passage.unit != "P-REFS":
            return True
        return bool(set(content_words(passage.heading)) & set(content_words(self.question)))

    def _fitting(self, section: Passage, most: int) -> list[str]:
        """The statements that fit best, in their own order, where there are too many to show."""
        sentences = list(section.sentences)
        if len(sentences) <= most:
            return sentences
        scores = self.library.relevance(sentences)
        order = sorted(range(len(sentences)), key=lambda i: -scores[i])
        return [sentences[i] for i in sorted(order[:most])]

    # --- parts

    def _of(self, unit: Unit, part: str) -> Passage:
        found = self.library.passage(f"{unit.code}/{part}")
        assert found is not None, f"{unit.code}/{part}"
        return found

    def _versus(self, unit: Unit, other: Unit) -> Passage | None:
        """How two units differ, as either of them says it."""
        here = self.library.passage(f"{unit.code}/versus-{other.code.lower()}")
        return here or self.library.passage(f"{other.code}/versus-{unit.code.lower()}")

    def _activities_of(self, unit: Unit) -> list[Passage]:
        return [self._of(unit, a.id) for a in unit.activities]

    def _is_applicable(self, passage: Passage) -> bool:
        if passage.level:
            return passage.level == self.reading.level or self.reading.level is None
        part = passage.part
        return not part.startswith(("definition", "in-plain", "example-", "versus-", "original-"))

    def _point(self, draft: Draft, passage: Passage, *, bullet: str = "- ", to_you: bool = False) -> None:
        """A passage as a list entry, also as said to the asker; a level's description says which level it is."""
        said = (passage.to_you if to_you else None) or passage.text
        text = self.wording(f"ask.levels.{passage.level}", text=said) if passage.level else said
        draft.say(text, passage, bullet=bullet)

    def _best(
        self, passages: Sequence[Passage], most: int, *, keep_order: bool = True, share: float = 0.0
    ) -> list[Passage]:
        """The passages that fit the question best, in their own order or best first; `share`: this near to the best."""
        scores = self.library.suits(passages)
        order = sorted(range(len(passages)), key=lambda i: -scores[i])[:most]
        order = [i for n, i in enumerate(order) if n < _AT_LEAST or scores[i] >= share * scores[order[0]]]
        return [passages[i] for i in (sorted(order) if keep_order else order)]

    def _move(self, unit: Unit) -> NextMove:
        moves = [m for m in unit.next_moves if self.reading.level in (None, m.level)] or list(unit.next_moves)
        scores = self.library.relevance([m.text for m in moves])
        return moves[max(range(len(moves)), key=lambda i: scores[i])]

    def _text(self, key: str, unit: Unit, **fields: object) -> str:
        return self.wording(f"ask.{key}", title=unit.title, code=unit.code, **fields)


def citations(draft: Draft, library: Library) -> tuple[Citation, ...]:
    """The numbered sources of a draft; where the original paper was ingested, its own words are the quote."""
    return tuple(
        _citation(n, passage, quote, library) for n, passage, quote in sorted(draft.cited.values(), key=lambda c: c[0])
    )


def _citation(marker: int, passage: Passage, quote: str, library: Library) -> Citation:
    for locator in passage.locators if not passage.verbatim else ():
        original = library.passage(locator.replace(":p", "/original-p"))
        if original:
            scores = library.relevance(original.sentences)
            best = original.sentences[max(range(len(scores)), key=lambda i: scores[i])]
            return Citation(
                marker=marker,
                unit=original.unit,
                passage_id=original.id,
                title=f"{passage.title}: {passage.heading}",
                quote=best,
                verbatim=True,
                source="white-paper",
            )
    return Citation(
        marker=marker,
        unit=passage.unit,
        passage_id=passage.id,
        title=f"{passage.title}: {passage.heading}",
        quote=quote,
        verbatim=passage.verbatim,
        source=passage.source,
    )


def coach_question(knowledge: Knowledge, wording: Wording, unit: str, question: str) -> str:
    """The one question that ends an answer: of the unit, nearest to what was asked, else steady for this question."""
    if unit not in knowledge.units:
        return wording(f"ask.paper_coach_question.{zlib.crc32(question.encode()) % 3 + 1}")
    asked = set(content_words(question.lower()))
    options = knowledge.units[unit].coach_questions
    start = zlib.crc32(question.encode()) % len(options)
    turned = options[start:] + options[:start]
    return max(turned, key=lambda q: len(asked & set(content_words(q.lower()))))


def _cite_section(question: str) -> str:
    """The section on the paper's own data that a question of who, how to cite or whose copyright means."""
    low = question.lower()
    if re.search(r"\b(?:cit(?:e|ing|ation)|apa|reference it)\b", low):
        return "how-to-cite"
    return (
        "copyright-and-use"
        if re.search(r"\b(?:copyright|licen[cs]e|reuse|re-use|permission)", low)
        else "authors-and-publisher"
    )


def _lower_first(text: str) -> str:
    """A sentence to stand after a colon; acronyms keep their capitals."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
