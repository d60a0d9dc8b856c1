"""The models that read a message: heads over one representation, trained on the content in seconds.

Each head (bot.adapters.heads) reads TF-IDF of words and letters; the ones that are asked most also read meaning, from
MiniLM where its file is present and else from the table of word vectors. Confidence is calibrated on predictions for
authors whose lines the fold had not seen, so it holds for people never read before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from threadpoolctl import threadpool_limits

from bot.adapters.heads import Head, Labelled
from bot.adapters.representation import Representation, stems
from bot.core.evidence import Classification, QuestionView
from bot.core.exemplars import Exemplars
from bot.core.framework import COMPETENCIES, FRAMEWORK_UNITS, FUNCTIONS, Knowledge
from bot.core.text import STOP_WORDS, clean, words

Dense = Callable[[Sequence[str]], Any]  # texts -> float32 rows of unit length
Rows = tuple[Any, Any]  # of one text: its sparse row of words and letters, its dense row of meaning

_SOCIAL = frozenset({"smalltalk"})  # negatives that are talk for its own sake
_NAME = re.compile(r"(?<=[a-z,;:] )[A-Z][A-Za-z-]+")  # a capital within a sentence
_READS_MEANING = frozenset(
    {"competency", "about", "unit", "evidence"}
)  # of the others, meaning gained less than half a point
_ACRONYM = re.compile(r"\b[A-Z]{2}[A-Z0-9-]*[A-Z]\b")  # three capitals or more, as names of frameworks have
_REMEMBERED = 16  # texts whose rows are kept
ASKS = 0.8  # weight of a line that the content gives as asking for an activity


class TrainedClassifier:
    """Reads messages (triage) and questions (retrieval), from one representation fitted on the content."""

    def __init__(self, representation: Representation, dense: Dense) -> None:
        self.representation = representation
        self._dense: Dense | None = dense
        self._heads: dict[str, Head] = {}
        self._remember()

    def _remember(self) -> None:
        """Keep the rows of the last texts: one question is read several times over."""
        self.read: Callable[[str], Rows] = lru_cache(_REMEMBERED)(self._read)

    def use_dense(self, dense: Dense) -> None:
        """Give the vectors again after loading: an open model is not stored."""
        self._dense = dense
        self._remember()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "read"} | {"_dense": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._remember()

    # --- training

    def train(self, knowledge: Knowledge, exemplars: Exemplars) -> TrainedClassifier:
        """Fit every head. The same content gives the same heads."""
        tasks = {  # the heaviest first
            "unit": (_unit_lines(knowledge, exemplars), Head()),
            "competency": (competency_lines(knowledge, exemplars), Head()),
            "about": (_about_lines(exemplars), Head(balanced=True)),
            "level": (_level_lines(knowledge, exemplars), Head(0.1)),
            "evidence": (_evidence_lines(exemplars), Head(balanced=True)),
            "intent": (_intent_lines(exemplars), Head()),
            "kind": (_kind_lines(exemplars), Head(balanced=True)),
        }
        for code in FUNCTIONS:
            tasks[code] = (_function_lines(knowledge, exemplars, code), Head(0.1))
        self._in_sources = {s for p in knowledge.passages() for s in stems(p.text.lower())}
        texts = list(dict.fromkeys(t for data, _ in tasks.values() for t in data.texts))
        self._known = set(self.representation.word_names())
        rows, place = self.representation.sparse(texts), {t: i for i, t in enumerate(texts)}
        dense = self._meaning(texts)

        def fitted(name: str) -> Head:
            data, head = tasks[name]
            at = [place[t] for t in data.texts]
            return head.fit(rows[at], data, dense[at] if name in _READS_MEANING else None)

        # The fits leave Python's lock: two side by side, each with one BLAS thread, take half the time.
        names = [name for name, (data, _) in tasks.items() if len(set(data.labels)) > 1]
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max_workers=2) as pool:
            self._heads = dict(zip(names, pool.map(fitted, names), strict=True))
        return self

    # --- reading

    def classify(self, text: str) -> Classification:
        """See Classifier: competencies, none, functions and level of one message."""
        rows = self.read(text)
        competencies = self._view("competency", rows)
        first = max(competencies, key=competencies.__getitem__)
        return Classification(
            competencies=competencies,
            p_none=self._view("about", rows).get("none", 0.0),
            functions={code: self._view(code, rows).get("yes", 0.0) for code in FUNCTIONS},
            p_advanced=self._view("level", rows).get("advanced", 0.5),
            why=self._reasons(text, rows, first),
            unknown=self._share_missing(text, self._known),
        )

    def read_question(self, text: str) -> QuestionView:
        """Which units a question is about, which form of answer it wants, and whether the sources may hold it."""
        rows = self.read(text)
        return QuestionView(
            units=self._view("unit", rows),
            evidence=self._view("evidence", rows),
            intents=self._view("intent", rows),
            kinds=self._view("kind", rows),
            unknown=self._share_missing(text, self._known),
            outside=self._share_missing(text, self._in_sources),
            foreign=any(self._share_missing(name, self._in_sources) > 0 for name in _ACRONYM.findall(text)),
            strangers=sum(self._share_missing(name, self._in_sources) > 0 for name in _NAME.findall(text)),
        )

    def _share_missing(self, text: str, known: set[str]) -> float:
        """The share of a text's stems that are not among some; 0 for a text without words."""
        found = [s for s in stems(clean(text)) if " " not in s]
        return sum(s not in known for s in found) / (len(found) or 1)

    def _view(self, name: str, rows: Rows) -> dict[str, float]:
        head = self._heads.get(name)
        if head is None:
            return {}
        return {c: float(p) for c, p in zip(head.classes, head.probabilities(*rows)[0], strict=True)}

    def _read(self, text: str) -> Rows:
        return self.representation.sparse([text]), self._meaning([text])

    def _meaning(self, texts: Sequence[str]) -> Any:
        assert self._dense is not None, "use_dense comes first"
        return self._dense(texts)

    def _reasons(self, text: str, rows: Rows, label: str) -> tuple[str, ...]:
        """Words or word pairs of the message that speak most for a label, as they stand in it."""
        names = self.representation.word_names()
        weights = self._heads["competency"].weights_of(label)
        row = rows[0][0].tocoo()
        gains = sorted(
            ((v * weights[c], names[c]) for c, v in zip(row.col, row.data, strict=True) if c < len(names)), reverse=True
        )
        return phrases_in(text, [stem for gain, stem in gains if gain > 0][:8], self.representation.stem_of)


