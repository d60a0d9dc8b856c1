"""Sharing a private answer with a channel: a preview, a channel, an explicit yes."""

from __future__ import annotations

from bot.core.answer import Answer
from bot.core.records import Exchange
from bot.core.wording import Wording
from bot.slack.ask import answer_of
from bot.slack.blocks import context, divider, field, modal, plain_context, plain_section, plain_text, sections
from bot.slack.deps import Deps
from bot.slack.mrkdwn import Links, clip, escape, to_mrkdwn
from bot.slack.payloads import Click, Submission
from bot.slack.registry import Ack, Registration, errors, on_click, on_submit
from bot.slack.replies import DM, Block, Place, Reply, Say, View, say
from bot.slack.rules import may_speak

_CALLBACK = "share.confirm"
_QUESTION_SHOWN = 500  # characters


def open_share(request: Click, deps: Deps) -> Reply | None:
    """Show what would be posted, and ask where."""
    exchange = deps.repositories.exchanges.get(request.value, request.member)
    answer = answer_of(exchange) if exchange else None
    if exchange is None or answer is None:
        return say(deps.wording("slack.old_button"))
    deps.slack.open_view(request, share_modal(exchange, answer, deps.wording, deps.links))
    return None


def share_modal(exchange: Exchange, answer: Answer, wording: Wording, links: Links) -> View:
    """The channel to share to, and exactly what will be shared."""
    picker: Block = {
        "type": "conversations_select",
        "action_id": "channel",
        "placeholder": plain_text("Pick a channel", 150),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    blocks = [
        plain_section(wording("slack.share.explain")),
        field("channel", "Share to", picker),
        divider(),
        *shared_blocks(exchange, answer, wording, links),
    ]
    return modal(
        "Share this answer", blocks, callback_id=_CALLBACK, submit="Share", close="Cancel", metadata=exchange.id
    )


def shared_blocks(exchange: Exchange, answer: Answer, wording: Wording, links: Links) -> list[Block]:
    """The question and the answer as the channel will read them."""
    question = wording("slack.share.question", question=clip(exchange.asked, _QUESTION_SHOWN))
    blocks = [plain_section(question), *sections(to_mrkdwn(answer.answer, links))]
    if answer.citations:
        blocks.append(context(_sources(answer, wording)))
    return blocks


def _sources(answer: Answer, wording: Wording) -> str:
    named = (f"[{c.marker}] {escape(c.title)}" for c in answer.citations)
    return wording("slack.ask.sources", sources="; ".join(named))


def check_channel(request: Submission, deps: Deps) -> Ack | None:
    """A channel has to be picked."""
    return None if request.text("channel") else errors(channel=deps.wording("slack.share.pick_channel"))


def share(request: Submission, deps: Deps) -> Reply:
    """Post the answer where its owner said, then say so in the DM."""
    exchange = deps.repositories.exchanges.get(request.metadata, request.member)
    answer = answer_of(exchange) if exchange else None
    if exchange is None or answer is None:
        return say(deps.wording("slack.old_button"))
    posted = shared_message(exchange, answer, request.user_name, deps)
    if not may_speak(request.member.team_id, request.text("channel"), deps):
        return Reply((Say(deps.wording("slack.rules.not_in_channel"), place=DM),), outcome="refused")
    channel = Place("channel", request.text("channel"))
    return Reply(
        (
            Say(posted.text, posted.blocks, channel, if_refused=deps.wording("slack.share.refused")),
            Say(deps.wording("slack.share.done"), place=DM),
        ),
        outcome="shared",
    )


def shared_message(exchange: Exchange, answer: Answer, user_name: str, deps: Deps) -> Say:
    """The message for the channel; it names who shared it without notifying anybody."""
    wording, links = deps.wording, deps.links
    by = wording("slack.share.posted", name=user_name or "Somebody")
    question = wording("slack.share.question", question=escape(clip(exchange.asked, _QUESTION_SHOWN)))
    text = "\n\n".join([escape(by), question, to_mrkdwn(answer.answer, links), _sources(answer, wording)])
    blocks = [plain_context(by), *shared_blocks(exchange, answer, wording, links)]
    return Say(text, blocks)


REGISTRATIONS: tuple[Registration, ...] = (
    on_click("share.open", open_share),
    on_submit(_CALLBACK, share, answer=check_channel),
)
