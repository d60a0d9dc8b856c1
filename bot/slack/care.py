"""Care before anything else: whoever writes in distress, wherever, is met with care and people to turn to.

The inbox asks here before it hands a request to its feature. What was written to be kept (a self-check's example, a
reflection, a plan) is kept all the same; only then nothing of the feature is said.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bot.slack.blocks import modal, plain_section, sections
from bot.slack.deps import Deps
from bot.slack.mrkdwn import escape, harmless, plain_words
from bot.slack.payloads import Command, Delivery, Mention, Message, MessageShortcut, Submission
from bot.slack.registry import Ack, push, show
from bot.slack.replies import DM, Reply, Say, View, say

log = structlog.get_logger()

_NOT_KEPT = frozenset({"ask.ask"})  # modals whose words are asked, not written down
_IN_THREAD = "reflected"  # outcome of an answer in a thread that went into the journal
_LOST = frozenset({"not_saved", "apology"})  # outcomes that give a person's words back: those are said, too


def own_words(request: Delivery) -> tuple[str, ...]:
    """What the person wrote in this request, field by field."""
    match request:
        case Message(text=text) | Mention(text=text) | Command(text=text):
            return (text,) if text else ()
        case Submission(values=values):
            return tuple(v for v in values.values() if isinstance(v, str) and " " in v.strip())
        case _:
            return ()


def needs_care(request: Delivery, deps: Deps) -> bool:
    """Whether a person in distress wrote this request."""
    return any(deps.coach.in_distress(words) for words in own_words(request))


def met(request: Delivery, work: Callable[[], Reply | None], deps: Deps) -> Reply | None:
    """The reply to a person in distress; None where there is none, and the request is worked as always.

    `work` is what the request asks for; it is run where that keeps what the person wrote, and never said.
    """
    if isinstance(request, MessageShortcut) and deps.coach.in_distress(request.text):
        return say(deps.wording("slack.care.of_somebody", support=support_words(request.member.team_id, deps)))
    if not needs_care(request, deps):
        return None
    log.info("care.given", kind=type(request).__name__.lower())  # that it happened, never what was written
    if not _may_keep(request):
        # A mention stands in a channel; care does not.
        place = DM if isinstance(request, Mention) else None
        return Reply((_words("slack.care", request, deps, place),), outcome="care")
    try:
        reply = work() or Reply((), outcome="done")
    except Exception as error:  # noqa: BLE001 - care is given, whatever else fails
        log.error("care.work_failed", error=type(error).__name__)  # noqa: TRY400 - a trace may hold words
        return Reply((_words("slack.care", request, deps, None),), outcome="care")
    if reply.outcome in _LOST:
        return Reply((_words("slack.care", request, deps, None), *reply.says), outcome="care")
    kept = isinstance(request, Submission) or reply.outcome == _IN_THREAD
    return Reply((_words("slack.care.kept" if kept else "slack.care", request, deps, None),), outcome="care")


def _may_keep(request: Delivery) -> bool:
    """Whether what was written may be meant for keeping: a form's words, or an answer below a weekly prompt."""
    if isinstance(request, Message):
        return request.thread_ts is not None
    return isinstance(request, Submission) and request.callback_id not in _NOT_KEPT


def in_modal(request: Delivery, ack: Ack, deps: Deps) -> Ack:
    """The answer to a modal: where its words are somebody's distress, care stands in its place, or on top of it."""
    if not isinstance(request, Submission) or not needs_care(request, deps):
        return ack
    key = "slack.care" if request.callback_id in _NOT_KEPT else "slack.care.kept"
    if ack.get("response_action") == "errors":
        return push(care_modal("slack.care", request, deps))  # the form with its words waits below
    return show(care_modal(key, request, deps))


def care_modal(key: str, request: Delivery, deps: Deps) -> View:
    """The words of care as a modal."""
    support = harmless(deps.support_line(request.member.team_id), deps.links)
    text = deps.wording(key, support=support or deps.wording("slack.care.support"))
    return modal("For you", [plain_section(text)], close="Close")


def support_words(team_id: str, deps: Deps) -> str:
    """Whom a person can turn to, as mrkdwn: the workspace's or operator's support line, or a sensible text."""
    line = deps.support_line(team_id)
    return escape(line, deps.links) if line else deps.wording("slack.care.support")


def _words(key: str, request: Delivery, deps: Deps, place: object) -> Say:
    text = deps.wording(key, support=support_words(request.member.team_id, deps))
    return Say(plain_words(text), sections(text), DM if place is DM else None)
