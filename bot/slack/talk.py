"""Words addressed to the bot, however they come: routed to what they want; small talk, help and care answered here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.core.answer import Turn
from bot.core.conversation import Route
from bot.core.records import Exchange
from bot.slack import reflect
from bot.slack.blocks import actions, button, context, sections
from bot.slack.care import support_words
from bot.slack.delivery import key_for
from bot.slack.deps import Deps
from bot.slack.manifest import WHICH_SHORTCUT
from bot.slack.mrkdwn import escape
from bot.slack.payloads import Click, Command, Delivery, HomeOpened, Mention, Message
from bot.slack.registry import On, Registration, on_click, on_command, on_home, on_intent
from bot.slack.replies import Block, Reply, Say, Talk, conversation_of, say

SUGGESTIONS = (1, 2, 3, 4)
_ALONE = frozenset(
    {"help", "privacy", "export", "delete", "admin"}
)  # words after /coach that mean a command only where nothing follows
_UNSURE_LABELS = {
    "ask": "Answer from the paper",
    "triage": "Which competency?",
    "selfcheck": "Check myself",
    "reflect": "Reflect",
    "help": "What can you do?",
    "privacy": "My data",
}


# --- routing --------------------------------------------------------------------------------------------------------


def spoken(request: Message | Mention, deps: Deps) -> Reply | None:
    """A direct message or a mention."""
    if not request.text:
        files = isinstance(request, Message) and request.has_files
        return say(deps.wording("slack.no_files")) if files else say(*help_message(deps))
    word = request.text.lower().strip(".!? ")
    in_thread = isinstance(request, Message) and request.thread_ts  # there it may be an answer to a weekly prompt
    if word in _ALONE and word in deps.subcommands and not in_thread:
        return routed(request, "", deps, wanted=deps.subcommands[word])
    return _reflected(request, deps) or routed(request, request.text, deps)


def _reflected(request: Message | Mention, deps: Deps) -> Reply | None:
    """A reply under a weekly prompt; one that ends as a question can also be answered."""
    if not isinstance(request, Message) or not request.thread_ts or deps.nudges is None:
        return None
    reply = reflect.in_thread(request, deps)
    if reply is None or not request.text.rstrip().endswith("?"):
        return reply
    return _offering_the_other(reply, request, request.text, Route("reflect", 1.0, other="ask"), deps)


def command(request: Command, deps: Deps) -> Reply | None:
    """`/coach …`: a first word that names a wish outright, else a question or situation to route."""
    word, _, rest = request.text.partition(" ")
    intent = deps.subcommands.get(word.lower())
    if not request.text:
        return say(*help_message(deps))
    if intent is None or (rest.strip() and word.lower() in _ALONE):
        return routed(request, request.text, deps)
    return routed(request, rest.strip(), deps, wanted=intent)


def routed(request: Delivery, text: str, deps: Deps, *, wanted: str | None = None) -> Reply | None:
    """Hand words to the handler of what they want; `wanted` was said outright, which only distress overrides."""
    history = recall(request, deps)
    route = deps.coach.route(text, history) if text else Route("help", 1.0)
    intent: str = route.intent if wanted is None or route.intent == "distress" else wanted
    if wanted is not None and intent == wanted:
        route = replace(route, unsure=False, other=None)
    handler = deps.intents.get(intent, deps.intents["help"])
    reply = handler(Talk(request, text, history, route), deps)
    return _offering_the_other(reply, request, text, route, deps) if reply and route.unsure else reply


def recall(request: Delivery, deps: Deps) -> tuple[Turn, ...]:
    """The last eight turns of the conversation, within the time that it is remembered."""
    conversation = conversation_of(request)
    if not conversation:
        return ()
    remembered = deps.kept_for("conversations", request.member.team_id)
    since = deps.clock.now() - (remembered or timedelta(hours=deps.settings.memory_hours))
    found = deps.repositories.conversations.recall(conversation, request.member, since=since, limit=8)
    return tuple(Turn(role=m.role, text=m.text) for m in found)


def _offering_the_other(reply: Reply, request: Delivery, text: str, route: Route, deps: Deps) -> Reply:
    """The reply with a button for the second reading of an unclear message."""
    other = route.other
    if other is None or other not in _UNSURE_LABELS or other not in deps.intents or not reply.says:
        return reply
    exchange_id = key_for(request.key, "other")
    now = deps.clock.now()
    deps.repositories.exchanges.save(Exchange(exchange_id, request.member, "ask", text, {"other": other}, now))
    *before, last = reply.says
    words = deps.wording(f"slack.unsure.{other}")
    blocks = [*(last.blocks or sections(last.text)), *other_blocks(words, other, exchange_id)]
    return replace(reply, says=(*before, replace(last, text=f"{last.text}\n\n{words}", blocks=blocks)))


def other_blocks(words: str, other: str, exchange_id: str) -> list[Block]:
    """The offer of another reading."""
    label = _UNSURE_LABELS[other]
    return [context(escape(words)), *actions(button(label, f"talk.instead:{other}", exchange_id))]


def instead(request: Click, deps: Deps) -> Reply | None:
    """The other reading of an earlier message was wanted."""
    intent = request.action_id.rpartition(":")[2]
    exchange = deps.repositories.exchanges.get(request.value, request.member)
    handler = deps.intents.get(intent)
    if exchange is None or handler is None:
        return say(deps.wording("slack.old_button"))
    route = Route("ask", 1.0)
    return handler(Talk(request, exchange.asked, recall(request, deps), route), deps)


def old_button(_request: Click, deps: Deps) -> Reply:
    """A button that no feature claims: from an older version of the bot."""
    return say(deps.wording("slack.old_button"))


# --- answered here ----------------------------------------------------------------------------------------------------


def help_message(deps: Deps) -> tuple[str, list[Block]]:
    """What the bot can do, with the commands as they are named here."""
    names = deps.commands
    text = deps.wording(
        "slack.help", coach=names.coach, selfcheck=names.selfcheck, reflect=names.reflect, shortcut=WHICH_SHORTCUT
    ).strip()
    return text, sections(text)


def show_help(_talk: Talk, deps: Deps) -> Reply:
    """Help."""
    return say(*help_message(deps), outcome="help")


def smalltalk(talk: Talk, deps: Deps) -> Reply:
    """A greeting, thanks and the like, in kind."""
    subject = talk.route.subject if talk.route.subject in {"greeting", "thanks", "who_are_you", "bye"} else "small"
    return say(deps.wording(f"slack.{subject}"), outcome="smalltalk")


def other_person(talk: Talk, deps: Deps) -> Reply:
    """Somebody else's data, or a verdict: declined, with what can be done instead."""
    kind = talk.route.subject if talk.route.subject in {"medical", "legal", "personnel"} else None
    key = f"ask.refused.declined.{kind}" if kind else "slack.other_person"
    return say(deps.wording(key), outcome="declined")


