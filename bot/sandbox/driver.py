"""A test's hands and eyes on the sandbox: say, click, submit, wait. The same code as behind the page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bot.sandbox.recorder import RecordedCall, Recorder
from bot.sandbox.records import BOT_USER, TEAM, Json, Message, View
from bot.sandbox.socket_mode import Hub
from bot.sandbox.state import State
from bot.sandbox.ui_actions import Hands
from bot.sandbox.view_state import STATEFUL, elements
from bot.sandbox.wire import message_wire

T = TypeVar("T")
WAIT = 10.0  # seconds; a deadline, not a pause
ANSWER = 30.0


class Driver:
    """The part of Sandbox that tests hold. Call from any thread but the server's own."""

    state: State
    people: Hands
    hub: Hub
    recorder: Recorder
    loop: asyncio.AbstractEventLoop | None

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        assert self.loop is not None, "start the sandbox first"
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(ANSWER)

    # --- hands ---

    def dm(self, user: str) -> str:
        """The id of a person's DM with the bot."""
        channel = self.state.dm_of(user)
        assert channel is not None, f"no DM of {user}"
        return channel.id

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Post as a person; the message's ts. Raises UiError."""
        return self.people.say(user, channel, text, thread_ts).ts

    def mention(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Post a message that mentions the bot; its ts."""
        return self.say(user, channel, f"<@{BOT_USER}> {text}", thread_ts)

    def command(self, user: str, channel: str, command: str, text: str = "") -> None:
        """Send a slash command; returns once the bot acknowledged it or time ran out."""
        self._do(self.people.command(user, channel, command, text))

    def shortcut(self, user: str, callback_id: str, channel: str | None = None, ts: str | None = None) -> None:
        """Use a shortcut, with channel and ts for one on a message."""
        self._do(self.people.shortcut(user, callback_id, channel, ts))

    def click(self, user: str, where: str, action_id: str, value: Any = None, *, index: int = 0) -> None:
        """Use an element of the message with the ts `where`, or of the view with that id.

        `value` is the option's value or the text for stateful elements; `index` picks among equal action_ids.
        """
        container, blocks = self._surface(user, where)
        found = [(block, element) for block, element in elements(blocks) if element["action_id"] == action_id]
        assert len(found) > index, (
            f"no element {action_id!r}; there are {[e['action_id'] for _, e in elements(blocks)]}"
        )
        block, element = found[index]
        self._do(self.people.act(user, container, block["block_id"], action_id, value=element_value(element, value)))

    def submit(self, user: str, values: Json | None = None, *, view_id: str | None = None) -> dict[str, str]:
        """Send the visible modal with values by action_id (or {block_id: {action_id: value}}); errors by block_id."""
        view = self.modal(user) if view_id is None else self.state.views.get(view_id)
        assert view is not None, f"{user} has no modal open"
        posted: Json = {}
        for block, element in elements(view.content["blocks"]):
            inner = (values or {}).get(block["block_id"])
            source = inner if isinstance(inner, dict) else values or {}
            if element["action_id"] in source:
                filled = element_value(element, source[element["action_id"]])
                posted.setdefault(block["block_id"], {})[element["action_id"]] = filled
        return self._do(self.people.submit(user, view.id, posted))

    def close(self, user: str, *, clear: bool = False) -> None:
        """Dismiss the visible modal."""
        view = self.modal(user)
        assert view is not None, f"{user} has no modal open"
        self._do(self.people.close(user, view.id, clear=clear))

    def open_home(self, user: str) -> None:
        """Open the App Home."""
        self.people.open_home(user)

    def open_dm(self, user: str) -> None:
        """Open the DM with the bot."""
        self.people.open_dm(user)

    def add_person(self, real_name: str = "Dana Weber", tz: str = "Europe/Berlin") -> str:
        """Somebody new in the workspace, with a DM; the id."""
        return self.state.add_person(real_name, tz).id

    def set_person(self, user: str, *roles: str, team: str = TEAM) -> None:
        """Give a person other roles (of records.ROLES) or another home; delivers user_change where it is subscribed."""
        self.state.set_person(user, frozenset(roles), team)

    def set_timezone(self, user: str, tz: str) -> None:
        """Move a person to another zone; delivers user_change where it is subscribed."""
        self.state.set_timezone(user, tz)

    def disturb_sockets(self, kind: str, times: int = 1) -> None:
        """Bring about a socket fault now: disconnect, warning, drop, silent, refuse."""
        self._do(self.hub.disturb(kind, times))

    def _surface(self, user: str, where: str) -> tuple[Json, list[Json]]:
        view = self.state.views.get(where)
        if view is not None:
            return {"type": "view", "view_id": view.id}, view.content["blocks"]
        for channel in self.state.channels.values():
            message = self.state.find(channel.id, where)
            if message is not None and user in channel.members:
                return {"type": "message", "channel": channel.id, "ts": where}, message.blocks or []
        raise AssertionError(f"neither a view nor a message: {where}")

    # --- eyes ---

    def modal(self, user: str) -> View | None:
        """The modal that a person sees."""
        with self.state.lock:
            return self.state.top_view(user)

    def home(self, user: str) -> View | None:
        """A person's Home, once it was published."""
        with self.state.lock:
            return self.state.homes.get(user)

    def messages(self, channel: str, user: str | None = None, *, thread_ts: str | None = None) -> list[Json]:
        """Messages there as the page shows them, oldest first; ephemeral ones only for `user`."""
        with self.state.lock:
            found = [
                message
                for message in self.state.messages[channel].values()
                if message.ephemeral_for in {None, user} and (thread_ts is None or message.root_ts == thread_ts)
            ]
            return [message_wire(self.state, message, for_page=True) for message in sorted(found, key=_ts)]

    # --- waiting ---

    def wait_for(self, predicate: Callable[[], T | None], timeout: float = WAIT, what: str = "") -> T:
        """Wait until the predicate gives something true, and return it. Raises TimeoutError with the calls so far."""
        deadline = time.monotonic() + timeout
        with self.state.changed:
            while True:
                found = predicate()
                if found:
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{what or 'it'} did not happen within {timeout:g} s; {self._story()}")
                self.state.changed.wait(min(left, 0.25))  # also looks at what changes without news, as the time does

    def wait_for_message(
        self,
        channel: str,
        contains: str = "",
        *,
        user: str | None = None,
        after: str = "0",
        thread_ts: str | None = None,
        complete: bool = True,
        timeout: float = WAIT,
    ) -> Json:
        """The bot's first message there after a ts that holds `contains` in text or blocks.

        A stream counts once it has ended, unless `complete` is False. With `user`, messages that only this person
        sees count too.
        """

        def look() -> Json | None:
            for message in self.messages(channel, user, thread_ts=thread_ts):
                own = message["user"] == BOT_USER and message["ts"] > after
                if own and contains in words(message) and not (complete and message.get("streaming")):
                    return message
            return None

        return self.wait_for(look, timeout, f"a message of the bot in {channel} with {contains!r}")

    def wait_for_call(self, method: str, timeout: float = WAIT, *, count: int = 1) -> RecordedCall:
        """The count-th call of a Web API method ("response_url" counts as one)."""

        def look() -> RecordedCall | None:
            calls = self.recorder.of(method)
            return calls[count - 1] if len(calls) >= count else None

        return self.wait_for(look, timeout, f"call {count} of {method}")

    def wait_for_modal(self, user: str, contains: str = "", timeout: float = WAIT) -> View:
        """The visible modal, once it holds `contains`."""

        def look() -> View | None:
            view = self.modal(user)
            return view if view and contains in words(view.content) else None

        return self.wait_for(look, timeout, f"a modal for {user} with {contains!r}")

    def wait_for_home(self, user: str, contains: str = "", timeout: float = WAIT) -> View:
        """The Home, once it holds `contains`."""

        def look() -> View | None:
            view = self.home(user)
            return view if view and contains in words(view.content) else None

        return self.wait_for(look, timeout, f"a Home of {user} with {contains!r}")

    def wait_connected(self, connections: int = 1, timeout: float = WAIT) -> None:
        """Wait until the bot has so many WebSockets open."""
        self.wait_for(lambda: len(self.hub.connections) >= connections, timeout, f"{connections} connections")

    def wait_idle(self, timeout: float = WAIT, *, quiet: float = 0.3) -> None:
        """Wait until all events are acknowledged, no call is open, and none came for `quiet` seconds."""

        def idle() -> bool:
            busy = self.hub.undelivered or self.recorder.under_way or self.hub.waiting()
            return not busy and time.monotonic() - self.recorder.last_activity >= quiet

        self.recorder.last_activity = time.monotonic()
        self.wait_for(idle, timeout, "quiet")

    def _story(self) -> str:
        calls = [f"{call.method} {'ok' if call.ok else call.response}" for call in self.recorder.calls[-8:]]
        return f"last calls: {calls or 'none'}; events under way: {self.hub.undelivered}"


def words(value: Any) -> str:
    """All strings inside a payload, one a line: what `contains` looks through."""
    if isinstance(value, dict):
        return "\n".join(words(item) for item in value.values())
    if isinstance(value, list):
        return "\n".join(words(item) for item in value)
    return value if isinstance(value, str) else ""


def _ts(message: Message) -> str:
    return message.ts


def element_value(element: Json, value: Any) -> Json:
    """What the page would send for a plain value: an option's value, a text, a date, a list of either."""
    if isinstance(value, dict) or element["type"] not in {*STATEFUL, "overflow", "feedback_buttons"}:
        return value if isinstance(value, dict) else {}
    if element["type"] == "feedback_buttons":
        return {"value": value}
    key = "selected_option" if element["type"] == "overflow" else STATEFUL[element["type"]][0]
    if key not in {"selected_option", "selected_options"}:
        return {key: value}
    offered = list(element.get("options") or [])
    offered += [option for group in element.get("option_groups") or () for option in group["options"]]
    by_value = {option["value"]: option for option in offered}
    if key == "selected_option":
        return {key: by_value.get(value, value)}
    return {key: [by_value.get(item, item) for item in value]}
