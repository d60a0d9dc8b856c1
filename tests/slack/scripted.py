"""A coach that answers from a script, over the real framework: what the Slack ring needs, without an index."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from bot.core.answer import Answer, Citation, PassageScore, Question, Turn
from bot.core.conversation import Route
from bot.core.distress import outright
from bot.core.errors import IndexNotReady
from bot.core.framework import COMPETENCIES, FUNCTIONS, Knowledge, Passage
from bot.core.triage import NextStep, Settling, Triage

ROUTES = {
    "distress": ("i can't go on",),
    "other_person": ("how did ben do",),
    "smalltalk": ("hello", "thank you"),
    "triage": ("which competency", "nods and then nothing", "half and half", "my cat"),
    "privacy": ("what do you store",),
}


class ScriptedCoach:
    """Answers by keyword; `ready` can be cleared, `seconds` makes every answer slow, `asked` records the questions."""

    def __init__(self, knowledge: Knowledge, *, seconds: float = 0.0) -> None:
        self.knowledge = knowledge
        self.ready = threading.Event()
        self.ready.set()
        self.seconds = seconds
        self.asked: list[Question] = []
        self.answer_text: str | None = None

    def _check(self) -> None:
        if not self.ready.is_set():
            raise IndexNotReady("The index is being built.")

    def ask(self, question: Question) -> Answer:
        self._check()
        self.asked.append(question)
        if self.seconds:
            time.sleep(self.seconds)
        if "fail" in question.text:
            raise RuntimeError("a secret inside")
        if "moon" in question.text:
            return refusal(question.text, self.knowledge)
        return answer(question.text, self.knowledge, text=self.answer_text)

    def triage(self, text: str) -> Triage:
        self._check()
        outcome = "none" if "cat" in text else "close_call" if "half and half" in text else "match"
        return triage(outcome, why=tuple(text.split()[:2]))

    def route(self, text: str, history: Sequence[Turn]) -> Route:
        low = text.lower()
        if "either way" in low:
            return Route("ask", 0.5, unsure=True, other="triage")
        for intent, words in ROUTES.items():
            if any(w in low for w in words):
                return Route(intent, 0.9, subject="greeting" if "hello" in low else None)
        return Route("ask", 0.9)

    def in_distress(self, text: str) -> bool:
        return outright(text)

    def passage(self, passage_id: str, tenant: str) -> Passage | None:
        self._check()
        return next((p for p in self.knowledge.passages() if p.id == passage_id), None)


def answer(question: str, knowledge: Knowledge, *, text: str | None = None, citations: int = 2) -> Answer:
    """An answered question with two sources of C4."""
    passages = [p for p in knowledge.passages() if p.unit == "C4"][:citations]
    return Answer(
        question=question,
        standalone_question=question,
        answer=text
        or "**Assess barriers and facilitators** (C4) comes first [1].\n\n- ask the people who are to change [1]\n- look at the *context* [2]",
        outcome="answered",
        citations=tuple(
            Citation(
                marker=n,
                unit=p.unit,
                passage_id=p.id,
                title=p.title,
                quote=p.sentences[0],
                verbatim=p.verbatim,
                source=p.source,
            )
            for n, p in enumerate(passages, start=1)
        ),
        passages=tuple(PassageScore(unit=p.unit, passage_id=p.id, score=1.0) for p in passages),
        coach_question="Whose barriers have you not heard from their own mouths?",
    )


def refusal(question: str, knowledge: Knowledge) -> Answer:
    """A question that the sources don't answer, with the nearest sections."""
    ids = ("C2/definition", "C8/definition", "P-METHODS/" + knowledge.parts["P-METHODS"].sections[0].id)
    return Answer(
        question=question,
        standalone_question=question,
        answer="The white paper doesn't hold an answer to that.",
        outcome="not_in_sources",
        reason="of this field, but the white paper doesn't hold it",
        passages=tuple(PassageScore(unit=i.partition("/")[0], passage_id=i, score=0.4) for i in ids),
    )


def triage(outcome: str, *, why: tuple[str, ...] = ("nods",)) -> Triage:
    """A triage of each outcome; C4 first, C5 second."""
    order = ["C4", "C5", *[c for c in COMPETENCIES if c not in {"C4", "C5"}]]
    rest = [0.25, *[0.15 / 8] * 8]
    return Triage(
        outcome=outcome,
        competency=None if outcome == "none" else "C4",
        confidence=0.6,
        ranking=tuple(zip(order, [0.6, *rest], strict=True)),
        functions=tuple(zip(("FB", *[f for f in FUNCTIONS if f != "FB"]), (0.8, 0.6, 0.2, 0.1, 0.1), strict=True)),
        p_none=0.9 if outcome == "none" else 0.05,
        level=None if outcome == "none" else "foundational",
        why=why,
        next=None
        if outcome == "none"
        else NextStep(
            question="What makes it hard for them?",
            read=("C4/individual-assessment", "C4/levels-foundational"),
            self_check="C4",
        ),
        ask_back="Do you know what stands in the way?" if outcome == "close_call" else None,
        settling=Settling(
            question="Do you know by now what stands in the way?",
            options=(("C4", "Not really; we need to find out"), ("C5", "Yes; we need to decide what to do")),
        )
        if outcome == "close_call"
        else None,
    )