def care(talk: Talk, deps: Deps) -> Reply:
    """A person in distress is met first."""
    text = deps.wording("slack.care", support=support_words(talk.request.member.team_id, deps))
    return say(text, outcome="care")


# --- the message tab --------------------------------------------------------------------------------------------------


def welcome(request: HomeOpened, deps: Deps) -> Reply | None:
    """Say hello when somebody opens the conversation for the first time."""
    profiles = deps.repositories.profiles
    profile, mark = profiles.get(request.member), key_for(request.key, "welcome")
    if profile.extra.get("welcomed", mark) != mark:
        return None
    profiles.put(replace(profile, extra={**profile.extra, "welcomed": mark}))
    text = deps.wording("slack.welcome")
    return say(text, welcome_blocks(text, deps), outcome="welcomed")


def welcome_blocks(text: str, deps: Deps) -> list[Block]:
    """The welcome with its suggestions as buttons."""
    buttons = (button(deps.wording(f"slack.suggest.{n}.title"), f"talk.suggest:{n}") for n in SUGGESTIONS)
    weekly = [button("One question a week", "nudge.settings")] if "nudge.settings" in deps.buttons else []
    return [*sections(text), *actions(*buttons, *weekly)]


def suggestion(request: Click, deps: Deps) -> Reply | None:
    """A suggested question was pressed: answered as though it had been written."""
    key = f"slack.suggest.{request.action_id.rpartition(':')[2]}.message"
    if key not in deps.wording.texts:
        return say(deps.wording("slack.old_button"))
    question = deps.wording(key)
    reply = routed(request, question, deps)
    if reply is None:
        return None
    asked = deps.wording("slack.you_asked", question=question)
    first, *others = reply.says
    blocks = [context(escape(asked)), *(first.blocks or sections(first.text))]
    return replace(reply, says=(Say(f"{asked}\n\n{first.text}", blocks, first.place), *others))


REGISTRATIONS: tuple[Registration, ...] = (
    On(Message, "", spoken, quick=False),
    On(Mention, "", spoken, quick=False),
    on_command("coach", command),
    on_intent("help", show_help, "help"),
    on_intent("smalltalk", smalltalk),
    on_intent("other_person", other_person),
    on_intent("distress", care),
    on_click("talk.instead", instead, quick=False),
    on_click("talk.suggest", suggestion, quick=False),
    on_click("", old_button),
    on_home("messages", welcome),
)
