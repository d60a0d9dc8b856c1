"""Questions: the answer with its sources, a question to take along, feedback; refusals with the nearest sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from bot.core.answer import Answer, Question, Turn
from bot.core.framework import Knowledge
from bot.core.records import Exchange
from bot.core.wording import Wording
from bot.ports import NEVER_STOPPED
from bot.slack.blocks import actions, button, context, feedback, field, modal, plain_context, sections, text_input
from bot.slack.delivery import key_for
from bot.slack.deps import Deps, Speaking
from bot.slack.manifest import ASK_CALLBACK
from bot.slack.mrkdwn import Links, clip, escape, to_mrkdwn
from bot.slack.payloads import Click, Command, GlobalShortcut, Submission
from bot.slack.registry import Ack, Registration, errors, on_click, on_intent, on_shortcut, on_submit
from bot.slack.replies import Block, Reply, Say, Talk, place_of, say
from bot.slack.streaming import finished, live_for, shown_live
from bot.slack.talk import routed

_SHOWN_SOURCES, _ROW = 75, 25  # buttons for the sources of one answer, and in one row
_HEADING = 28  # characters of a heading on a button
_SHOWN_NEAREST = 3
_QUIET = frozenset({"care", "failed"})  # outcomes after which no buttons are shown


def ask(talk: Talk, deps: Deps) -> Reply:
    """Answer a question. Raises IndexNotReady."""
    if not talk.text:
        return say(deps.wording("slack.ask.empty", coach=deps.commands.coach))
    if deps.speaking is not None:
        return _spoken(talk, deps, deps.speaking)
    member = talk.request.member
    answer = deps.coach.ask(Question(text=talk.text, history=talk.history, tenant=member.team_id))
    _save(talk, answer, deps)
    return _reply(talk, answer, deps)


def _spoken(talk: Talk, deps: Deps, speaking: Speaking) -> Reply:
    """The same with a model to speak: shown while it is made where Slack takes that."""
    member = talk.request.member
    before = deps.repositories.exchanges.get(key_for(talk.request.key, "exchange"), member)
    made = answer_of(before) if before else None
    if made is not None:
        return _reply(talk, made, deps)  # made before a crash, and perhaps shown: the courier finds out
    question = Question(text=talk.text, history=talk.history, tenant=member.team_id, asker=member.user_id)
    live = live_for(talk, deps)
    if live is None:
        answer = speaking.ask(question, hear=lambda _: None, stop=NEVER_STOPPED)
        _save(talk, answer, deps)
        return _reply(talk, answer, deps)
    answer = shown_live(live, lambda on: speaking.ask(question, hear=on.hear, stop=on.stop), deps.metrics)
    _save(talk, answer, deps)
    tail = answer_tail(answer, key_for(talk.request.key, "exchange"), deps, private=_is_private(talk))
    return finished(live, _reply(talk, answer, deps), tail, talk.request.key)


def _is_private(talk: Talk) -> bool:
    return place_of(talk.request).kind != "channel"


def _save(talk: Talk, answer: Answer, deps: Deps) -> None:
    exchange_id, result = key_for(talk.request.key, "exchange"), answer.model_dump(mode="json")
    exchange = Exchange(exchange_id, talk.request.member, "ask", talk.text, result, deps.clock.now())
    deps.repositories.exchanges.save(exchange)


def _reply(talk: Talk, answer: Answer, deps: Deps) -> Reply:
    exchange_id = key_for(talk.request.key, "exchange")
    titles = nearest_titles(answer, deps.coach.knowledge)
    message = answer_message(answer, exchange_id, deps.wording, deps.links, titles=titles, private=_is_private(talk))
    said = answer.answer
    if answer.mode == "model" and answer.coach_question:
        said = f"{clip(said, 3700)}\n\n{answer.coach_question}"  # the next turn answers it
    turns = (Turn(role="user", text=talk.text), Turn(role="assistant", text=clip(said, 4000)))
    reply = Reply((message,), turns, outcome=answer.outcome)
    return with_question(reply, talk.text, deps.wording) if isinstance(talk.request, Command) else reply


def answer_of(exchange: Exchange) -> Answer | None:
    """The answer in an exchange, or None where it holds something else."""
    try:
        return Answer.model_validate(exchange.result)
    except ValidationError:
        return None


# --- building -------------------------------------------------------------------------------------------------------


def nearest_titles(answer: Answer, knowledge: Knowledge) -> dict[str, str]:
    """Titles of the sections nearest to a question that was not answered, by passage id."""
    return {p.passage_id: knowledge.title(p.unit) for p in answer.passages[:_SHOWN_NEAREST]}


def answer_message(
    answer: Answer,
    exchange_id: str,
    wording: Wording,
    links: Links,
    *,
    titles: Mapping[str, str] | None = None,
    private: bool,
) -> Say:
    """An answer as a message: the text with markers, its sources as buttons, a question, feedback."""
    words = to_mrkdwn(answer.answer, links)
    blocks = sections(words)
    parts = [words]
    if answer.coach_question and answer.outcome == "answered":
        question = wording("slack.ask.coach_question", question=escape(answer.coach_question, links))
        blocks.append(context(question))
        parts.append(question)
    if answer.citations:
        parts.append(wording("slack.ask.sources", sources="; ".join(_source_words(answer))))
    if answer.search == "words" and answer.outcome not in _QUIET:
        note = wording("slack.ask.words_only")
        blocks.append(context(note))
        parts.append(note)
    blocks += _source_buttons(answer, exchange_id)
    if answer.outcome not in _QUIET:
        blocks += _nearest(answer, exchange_id, titles or {}) + _last_row(exchange_id, answer, private=private)
    return Say("\n\n".join(parts), blocks)


def answer_tail(answer: Answer, exchange_id: str, deps: Deps, *, private: bool) -> list[Block]:
    """What stands below the text of an answer: the question to take along, sources, feedback."""
    blocks: list[Block] = []
    if answer.coach_question and answer.outcome == "answered":
        question = escape(answer.coach_question, deps.links)
        blocks.append(context(deps.wording("slack.ask.coach_question", question=question)))
    blocks += _source_buttons(answer, exchange_id)
    if answer.outcome not in _QUIET:
        titles = nearest_titles(answer, deps.coach.knowledge)
        blocks += _nearest(answer, exchange_id, titles) + _last_row(exchange_id, answer, private=private)
    return blocks


def _source_words(answer: Answer) -> list[str]:
    return [f"[{c.marker}] {escape(_named(c.unit, c.title))}" for c in answer.citations]


def _named(unit: str, title: str) -> str:
    """A unit as people know it: competencies and functions with their code, the rest by title."""
    return title if unit.startswith(("P-", "D-")) else f"{unit} {title}"


def _source_buttons(answer: Answer, exchange_id: str) -> list[Block]:
    """A button for every source, short enough to stand side by side: where it is from and what it is about."""
    buttons = [
        button(
            f"[{c.marker}] {_place(c.unit, clip(c.title.rpartition(': ')[2], _HEADING))}",
            f"source.open:{c.marker}",
            f"{exchange_id}|{c.passage_id}",
            hint=f"Open source {c.marker}: {c.title}",
        )
        for c in answer.citations[:_SHOWN_SOURCES]
    ]
    return [row for start in range(0, len(buttons), _ROW) for row in actions(*buttons[start : start + _ROW])]


def _place(unit: str, heading: str) -> str:
    """A heading with what it is from; one that begins with its unit's code says so itself: "C4 and C5 compared"."""
    place = {"P": "Paper", "D": "Document"}.get(unit.partition("-")[0], unit)
    return heading if heading.startswith(f"{unit} ") else f"{place} {heading}"


