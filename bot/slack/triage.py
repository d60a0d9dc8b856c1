"""Triage: which competency a situation is about, a close call settled by one question, and corrections."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from bot.core.answer import Turn
from bot.core.conversation import Route
from bot.core.framework import COMPETENCIES, Knowledge
from bot.core.records import Exchange
from bot.core.triage import Triage
from bot.core.wording import Wording
from bot.slack.ask import missing, with_question
from bot.slack.blocks import (
    actions,
    button,
    checkboxes,
    context,
    field,
    modal,
    option,
    plain_section,
    sections,
    select,
)
from bot.slack.delivery import key_for
from bot.slack.deps import Deps
from bot.slack.manifest import WHICH_CALLBACK
from bot.slack.mrkdwn import escape, plain_words
from bot.slack.payloads import Click, Command, MessageShortcut, Submission
from bot.slack.registry import Ack, Registration, errors, on_click, on_intent, on_message_shortcut, on_submit, show
from bot.slack.replies import Block, Reply, Say, Talk, View, say

_CALLBACK = "triage.correct"
_SELF_CHECK = "selfcheck.start"  # registered by the self-check's module
_FUNCTION_FLOOR = 0.5  # functions less likely than this aren't named
_OWN_WORDS = "own_words"  # False in a result: the message was somebody else's, so it can't be given away


@dataclass(frozen=True, slots=True)
class Card:
    """What the builder needs to show a triage."""

    triage: Triage
    exchange_id: str
    knowledge: Knowledge
    wording: Wording
    can_check: bool = False  # a self-check can be started from here
    settled: str | None = None  # the competency that the person's answer settled on


def triage(talk: Talk, deps: Deps) -> Reply:
    """Say which competency the words are about. Raises IndexNotReady."""
    if not talk.text:
        return say(deps.wording("slack.triage.empty", coach=deps.commands.coach))
    asker = talk.request.member
    result = deps.speaking.triage(talk.text, asker=asker) if deps.speaking else deps.coach.triage(talk.text)
    exchange_id = key_for(talk.request.key, "exchange")
    own = not isinstance(talk.request, MessageShortcut)
    stored = result.model_dump(mode="json") | {_OWN_WORDS: own}
    member = talk.request.member
    deps.repositories.exchanges.save(Exchange(exchange_id, member, "triage", talk.text, stored, deps.clock.now()))
    message = triage_message(_card(result, exchange_id, deps))
    turns = (Turn(role="user", text=talk.text), Turn(role="assistant", text=plain_words(message.text)))
    reply = Reply((message,), turns if own else (), outcome=result.outcome)
    if not isinstance(talk.request, (Command, MessageShortcut)):
        return reply
    # What a private answer is about doesn't stand above it; and the words of a message may be somebody else's.
    return with_question(reply, talk.text, deps.wording, lead="you_asked" if own else "about_message")


def of_message(request: MessageShortcut, deps: Deps) -> Reply:
    """The shortcut on a message: answered to the person who used it, and to nobody else."""
    return triage(Talk(request, request.text, (), Route("triage", 1.0)), deps)


def _card(result: Triage, exchange_id: str, deps: Deps, settled: str | None = None) -> Card:
    can_check = _SELF_CHECK in deps.buttons
    return Card(result, exchange_id, deps.coach.knowledge, deps.wording, can_check, settled)


# --- building -------------------------------------------------------------------------------------------------------


def triage_message(card: Card) -> Say:
    """A triage as a message, by its outcome."""
    if card.settled is None and card.triage.outcome == "none":
        text = card.wording("slack.triage.none")
        return Say(text, [*sections(text), *actions(_not_right(card))])
    if card.settled is None and card.triage.outcome == "close_call" and card.triage.settling:
        return _close_call(card)
    return _match(card)


def _not_right(card: Card) -> Block:
    return button("Not right?", "triage.wrong", card.exchange_id, hint="Say which competency it is about")


def _title(card: Card, code: str) -> str:
    return f"{code} {card.knowledge.title(code)}"


def _close_call(card: Card) -> Say:
    settling = card.triage.settling
    assert settling is not None
    first, second = (escape(_title(card, code)) for code, _ in settling.options[:2])
    lead = card.wording("slack.triage.close_call", first=first, second=second)
    question = card.wording("slack.triage.settle", question=escape(settling.question))
    rows = [button(label, f"triage.settle:{code}", card.exchange_id) for code, label in settling.options]
    rows.append(button("Neither of these", "triage.settle:none", card.exchange_id))
    labels = "; ".join(escape(label) for _, label in settling.options)
    return Say(f"{lead}\n{question} ({labels})", [*sections(f"{lead}\n{question}"), *actions(*rows)])


def _match(card: Card) -> Say:
    code = card.settled or card.triage.competency or card.triage.ranking[0][0]
    lead = _lead(card, code)
    lines = _lines(card, code)
    move = _move(card, code)
    blocks = [*sections(lead), context("\n".join(lines)) if lines else None, *(sections(move) if move else [])]
    blocks += actions(*_buttons(card, code))
    return Say("\n".join([lead, *lines, *([move] if move else [])]), [b for b in blocks if b])


def _lead(card: Card, code: str) -> str:
    unit = card.knowledge.units[code]
    key = "slack.triage.settled" if card.settled else "slack.triage.match"
    return card.wording(key, code=code, title=escape(unit.title), plain_title=escape(_as_sentence(unit.plain_title)))


def _as_sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _lines(card: Card, code: str) -> list[str]:
    """Runner-up, functions, level and the words that speak for it."""
    result, wording = card.triage, card.wording
    out = []
    if result.why and code == result.ranking[0][0]:
        out.append(wording("slack.triage.why", words=", ".join(f"“{escape(w)}”" for w in result.why)))
    runner_up = next((c for c, _ in result.ranking if c != code), None)
    if runner_up:
        out.append(wording("slack.triage.runner_up", title=escape(_title(card, runner_up))))
    functions = [card.knowledge.title(c) for c, p in result.functions if p >= _FUNCTION_FLOOR]
    functions = functions or [card.knowledge.title(c) for c, _ in result.functions[:1]]
    if functions:
        out.append(wording("slack.triage.functions", functions=escape(", ".join(functions))))
    if result.level:
        out.append(wording(f"slack.triage.level.{result.level}"))
    return out


def _move(card: Card, code: str) -> str:
    """The next move of the competency at the level that is called for, and the question to take along."""
    unit, wording = card.knowledge.units[code], card.wording
    moves = [m for m in unit.next_moves if m.level == card.triage.level] or list(unit.next_moves)
    parts = [wording("slack.triage.move", move=escape(moves[0].text))]
    step = card.triage.next
    question = step.question if step and code == card.triage.competency else unit.coach_questions[0]
    return "\n".join([*parts, wording("slack.triage.question", question=escape(question))])


def _buttons(card: Card, code: str) -> list[Block]:
    step = card.triage.next
    read = step.read[:2] if step and code == card.triage.competency else (f"{code}/definition",)
    passages = {p.id: p for p in card.knowledge.passages()}
    out = [
        button(
            f"Read: {passages[i].heading}",
            f"source.open:read{n}",
            f"{card.exchange_id}|{i}",
            hint=f"Read: {passages[i].heading}",
        )
        for n, i in enumerate(read, start=1)
        if i in passages
    ]
    if card.can_check:
        out.append(button("Check myself on this", f"{_SELF_CHECK}:{code}", card.exchange_id))
    return [*out, _not_right(card)]


# --- a close call, settled ------------------------------------------------------------------------------------------


def settle(request: Click, deps: Deps) -> Reply:
    """The answer to the settling question."""
    found = _triage_of(request.value, request, deps)
    if isinstance(found, Reply):
        return found
    code = request.action_id.rpartition(":")[2]
    if code not in COMPETENCIES:
        return say(deps.wording("slack.triage.neither"), outcome="none")
    message = triage_message(_card(found[1], request.value, deps, settled=code))
    return Reply((message,), (Turn(role="assistant", text=plain_words(message.text)),), outcome="settled")


def _triage_of(exchange_id: str, request: Click, deps: Deps) -> tuple[Exchange, Triage] | Reply:
    exchange = deps.repositories.exchanges.get(exchange_id, request.member)
    if exchange is None:
        return say(deps.wording(missing(request)))
    try:
        return exchange, Triage.model_validate(exchange.result)
    except ValidationError:
        return say(deps.wording("slack.old_button"))


# --- corrections ------------------------------------------------------------------------------------------------------


def open_correction(request: Click, deps: Deps) -> Reply | None:
    """Ask, after "Not right?", which competency it is about."""
    found = _triage_of(request.value, request, deps)
    if isinstance(found, Reply):
        return found
    own = found[0].result.get(_OWN_WORDS, True) is True
    deps.slack.open_view(request, correction_modal(request.value, deps.coach.knowledge, deps.wording, own_words=own))
    return None


def correction_modal(exchange_id: str, knowledge: Knowledge, wording: Wording, *, own_words: bool) -> View:
    """The ten competencies and "none"; consent to share only for words of one's own."""
    options = [option(f"{code} {knowledge.title(code)}", code) for code in COMPETENCIES]
    options.append(option("None of these", "none"))
    blocks = [
        plain_section(wording("slack.triage.correct.explain")),
        field("competency", "It is about", select("competency", options, placeholder="Pick one")),
    ]
    if own_words:
        share = option("Yes, it may be used", "share", "Without it, your message stays with you.")
        label = wording("slack.triage.correct.share")
        blocks.append(field("share", label, checkboxes("share", [share]), optional=True))
    return modal("Not right?", blocks, callback_id=_CALLBACK, submit="Save", close="Cancel", metadata=exchange_id)


def check_correction(request: Submission, deps: Deps) -> Ack | None:
    """Something has to be picked; then say thank you in the modal's place."""
    if request.text("competency") not in {*COMPETENCIES, "none"}:
        return errors(competency="Please pick one.")
    key = "thanks_shared" if request.chosen("share") else "thanks"
    return show(modal("Not right?", [plain_section(deps.wording(f"slack.triage.correct.{key}"))]))


def correct(request: Submission, deps: Deps) -> Reply | None:
    """Keep the correction with the exchange; sharing needs consent and words of one's own."""
    exchange = deps.repositories.exchanges.get(request.metadata, request.member)
    if exchange is None:
        return say(deps.wording("slack.old_button"))
    may_share = bool(request.chosen("share")) and exchange.result.get(_OWN_WORDS, True) is True
    code = request.text("competency")
    deps.repositories.exchanges.correct(exchange.id, request.member, correction=code, may_share=may_share)
    return None


REGISTRATIONS: tuple[Registration, ...] = (
    on_intent("triage", triage, "which"),
    on_message_shortcut(WHICH_CALLBACK, of_message),
    on_click("triage.settle", settle),
    on_click("triage.wrong", open_correction),
    on_submit(_CALLBACK, correct, answer=check_correction),
)
