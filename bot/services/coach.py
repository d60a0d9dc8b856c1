"""The coach: answers questions, triages situations, and says what a message wants. No model, no outside call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.core import answering, conversation, distress, questions, ranking, triage
from bot.core.answer import Answer, Outcome, PassageScore, Question, Turn
from bot.core.evidence import QuestionView
from bot.core.framework import FRAMEWORK_UNITS, Knowledge, Passage
from bot.core.text import clean, words, writable
from bot.core.wording import Wording
from bot.ports import Classifier, Index, QuestionReader

_SHOWN = 10  # units in an answer's `passages`
_NAMED_FORMS = frozenset({"compare", "definition", "levels", "activities", "equity", "example"})
_UNREADABLE = 0.75  # share of words never seen from which on there is nothing to go by
_WEIGHED = 20  # passages whose fit the evidence gate looks at
_NEAREST = 3  # sections named beside a refusal
_REJOINDER = 8  # words of a question that, within a conversation, is about what was just said
_LEVELS = 0.35  # likewise for the levels, which no other form brings
_LIKELY = 0.6  # a trained view this sure of a form of answer decides it


@dataclass(frozen=True, slots=True)
class AskersLibrary:
    """The index as one asker sees it, for one question."""

    index: Index
    tenant: str
    question: str

    def passage(self, passage_id: str) -> Passage | None:
        """See answering.Library."""
        return self.index.passage(passage_id, tenant=self.tenant)

    def unit_passages(self, unit: str) -> Sequence[Passage]:
        """See answering.Library."""
        return self.index.unit_passages(unit, tenant=self.tenant)

    def relevance(self, texts: Sequence[str]) -> Sequence[float]:
        """See answering.Library."""
        return self.index.relevance(self.question, texts)

    def suits(self, passages: Sequence[Passage]) -> Sequence[float]:
        """See answering.Library."""
        return self.index.suits(self.question, passages)


class Coach:
    """Answers and triages from an index and trained models; holds nothing about anybody."""

    def __init__(
        self,
        knowledge: Knowledge,
        wording: Wording,
        index: Index,
        classifier: Classifier,
        reader: QuestionReader,
        *,
        support_line: str = "",
        bars: triage.Bars | None = None,
    ) -> None:
        self.knowledge = knowledge
        self._wording = wording
        self._index = index
        self._classifier = classifier
        self._reader = reader
        self._support = support_line.strip()
        self._bars = bars or triage.Bars()

    @cached_property
    def _names(self) -> questions.Names:
        return questions.Names.of(self.knowledge)

    @cached_property
    def _titles(self) -> dict[str, str]:
        return {code: self.knowledge.title(code) for code in FRAMEWORK_UNITS}

    @property
    def complete(self) -> bool:
        """See Index."""
        return self._index.complete

    # --- ask

    def ask(self, question: Question) -> Answer:
        """Answer a question within its conversation, from what the asker's workspace may read."""
        started = time.perf_counter()
        text = clean(question.text)
        early = self._before_anything(text)
        kind = conversation.verdict(text) if early == "declined" else None
        key = f"declined.{kind}" if kind else None
        answer = self._refusal(question.text, text, early, key=key) if early else self._answer(question, text)
        search = "full" if self._index.complete else "words"
        took = round((time.perf_counter() - started) * 1000, 2)
        return answer.model_copy(update={"search": search, "latency_ms": took})

    def _before_anything(self, text: str) -> Outcome | None:
        if self.in_distress(text):
            return "care"
        if conversation.verdict(text) or conversation.about_others(text):
            return "declined"
        return None

    def _answer(self, question: Question, text: str) -> Answer:
        if not any(c.isalnum() for c in text):
            return self._refusal(question.text, text, "out_of_scope", key="empty")
        talk = conversation.small_talk(text)
        whole = text if talk else questions.standalone(text, question.history, self._names, self._titles)
        reading = questions.read(whole, self._names)
        view = self._reader.read_question(whole)
        if view.unknown >= _UNREADABLE and not reading.mentions:
            return self._refusal(question.text, whole, "out_of_scope", key="unreadable")
        library = AskersLibrary(self._index, question.tenant, whole)
        hits = self._index.search(whole, tenant=question.tenant)
        near = self._index.neighbours(whole)
        said = questions.before(question.history) if not talk else ""
        before = self._reader.read_question(said).units if said else {}
        evidence = ranking.Evidence(reading, view, hits, near, continued=whole != text, before=before)
        ranked = _led_by_mention(ranking.rank(evidence, self._anchors), reading)
        outcome = self._gate(text, evidence, ranked, library)
        best = tuple(
            PassageScore(unit=r.unit, passage_id=r.passage_id, score=round(r.share, 4)) for r in ranked[:_SHOWN]
        )
        if outcome != "answered":
            refused = self._refusal(question.text, whole, outcome, ranked=ranked)
            return refused.model_copy(update={"passages": best})
        writer = answering.Writer(self.knowledge, self._wording, library, whole, reading)
        draft = writer.write(ranked, _form(reading, view, ranked))
        return Answer(
            question=writable(question.text),
            standalone_question=whole,
            answer=draft.markdown,
            outcome="answered",
            citations=answering.citations(draft, library),
            passages=best,
            coach_question=answering.coach_question(self.knowledge, self._wording, ranked[0].unit, whole),
        )

    @cached_property
    def _anchors(self) -> dict[str, str]:
        """A passage for each unit where retrieval brings none."""
        anchors = {code: f"{code}/definition" for code in FRAMEWORK_UNITS}
        return anchors | {code: f"{code}/{part.sections[0].id}" for code, part in self.knowledge.parts.items()}

    def _gate(
        self, asked: str, evidence: ranking.Evidence, ranked: Sequence[ranking.RankedUnit], library: AskersLibrary
    ) -> Outcome:
        if conversation.small_talk(asked) and not evidence.reading.mentions:
            return "out_of_scope"
        brought = [hit.passage for hit in evidence.hits[:_WEIGHED]]
        return ranking.gate(evidence, ranked, self._index.known(library.question, brought))

    def _refusal(
        self,
        asked: str,
        whole: str,
        outcome: Outcome,
        *,
        ranked: Sequence[ranking.RankedUnit] = (),
        key: str | None = None,
    ) -> Answer:
        kind = key or outcome
        words = self._wording
        if kind == "care":
            text = words("ask.refused.care", support=self._support or words("ask.refused.care.support"))
        else:
            text = words(f"ask.refused.{kind}")
        if outcome == "not_in_sources":
            text += "\n\n" + self._near(ranked)
        return Answer(
            question=writable(asked),
            standalone_question=whole,
            answer=text,
            outcome=outcome,
            reason=words(f"ask.reason.{kind.partition('.')[0]}"),
        )

    def refuse(self, answer: Answer, outcome: Outcome) -> Answer:
        """The refusal of a question that was looked into, with the nearest sections: for a caller that knows better."""
        ranked = tuple(ranking.RankedUnit(p.unit, p.score, p.score, p.passage_id) for p in answer.passages)
        refused = self._refusal(answer.question, answer.standalone_question, outcome, ranked=ranked)
        return refused.model_copy(update={"passages": answer.passages})

    def _near(self, ranked: Sequence[ranking.RankedUnit]) -> str:
        entries = []
        for r in ranked[:_NEAREST]:
            passage = self._index.passage(r.passage_id, tenant="*")
            if passage:
                entries.append(f"- {self._near_entry(passage)}")
        if not entries:
            return self._wording("ask.refused.not_in_sources.none")
        return "\n".join([self._wording("ask.refused.not_in_sources.near"), *entries])

    def _near_entry(self, passage: Passage) -> str:
        if passage.unit in FRAMEWORK_UNITS:
            return self._wording(
                "ask.near.entry", title=passage.title, code=passage.unit, heading=passage.heading.lower()
            )
        return self._wording("ask.near.paper", title=passage.title, heading=passage.heading)

    # --- the rest

    def triage(self, text: str) -> triage.Triage:
        """Which competency a message is about."""
        started = time.perf_counter()
        view = self._classifier.classify(clean(text) or ".")
        bars = self._bars
        if not any(c.isalnum() for c in clean(text)) or conversation.small_talk(text):
            bars = triage.Bars(none=0.0)
        found = triage.compose(view, self.knowledge, bars, clean(text))
        return found.model_copy(update={"latency_ms": round((time.perf_counter() - started) * 1000, 2)})

    def route(self, text: str, history: Sequence[Turn] = ()) -> conversation.Route:
        """What a direct message wants, also within a conversation: a short follow-up asks."""
        kinds = self._reader.read_question(clean(text) or ".").kinds
        found = conversation.route(text, kinds, distress=self.in_distress(text))
        if history and found.intent in ("triage", "smalltalk", "help") and not found.subject:
            whole = questions.standalone(text, history, self._names, self._titles)
            short = len(words(text)) <= _REJOINDER and conversation.asks(text)
            if whole != clean(text) or short:
                return conversation.Route("ask", 0.8)
        return found

    def in_distress(self, text: str) -> bool:
        """Whether a person in distress wrote this, whatever it was written for."""
        return distress.heard(text, self._reader.distress(text)) if clean(text) else False

    def passage(self, passage_id: str, tenant: str) -> Passage | None:
        """A passage by its id, where the workspace may see it."""
        return self._index.passage(passage_id, tenant=tenant)