def _nearest(answer: Answer, exchange_id: str, titles: Mapping[str, str]) -> list[Block]:
    """The sections nearest to a question that the sources don't answer."""
    if answer.outcome not in {"not_in_sources", "unverified"} or answer.citations:
        return []
    buttons = [
        button(
            _named(p.unit, titles.get(p.passage_id, p.unit)), f"source.open:near{n}", f"{exchange_id}|{p.passage_id}"
        )
        for n, p in enumerate(answer.passages[:_SHOWN_NEAREST], start=1)
    ]
    return actions(*buttons) if buttons else []


def _last_row(exchange_id: str, answer: Answer, *, private: bool) -> list[Block]:
    share = private and answer.outcome == "answered"
    row = actions(button("Share to a channel", "share.open", exchange_id)) if share else []
    return [*row, feedback("ask.feedback", exchange_id, "Helpful", "Not helpful")]


# --- feedback -------------------------------------------------------------------------------------------------------


def rate(request: Click, deps: Deps) -> Reply:
    """Thumbs up or down."""
    verdict, _, exchange_id = request.value.partition("|")
    helpful = verdict == "up"
    if not deps.repositories.exchanges.rate(exchange_id, request.member, helpful=helpful):
        return say(deps.wording(missing(request)))
    deps.metrics.rated(helpful=helpful)
    if helpful:
        return say(deps.wording("slack.ask.feedback.up"), outcome="rated")
    text, offer = deps.wording("slack.ask.feedback.down"), deps.wording("slack.ask.gap.offer")
    share = button(deps.wording("slack.ask.gap.button"), "ask.gap", exchange_id)
    return say(f"{text}\n\n{offer}", [*sections(text), *sections(offer), *actions(share)], outcome="rated")


