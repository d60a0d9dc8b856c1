"""How a feature says what it listens for: `On` records made by the `on_…` functions, looked up by request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.slack.deps import Deps, IntentHandler
from bot.slack.payloads import (
    Choice,
    Click,
    Closed,
    Command,
    Delivery,
    GlobalShortcut,
    HomeOpened,
    Lifecycle,
    Mention,
    Message,
    MessageShortcut,
    ProfileChanged,
    Stopped,
    Submission,
)
from bot.slack.replies import Reply, View

Handler = Callable[[Any, Deps], Reply | None]
Ack = dict[str, Any]
Answerer = Callable[[Submission, Deps], Ack | None]

CLEAR: Ack = {"response_action": "clear"}


def errors(**by_block: str) -> Ack:
    """Keep the modal open with a sentence under each input named by its block id."""
    return {"response_action": "errors", "errors": by_block}


def show(view: View) -> Ack:
    """Put another view in the submitted modal's place."""
    return {"response_action": "update", "view": view}


def push(view: View) -> Ack:
    """Put another view on top of the submitted modal."""
    return {"response_action": "push", "view": view}


@dataclass(frozen=True, slots=True)
class On:
    """One registration: a kind of request, a name, and what is done."""

    kind: type[Any]
    name: str  # command key, callback id, action prefix, tab, …; "" takes every request of the kind
    handler: Handler | None = None
    answer: Answerer | None = None  # submissions only: runs before the acknowledgement
    at_once: Callable[[Any], None] | None = None  # runs when it comes in, before it is written: at most sets a flag
    quick: bool | Callable[[Any], bool] = True  # works in the lane for clicks and modals, apart from slow answers

    def is_quick(self, request: Delivery) -> bool:
        """True where this request is worked in the lane for clicks and modals."""
        return self.quick if isinstance(self.quick, bool) else self.quick(request)


def on_command(
    name: str, handler: Callable[[Command, Deps], Reply | None], *, quick: bool | Callable[[Command], bool] = False
) -> On:
    """A slash command by its bare name ("selfcheck"); `quick` is or gives True where it opens a modal."""
    return On(Command, name, handler, quick=quick)


def on_click(prefix: str, handler: Callable[[Click, Deps], Reply | None], *, quick: bool = True) -> On:
    """A button whose action_id is `prefix` or starts with `prefix:`."""
    return On(Click, prefix, handler, quick=quick)


def on_choice(prefix: str, handler: Callable[[Choice, Deps], Reply | None]) -> On:
    """A select, picker or the like whose action_id is `prefix` or starts with `prefix:`."""
    return On(Choice, prefix, handler)


def on_submit(
    callback_id: str,
    handler: Callable[[Submission, Deps], Reply | None] | None = None,
    *,
    answer: Answerer | None = None,
    quick: bool = True,
) -> On:
    """A modal's submission. `answer` checks the inputs; `handler` does the work after the acknowledgement."""
    return On(Submission, callback_id, handler, answer, quick=quick)


def on_close(callback_id: str, handler: Callable[[Closed, Deps], Reply | None]) -> On:
    """A modal with notify_on_close was closed."""
    return On(Closed, callback_id, handler)


def on_shortcut(callback_id: str, handler: Callable[[GlobalShortcut, Deps], Reply | None]) -> On:
    """A global shortcut."""
    return On(GlobalShortcut, callback_id, handler)


def on_message_shortcut(callback_id: str, handler: Callable[[MessageShortcut, Deps], Reply | None]) -> On:
    """A shortcut on a message."""
    return On(MessageShortcut, callback_id, handler, quick=False)


def on_home(tab: str, handler: Callable[[HomeOpened, Deps], Reply | None]) -> On:
    """The App Home (`home`) or the message tab (`messages`) was opened."""
    return On(HomeOpened, tab, handler)


@dataclass(frozen=True, slots=True)
class OnIntent:
    """What is done when a message, a mention or `/coach <words>` wants something, by the router's word for it."""

    intent: str  # bot.core.conversation.Intent
    handler: IntentHandler
    subcommands: tuple[str, ...] = ()  # first words after /coach that mean it outright


def on_intent(intent: str, handler: IntentHandler, *subcommands: str) -> OnIntent:
    """A wish in words; `subcommands` are first words after `/coach` that mean it outright."""
    return OnIntent(intent, handler, subcommands)


Registration = On | OnIntent


def _name_of(request: Delivery) -> str:
    match request:
        case Command(name=name):
            return name
        case Click(action_id=name) | Choice(action_id=name):
            return name
        case HomeOpened(tab=name) | Lifecycle(name=name):
            return name
        case Message() | Mention() | ProfileChanged() | Stopped():
            return ""
        case _:
            return request.callback_id


class Registry:
    """All registrations. Raises ValueError where two claim the same name."""

    def __init__(self, registrations: Iterable[Registration], *, command_prefix: str = "") -> None:
        self._on: dict[tuple[type[Any], str], On] = {}
        self.intents: dict[str, IntentHandler] = {}
        self.subcommands: dict[str, str] = {}  # first word -> intent
        for registration in registrations:
            if isinstance(registration, OnIntent):
                self._add_intent(registration)
            else:
                self._add(registration, command_prefix)

    def _add(self, on: On, prefix: str) -> None:
        name = f"/{prefix}{on.name}" if on.kind is Command else on.name
        if (on.kind, name) in self._on:
            raise ValueError(f"{on.kind.__name__} {name!r} is registered twice")
        self._on[on.kind, name] = on

    def _add_intent(self, on: OnIntent) -> None:
        taken = [w for w in on.subcommands if w in self.subcommands]
        if on.intent in self.intents or taken:
            raise ValueError(f"intent {on.intent!r} or its words {taken} are registered twice")
        self.intents[on.intent] = on.handler
        self.subcommands |= dict.fromkeys(on.subcommands, on.intent)

    def find(self, request: Delivery) -> On | None:
        """The registration for a request; for buttons and selects the one with the longest fitting prefix."""
        kind, name = type(request), _name_of(request)
        while True:
            found = self._on.get((kind, name))
            if found:
                return found
            if not name:
                return None
            name = name.rpartition(":")[0] if kind in {Click, Choice} else ""

    def names(self, kind: type[Any]) -> Mapping[str, On]:
        """The registrations of one kind of request, by name."""
        return {name: on for (k, name), on in self._on.items() if k is kind}
