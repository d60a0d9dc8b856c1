"""Clicks, modals, shortcuts and the Home, as a person does them; what the bot's acknowledgement then changes."""

from __future__ import annotations

from typing import Any

from bot.sandbox import events
from bot.sandbox.api_views import (
    checked_view,
    clear_modals,
    close_modal,
    push_modal,
    update_view,
)
from bot.sandbox.records import BOT_USER, Channel, Json, Message, View
from bot.sandbox.socket_mode import NotDeliveredError
from bot.sandbox.ui_api import People, UiError
from bot.sandbox.view_state import STATEFUL, find_element, initial_values, merge, refusals
from bot.sandbox.web_api import SlackError

TROUBLE = "We had some trouble connecting. Try again?"  # Slack's own words on a modal


class Hands(People):
    """Everything that people can touch."""

    # --- buttons, selects, pickers ---

    async def act(
        self, user: str, container: Json, block_id: str, action_id: str, *, value: Any, state: Any = None
    ) -> None:
        """Use an element of a message or view; `value` is what was chosen, in Slack's form for that element."""
        self._interactive()
        self.user(user)
        with self.state.change():
            payload = self._action_payload(user, container, block_id, action_id, value=value, state=state)
        await self._ask(user, "interactive", payload, "The action")

    def _interactive(self) -> None:
        if not self.state.manifest.interactivity:
            raise UiError("not_interactive", "This app is not configured to handle interactive responses.")

    def _action_payload(
        self, user: str, container: Json, block_id: str, action_id: str, *, value: Any, state: Any
    ) -> Json:
        view, message = self._touched(user, container)
        blocks = view.content["blocks"] if view else (message.blocks if message else None) or []
        element = find_element(blocks, block_id, action_id)
        if element is None:
            raise UiError("element_not_found", "That element is not there any more.")
        chosen = _chosen(element, value)
        action = {"type": element["type"], "block_id": block_id, "action_id": action_id, **chosen}
        action["action_ts"] = self.state.new_ts()
        mine = {block_id: {action_id: chosen}} if element["type"] in STATEFUL else {}
        if view is not None:
            view.values = merge(merge(view.values, state), mine)
            return events.view_block_actions(self.state, user, view, action)
        assert message is not None
        return events.message_block_actions(self.state, user, message, action, self._filled(user, message, state, mine))

    def _filled(self, user: str, message: Message, *posted: Any) -> Json:
        """What this person has filled in on a message, for state.values."""
        key = (user, message.channel, message.ts)
        values = initial_values(message.blocks or [], self.state.filled.get(key))
        for part in posted:
            values = merge(values, part)
        self.state.filled[key] = values
        return values

    def _touched(self, user: str, container: Json) -> tuple[View | None, Message | None]:
        if container.get("type") == "view":
            return self.view(user, container.get("view_id")), None
        channel = self.channel(user, container.get("channel"))
        return None, self.message(user, channel.id, container.get("ts"))

    def view(self, user: str, view_id: Any) -> View:
        """A modal or Home of this person. Raises UiError."""
        found = self.state.views.get(str(view_id))
        if found is None or found.user != user:
            raise UiError("view_not_found", "That view is not open any more.")
        return found

    async def suggest(self, user: str, container: Json, query: Json) -> Json:
        """Ask the bot for the options of an external select."""
        self._interactive()
        with self.state.change():
            view, message = self._touched(self.user(user).id, container)
            payload = events.block_suggestion(self.state, user, view, message, query)
        answer = await self._ask(user, "interactive", payload, "Loading the options") or {}
        return {key: answer[key] for key in ("options", "option_groups") if key in answer}

    # --- modals ---

    async def submit(self, user: str, view_id: str, posted: Any) -> dict[str, str]:
        """Send a modal; {} when it was taken, else texts by block_id. Raises UiError where no answer came."""
        with self.state.change():
            view = self.view(self.user(user).id, view_id)
            if view.content.get("type") != "modal":
                raise UiError("view_not_found", "Only a modal can be sent in.")
            view.values = merge(view.values, posted)
            wrong = refusals(view.content["blocks"], view.values)
            if wrong:
                return wrong
            payload = events.view_submission(self.state, user, view)
        try:
            answer = await self.hub.ask("interactive", payload) or {}
        except NotDeliveredError as error:
            self.notice(user, f'The form failed with the error "{error.code}"')
            raise UiError(error.code, TROUBLE) from error
        try:
            with self.state.change():
                return self._submitted(user, view, answer)
        except SlackError as error:
            self.notice(user, f"The form's answer was refused: {error.code} {' '.join(error.messages)}", "warning")
            raise UiError(error.code, TROUBLE) from error

    def _submitted(self, user: str, view: View, answer: Json) -> dict[str, str]:
        action = answer.get("response_action")
        if action is None:
            close_modal(self.state, view)
        elif action == "clear":
            clear_modals(self.state, user)
        elif action == "errors":
            return _errors(view, answer.get("errors"))
        elif action == "update":
            update_view(self.state, view, checked_view(self.state, answer.get("view"), "modal", replacing=view))
        elif action == "push":
            push_modal(self.state, user, checked_view(self.state, answer.get("view"), "modal"))
        else:
            raise SlackError("invalid_response_action", str(action))
        return {}

    async def close(self, user: str, view_id: str, *, clear: bool = False) -> None:
        """Dismiss a modal, or all with `clear`; the bot hears of those that asked for it."""
        with self.state.change():
            view = self.view(self.user(user).id, view_id)
            clear = clear or bool(view.content.get("clear_on_close"))
            if clear:
                closed = clear_modals(self.state, user)
            else:
                close_modal(self.state, view)
                closed = [view]
            told = [v for v in closed if v.content.get("notify_on_close")]
            payloads = [events.view_closed(self.state, user, v, is_cleared=clear) for v in told]
        for payload in payloads:
            await self._ask(user, "interactive", payload, "Closing the form")

    # --- shortcuts, Home, DM ---

    async def shortcut(self, user: str, callback_id: str, channel: str | None = None, ts: str | None = None) -> None:
        """Use a global shortcut, or one on a message."""
        self._interactive()
        known = self.state.manifest.shortcut(callback_id)
        if known is None:
            raise UiError("unknown_shortcut", "This app has no such shortcut.")
        with self.state.change():
            self.user(user)
            if known.type == "global":
                payload = events.global_shortcut(self.state, user, callback_id)
            else:
                room: Channel = self.channel(user, channel)
                message = self.message(user, room.id, ts)
                if message.ephemeral_for is not None:
                    raise UiError("ephemeral", "Shortcuts are not offered on messages that only you can see.")
                payload = events.message_action(self.state, user, room, message, callback_id)
        await self._ask(user, "interactive", payload, f"“{known.name}”")

    def open_home(self, user: str) -> None:
        """Open the App Home."""
        self.user(user)
        if not self.state.manifest.home_tab:
            raise UiError("not_enabled", "This app has no Home tab.")
        self.state.deliver("app_home_opened", events.app_home_opened(self.state, user, "home"))

    def open_dm(self, user: str) -> None:
        """Open the DM with the bot."""
        self.user(user)
        self.state.deliver("app_home_opened", events.app_home_opened(self.state, user, "messages"))

    def stop_stream(self, user: str, channel: str, ts: str) -> None:
        """Press Stop while the bot's answer is streaming."""
        with self.state.change():
            message = self.message(self.user(user).id, self.channel(user, channel).id, ts)
            if message.stream is None or message.user != BOT_USER:
                raise UiError("not_streaming", "That message is complete already.")
            message.stream.stopped_by_user = True
            stopped = {
                "type": "agent_session_stopped",
                "user": user,
                "channel": channel,
                "thread_ts": message.root_ts,
                "event_ts": self.state.new_ts(),
            }
            self.state.deliver("agent_session_stopped", stopped)
            self.state.show(message)