def share_gap(request: Click, deps: Deps) -> Reply:
    """The asker lets whoever keeps the sources see the question."""
    if not deps.repositories.exchanges.share(request.value, request.member):
        return say(deps.wording(missing(request)))
    return say(deps.wording("slack.ask.gap.shared", coach=deps.commands.coach), outcome="shared")


def missing(request: Click) -> str:
    """The words for an exchange that isn't there: in a channel it is likely somebody else's, elsewhere too old."""
    in_channel = request.on.channel.startswith(("C", "G")) and not request.on.ephemeral
    return "slack.not_yours" if in_channel else "slack.old_button"


# --- the global shortcut ----------------------------------------------------------------------------------------------


def open_question(request: GlobalShortcut, deps: Deps) -> None:
    """The shortcut that asks from anywhere: a modal for the question; the answer comes in the DM."""
    deps.slack.open_view(request, question_modal())


def question_modal() -> Block:
    """One field for a question."""
    note = plain_context("The answer comes to our conversation, where only you can read it.")
    element = text_input("question", multiline=True, placeholder="What is the difference between C4 and C5?")
    return modal(
        "Ask the coach", [field("question", "Your question", element), note], callback_id="ask.ask", submit="Ask"
    )


def check_question(request: Submission, _deps: Deps) -> Ack | None:
    """A question needs words."""
    return None if request.text("question") else errors(question="Please write a question.")


def ask_from_modal(request: Submission, deps: Deps) -> Reply | None:
    """The question of the modal, routed like any other and answered in the DM with the question above it."""
    question = request.text("question")
    reply = routed(request, question, deps)
    return with_question(reply, question, deps.wording) if reply else None


def with_question(reply: Reply, question: str, wording: Wording, *, lead: str = "you_asked") -> Reply:
    """A reply that starts with what it is about, where those words don't stand above it."""
    asked = wording(f"slack.{lead}", question=escape(clip(question, 300)))
    first, *others = reply.says
    blocks: Sequence[Block] = [context(asked), *(first.blocks or sections(first.text))]
    return Reply((Say(f"{asked}\n\n{first.text}", blocks, first.place), *others), reply.turns, reply.outcome)


REGISTRATIONS: tuple[Registration, ...] = (
    on_intent("ask", ask, "ask"),
    on_click("ask.feedback", rate),
    on_click("ask.gap", share_gap),
    on_shortcut(ASK_CALLBACK, open_question),
    on_submit("ask.ask", ask_from_modal, answer=check_question, quick=False),
)
