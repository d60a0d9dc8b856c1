"""The coach with a language model: the local answer is ready, the model says it better, the check has the last word.

The order is always the same: the local coach answers first, in milliseconds, and its gate decides whether there is
evidence at all. Only then is the model asked. Its draft is checked sentence by sentence; what passes is shown at once
and never taken back. Where the model fails or too little passes, the local answer is given, and `fallback` says so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import structlog

from bot.core import answering, coaching, conversation, triage_model
from bot.core.answer import Answer, Outcome, Question, Turn
from bot.core.checking import DraftCheck, Passed
from bot.core.conversation import Route
from bot.core.drafts import DraftLine, DraftParser, Ending, ModelRequest, Sentence, Unreadable, Usage, read_triage
from bot.core.errors import ModelFailed, ModelPending
from bot.core.framework import FRAMEWORK_UNITS, Knowledge, Passage
from bot.core.prompts import Prompt, conversation_block, fenced, passages_block
from bot.core.records import Member
from bot.core.support import Support
from bot.core.text import words, writable
from bot.core.triage import Triage
from bot.ports import NEVER_STOPPED, Index, Model, Stop
from bot.services.coach import AskersLibrary, Coach
from bot.services.model_budget import ModelBudget
from bot.services.second_opinion import Queue, SecondOpinion, ask

log = structlog.get_logger()

_HITS = 12  # passages of the search that the model is given beside those of the local answer
_MOST_PASSAGES, _MOST_CHARS = 26, 11_000
_PARTS = ("definition", "levels-foundational", "levels-advanced")  # of the first unit, always given
_SETTLED = frozenset({"ask", "distress", "privacy"})  # wishes that a conversation under way doesn't change
_A_QUESTION = 5  # words from which on "thanks, and …?" asks something
_HISTORY = 6  # turns that the model is shown

Fallback = Literal["model_error", "check_failed"]
Heard = Callable[[str], None]  # hears each checked piece of Markdown as it may be shown


def _nothing(_: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """The model with what it needs to be heard safely."""

    model: Model
    prompts: dict[str, Prompt]
    support: Support
    budget: ModelBudget | None = None  # None on the command line, where the operator pays for the own calls
    triage: Literal["close_call", "always", "never"] = "close_call"
    second: SecondOpinion | None = None  # where the model is asked again; None: the check alone decides


@dataclass(slots=True)
class _Telling:
    """An answer as it grows: checked sentences, their numbered sources, and who hears them."""

    hear: Heard
    draft: answering.Draft = field(default_factory=answering.Draft)
    text: str = ""
    _point: bool = False

    def add(self, passed: Passed) -> None:
        """Append a sentence and let it be heard."""
        marks = "".join(f"[{self._number(p)}]" for p in passed.passages)
        words = f"{'- ' if passed.point else ''}{passed.text}{f' {marks}' if marks else ''}"
        self._append(self._seam(passed.point) + words)
        self._point = passed.point

    def add_answer(self, other: Answer, index: Index, tenant: str) -> None:
        """Append another answer, its sources numbered on from here."""
        numbers: dict[str, int] = {}
        for c in other.citations:
            passage = index.passage(c.passage_id, tenant=tenant)
            if passage is not None:
                numbers[str(c.marker)] = self._number(passage)
        text = re.sub(r"\[(\d+)\]", lambda m: f"[{numbers[m[1]]}]" if m[1] in numbers else "", other.answer)
        self._append(("\n\n" if self.text else "") + text)

    def _seam(self, point: bool) -> str:
        if not self.text:
            return ""
        if point:
            return "\n" if self._point else "\n\n"
        return "\n\n" if self._point else " "

    def _append(self, piece: str) -> None:
        self.text += piece
        self.hear(piece)

    def _number(self, passage: Passage) -> int:
        cited = self.draft.cited
        if passage.id not in cited:
            cited[passage.id] = (len(cited) + 1, passage, passage.text)
        return cited[passage.id][0]


def _lines(reply: Iterable[str]) -> Iterator[DraftLine]:
    """The lines of a draft as they come. Raises ModelFailed."""
    parser = DraftParser()
    for piece in reply:
        yield from parser.feed(piece)
        if parser.done:
            break
    yield from parser.close()


class SpeakingCoach:
    """A coach like any other, with a model to speak for it. Holds nothing about anybody."""

    def __init__(self, local: Coach, index: Index, speaker: Speaker) -> None:
        self.local = local
        self._index, self._speaker = index, speaker

    @property
    def knowledge(self) -> Knowledge:
        """The framework and the paper's statements."""
        return self.local.knowledge

    @property
    def complete(self) -> bool:
        """See Coach."""
        return self.local.complete

    def passage(self, passage_id: str, tenant: str) -> Passage | None:
        """See Coach."""
        return self.local.passage(passage_id, tenant)

    def in_distress(self, text: str) -> bool:
        """See Coach; no model is asked for this."""
        return self.local.in_distress(text)

    def route(self, text: str, history: Sequence[Turn] = ()) -> Route:
        """See Coach; a situation that nobody asked to have sorted is coached in conversation."""
        found = self.local.route(text, history)
        goes_on = bool(history) and (coaching.is_coached(text, history) or coaching.wants_it_direct(text))
        if found.intent == "triage" and not coaching.is_question(text) and (goes_on or coaching.tells(text)):
            return Route("ask", found.confidence, unsure=True, other="triage")
        if found.intent in _SETTLED or conversation.about_others(text):
            return found
        thanks_and_asks = bool(history) and coaching.is_question(text) and len(words(text)) >= _A_QUESTION
        if (goes_on and not found.subject) or (found.intent == "smalltalk" and thanks_and_asks):
            return Route("ask", found.confidence)
        return found

    # --- ask

    def ask(self, question: Question, *, hear: Heard = _nothing, stop: Stop = NEVER_STOPPED) -> Answer:
        """Answer a question. `hear` gets each checked piece; together they are the answer's text.

        Raises ModelPending where the response of an exported request isn't there.
        """
        started = time.perf_counter()
        coached = coaching.is_coached(question.text, question.history)
        local = self._ground(question, coached)
        answer = local if local.outcome != "answered" else self._speak(question, local, coached, hear, stop)
        return answer.model_copy(update={"latency_ms": round((time.perf_counter() - started) * 1000, 2)})

    def _ground(self, question: Question, coached: bool) -> Answer:
        """The local answer; where a conversation is under way and these words alone say too little, of all of it."""
        local = self.local.ask(question)
        more = coached or coaching.wants_it_direct(question.text)
        if not more or not question.history or local.outcome in {"care", "declined"}:
            return local
        whole = coaching.situation(question.text, question.history)
        wider = self.local.ask(question.model_copy(update={"text": whole, "history": ()}))
        if wider.outcome != "answered":
            return local
        return wider.model_copy(update={"question": writable(question.text), "standalone_question": whole})

    def _speak(self, question: Question, local: Answer, coached: bool, hear: Heard, stop: Stop) -> Answer:
        prompt = self._speaker.prompts["coach" if coached else "answer"]
        given = self._passages(local, question.tenant)
        request = self._request(prompt, question, local, given)
        said = " ".join([question.text, *(t.text for t in question.history if t.role == "user")])
        check = DraftCheck(
            self._speaker.support,
            {p.id: p for p in given},
            said,
            prompt.fingerprints(),
            unmarked_most=1 if coached else 0,
        )
        telling = _Telling(hear)
        ending, failure = self._hear_out(request, question, check, telling, stop)
        name = self._speaker.model.name
        noted = {"prompt": prompt.label, "cut": sum(check.cut.values()), "mode": "model", "model": name}
        if check.cut:
            log.info("model.cut", **{k.replace(" ", "_").replace(":", ""): n for k, n in check.cut.items()})
        if failure == "stopped" and telling.text:
            return self._told(local, telling, question, None).model_copy(update=noted | {"coach_question": None})
        if failure is None and ending is not None and ending.end != "answered" and not telling.text:
            return self._refused(local, ending.end).model_copy(update=noted)
        if failure is None and check.enough:
            asked = check.question(ending.question) if ending else None
            return self._told(local, telling, question, asked).model_copy(update=noted)
        fallback: Fallback = "model_error" if failure else "check_failed"
        return self._fallen_back(local, telling, question).model_copy(update={**noted, "fallback": fallback})

    def _hear_out(
        self,
        request: ModelRequest,
        question: Question,
        check: DraftCheck,
        telling: _Telling,
        stop: Stop,
    ) -> tuple[Ending | None, str | None]:
        """Read the draft to its end: how it ended, and what failed. Raises ModelPending."""
        member = Member(question.tenant, question.asker)
        if not self._may(member):
            return None, "budget"
        began = time.monotonic()
        reply = self._speaker.model.reply(request, stop=stop)
        queue, verdicts = Queue(check, patient=self._speaker.second is not None), dict[int, bool]()
        ending: Ending | None = None
        failure: str | None = "empty"
        try:
            for line in _lines(reply):
                failure = None
                ending = self._take(line, queue, telling) or ending
        except ModelPending:
            raise
        except ModelFailed as error:
            failure = error.reason
            log.warning("model.failed", reason=error.reason, prompt=request.prompt)
        finally:
            reply.close()
            self._spend(member, reply.usage)
        if failure is None and queue.held and self._speaker.second is not None:
            verdicts, failure = self._second_opinion(self._speaker.second, queue, member, began, stop)
        if failure != "stopped":  # after Stop nothing more is shown
            for passed in queue.settle(verdicts):
                telling.add(passed)
        return ending, failure

    def _second_opinion(
        self, second: SecondOpinion, queue: Queue, member: Member, began: float, stop: Stop
    ) -> tuple[dict[int, bool], str | None]:
        """The model's verdicts on what is in doubt, where time and budget allow; and "stopped" where it was."""
        within = second.left(began)
        if not within or not self._may(member):
            return {}, None
        try:
            verdicts, usage = ask(
                self._speaker.model, self._speaker.prompts["verify"], queue.held, within=within, stop=stop
            )
        except ModelFailed as error:
            return {}, error.reason
        self._spend(member, usage)
        return verdicts, None

    @staticmethod
    def _take(line: Sentence | Ending | Unreadable, queue: Queue, telling: _Telling) -> Ending | None:
        if isinstance(line, Ending):
            return line
        if isinstance(line, Unreadable):
            queue.check.cut["unreadable"] += 1
            return None
        passed = queue.take(line)
        if passed:
            telling.add(passed)
        return None

    def _may(self, member: Member) -> bool:
        budget = self._speaker.budget
        return budget is None or not member.user_id or budget.take(member)

    def _spend(self, member: Member, usage: Usage) -> None:
        if self._speaker.budget is not None and member.user_id and usage.tokens:
            self._speaker.budget.spend(member, usage)

    # --- what the model is given

    def _request(self, prompt: Prompt, question: Question, local: Answer, given: Sequence[Passage]) -> ModelRequest:
        asked = question.text if prompt.head.name == "coach" else self._asked(question, local)
        return prompt.request(
            "answer",
            question=fenced(asked),
            conversation=conversation_block(question.history[-_HISTORY:]),
            passages=passages_block(given),
        )

    @staticmethod
    def _asked(question: Question, local: Answer) -> str:
        if coaching.wants_it_direct(question.text) and question.history:
            return f"{question.text} (The situation: {local.standalone_question})"
        return local.standalone_question or question.text

    def _passages(self, local: Answer, tenant: str) -> list[Passage]:
        """The passages that a draft may rest on: the local answer's, the first unit's landmarks, the search's best."""
        units = list(dict.fromkeys(p.unit for p in local.passages))[:2]
        ids = [c.passage_id for c in local.citations]
        ids += [f"{u}/{part}" for u in units[:1] if u in FRAMEWORK_UNITS for part in _PARTS]
        ids += [p.passage_id for p in local.passages[:4]]
        ids += [h.passage.id for h in self._index.search(local.standalone_question, tenant=tenant, limit=_HITS)]
        found: list[Passage] = []
        room = _MOST_CHARS
        for passage_id in dict.fromkeys(ids):
            passage = self._index.passage(passage_id, tenant=tenant)
            if passage is None or len(found) >= _MOST_PASSAGES or len(passage.text) > room:
                continue
            found.append(passage)
            room -= len(passage.text)
        return found

    # --- how it ends

    def _told(self, local: Answer, telling: _Telling, question: Question, asked: str | None) -> Answer:
        library = AskersLibrary(self._index, question.tenant, local.standalone_question)
        return local.model_copy(
            update={
                "answer": telling.text,
                "citations": answering.citations(telling.draft, library),
                "coach_question": asked or local.coach_question,
            }
        )

    def _fallen_back(self, local: Answer, telling: _Telling, question: Question) -> Answer:
        """The local answer; what was shown already stays above it."""
        telling.add_answer(local, self._index, question.tenant) if telling.text else telling.hear(local.answer)
        return self._told(local, telling, question, None) if telling.text else local

    def _refused(self, local: Answer, end: Outcome) -> Answer:
        return self.local.refuse(local, end)

    # --- triage

    def triage(self, text: str, *, asker: Member | None = None) -> Triage:
        """Which competency a message is about; the model is asked where the classifier left it open, or always."""
        started = time.perf_counter()
        local = self.local.triage(text)
        wanted = self._speaker.triage
        if wanted == "never" or (wanted == "close_call" and local.outcome != "close_call"):
            return local
        found = self._triage_with_model(text, local, asker) or local
        return found.model_copy(update={"latency_ms": round((time.perf_counter() - started) * 1000, 2)})

    def _triage_with_model(self, text: str, local: Triage, asker: Member | None) -> Triage | None:
        prompt = self._speaker.prompts["triage"]
        question = Question(text=text, tenant=asker.team_id if asker else "*", asker=asker.user_id if asker else "")
        member = Member(question.tenant, question.asker)
        if not self._may(member):
            return None
        competencies = triage_model.competencies_block(self.knowledge)
        request = prompt.request("triage", message=fenced(text), competencies=competencies)
        reply = self._speaker.model.reply(request, stop=NEVER_STOPPED)
        try:
            whole = "".join(reply)
        except ModelPending:
            raise
        except ModelFailed as error:
            log.warning("model.failed", reason=error.reason, prompt=prompt.label)
            return None
        finally:
            reply.close()
            self._spend(member, reply.usage)
        draft = read_triage(whole, triage_model.CHOICES)
        if draft is None:
            log.warning("model.failed", reason="form", prompt=prompt.label)
            return None
        name = self._speaker.model.name
        return triage_model.combine(local, draft, model=name, prompt=prompt.label, knowledge=self.knowledge, text=text)