def _chosen(element: Json, value: Any) -> Json:
    """The element-specific part of an action, checked against what the element offers. Raises UiError."""
    given = value if isinstance(value, dict) else {}
    kind = element["type"]
    if kind in {"button", "workflow_button", "icon_button"}:
        return {key: element[key] for key in ("text", "value", "style", "url") if key in element}
    if kind == "feedback_buttons":
        offered = [element["positive_button"], element["negative_button"]]
        picked = next((button for button in offered if button.get("value") == given.get("value")), None)
        if picked is None:
            raise UiError("invalid_value", "That is not one of the choices.")
        return {"text": picked["text"], "value": picked["value"]}
    key = "selected_option" if kind == "overflow" else STATEFUL[kind][0]
    chosen = given.get(key)
    if kind in {"static_select", "radio_buttons", "overflow", "checkboxes", "multi_static_select"}:
        offered = list(element.get("options") or [])
        offered += [option for group in element.get("option_groups") or () for option in group["options"]]
        for option in chosen if isinstance(chosen, list) else [chosen] if chosen else []:
            if option not in offered:
                raise UiError("invalid_value", "That is not one of the choices.")
    return {key: chosen}


def _errors(view: View, errors: Any) -> dict[str, str]:
    fields = {block["block_id"] for block in view.content["blocks"] if block.get("type") == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= fields:
        raise SlackError("invalid_errors", "errors must be keyed by the block_id of an input block of this view")
    return {str(block): str(text) for block, text in errors.items()}