def phrases_in(text: str, found: Sequence[str], stem_of: Callable[[str], str], most: int = 4) -> tuple[str, ...]:
    """The words of a text behind some stems or stem pairs, each as written, the longest match once."""
    tokens = words(clean(text))
    stemmed = [stem_of(t) for t in tokens]
    out: list[str] = []
    used: set[int] = set()
    for stem in found:
        size = stem.count(" ") + 1
        for i in range(len(tokens) - size + 1):
            if " ".join(stemmed[i : i + size]) != stem or used & set(range(i, i + size)):
                continue
            if all(t in STOP_WORDS for t in tokens[i : i + size]):
                break
            used |= set(range(i, i + size))
            out.append(" ".join(tokens[i : i + size]))
            break
        if len(out) == most:
            break
    return tuple(out)


# --- training lines -----------------------------------------------------------------------------------------------


def _descriptions(knowledge: Knowledge, code: str) -> list[tuple[str, float]]:
    """What the framework itself says in a unit, with the weight of each line beside an exemplar's 1."""
    unit = knowledge.units[code]
    whole = [unit.definition.text, unit.in_plain_words, unit.levels.foundational.text, unit.levels.advanced.text]
    whole += [unit.equity.text] if unit.equity else []
    lines = whole + [a.text for a in unit.activities] + [e.text for e in unit.examples]
    lines += [m.text for m in unit.next_moves] + list(unit.coach_questions)
    return (
        [(t, 0.5) for t in lines]
        + [(t, ASKS) for a in unit.activities for t in a.asks]
        + [(t, 0.4) for t in unit.everyday_words]
        + [(unit.title, 0.5), (unit.plain_title, 0.5)]
    )