def _led_by_mention(
    ranked: tuple[ranking.RankedUnit, ...], reading: questions.Reading
) -> tuple[ranking.RankedUnit, ...]:
    """Units that a question names and asks a set form of come first, in its order; a list question is of the lists."""
    first: Sequence[str] = ()
    if reading.form in _NAMED_FORMS:
        first = reading.mentions
    elif reading.form == "list":
        first = ("P-RESULTS",)
    lead = sorted((r for r in ranked if r.unit in first), key=lambda r: list(first).index(r.unit))
    return (*lead, *(r for r in ranked if r.unit not in first))


def _form(reading: questions.Reading, view: QuestionView, ranked: Sequence[ranking.RankedUnit]) -> str:
    """The form of the answer: what the question says on its face, else what the trained view makes of it."""
    form = reading.form
    if form in ("list", "compare", "levels", "equity", "example", "activities", "definition"):
        return form
    if reading.mentions and ranked[0].unit in reading.mentions and view.intents.get("definition", 0.0) > _LIKELY:
        return "definition"
    if view.intents.get("levels", 0.0) > _LEVELS:
        return "levels"
    applied = view.intents.get("situation", 0.0) + view.intents.get("how_do_i", 0.0)
    return "situation" if applied > _LIKELY or form == "how_do_i" or reading.personal else "fact"