def competency_lines(knowledge: Knowledge, exemplars: Exemplars) -> Labelled:
    """What the competency head is trained on; a message's author is its group."""
    data = Labelled()
    for code in COMPETENCIES:
        for text, weight in _descriptions(knowledge, code):
            data.add(text, code, weight=weight)
    for m in exemplars.messages:
        others = [c for c in m.acceptable if c != m.primary]
        data.add(m.text, m.primary, weight=0.75 if others else 1.0, group=m.author)
        for c in others:
            data.add(m.text, c, weight=0.25 / len(others), group=m.author)
    for q in exemplars.questions:
        if q.units[0] in COMPETENCIES:
            data.add(q.question, q.units[0], weight=0.5)
    return data


def _about_lines(exemplars: Exemplars) -> Labelled:
    data = Labelled()
    for m in exemplars.messages:
        data.add(m.text, "work", group=m.author)
    for n in exemplars.negatives:
        data.add(n.text, "none", group=n.author)
    for u in exemplars.unanswerable:
        if u.reason == "out_of_scope":
            data.add(u.question, "none", weight=0.5)
    return data


def _level_lines(knowledge: Knowledge, exemplars: Exemplars) -> Labelled:
    data = Labelled()
    for code in FRAMEWORK_UNITS:
        unit = knowledge.units[code]
        data.add(unit.levels.foundational.text, "foundational", weight=0.5)
        data.add(unit.levels.advanced.text, "advanced", weight=0.5)
        for move in unit.next_moves:
            data.add(move.text, move.level, weight=0.5)
    for m in exemplars.messages:
        if m.level:
            data.add(m.text, m.level, group=m.author)
    return data


def _function_lines(knowledge: Knowledge, exemplars: Exemplars, code: str) -> Labelled:
    data = Labelled()
    for other in FUNCTIONS:
        for text, weight in _descriptions(knowledge, other):
            data.add(text, "yes" if other == code else "no", weight=weight)
    for m in exemplars.messages:
        place = m.functions.index(code) if code in m.functions else -1
        data.add(m.text, "yes" if place >= 0 else "no", weight=0.6 if place > 0 else 1.0, group=m.author)
    return data


def _unit_lines(knowledge: Knowledge, exemplars: Exemplars) -> Labelled:
    data = Labelled()
    for code in FRAMEWORK_UNITS:
        for text, weight in _descriptions(knowledge, code):
            data.add(text, code, weight=weight)
    for code, part in knowledge.parts.items():
        for section in part.sections:
            data.add(section.title, code, weight=0.5)
            for ask in section.asks:
                data.add(ask, code)
            for s in section.statements:
                data.add(s.text, code, weight=0.4)
        for ask in part.asks:
            data.add(ask, code)
    for q in exemplars.questions:
        data.add(q.question, q.units[0], group=q.author)
    for m in exemplars.messages:
        data.add(m.text, m.primary, weight=0.3)
        data.add(m.text, m.functions[0], weight=0.1)
    return data


def _evidence_lines(exemplars: Exemplars) -> Labelled:
    data = Labelled()
    for q in exemplars.questions:
        data.add(q.question, "answered", group=q.author)
    for u in exemplars.unanswerable:
        data.add(u.question, u.reason, group=u.author)
    for n in exemplars.negatives:
        data.add(n.text, "out_of_scope", weight=0.5, group=n.author)
    for m in exemplars.messages:
        data.add(m.text, "answered", weight=0.8, group=m.author)
    return data


def _intent_lines(exemplars: Exemplars) -> Labelled:
    data = Labelled()
    for q in exemplars.questions:
        data.add(q.question, q.intent, group=q.author)
    return data


def _kind_lines(exemplars: Exemplars) -> Labelled:
    """What a direct message wants: the router's own exemplars, with questions and situations beside them.

    Every second question only: all of them would drown what people write when they ask in a direct message.
    """
    data = Labelled()
    for w in exemplars.wishes:
        data.add(w.text, w.intent, group=w.author)
    for q in exemplars.questions[::2]:
        data.add(q.question, "ask", weight=0.3, group=q.author)
    for u in exemplars.unanswerable[::2]:
        data.add(u.question, "ask", weight=0.2, group=u.author)
    for m in exemplars.messages:
        data.add(m.text, "triage", weight=0.2, group=m.author)
    for n in exemplars.negatives:
        if n.kind in _SOCIAL:
            data.add(n.text, "smalltalk", weight=0.5, group=n.author)
    return data
