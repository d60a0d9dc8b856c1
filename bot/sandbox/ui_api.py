"""What people do on the page, and tests through the driver: type, send commands, look."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.sandbox import events
from bot.sandbox.records import BOT_USER, TEAM, TEAM_NAME, Channel, Json, Message, User
from bot.sandbox.socket_mode import Hub, NotDeliveredError
from bot.sandbox.state import State
from bot.sandbox.typed import typed_command
from bot.sandbox.wire import message_wire


class UiError(Exception):
    """The page asked for what can't be done: a code and calm words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class People:
    """The hands of the workspace's people."""

    def __init__(self, state: State, hub: Hub) -> None:
        self.state = state
        self.hub = hub

    # --- looking things up ---

    def user(self, user: Any) -> User:
        """A person by id. Raises UiError."""
        found = self.state.users.get(str(user))
        if found is None or found.is_bot:
            raise UiError("unknown_user", "Nobody with that id is in this workspace.")
        return found

    def channel(self, user: str, channel: Any) -> Channel:
        """A conversation that this person is in. Raises UiError."""
        found = self.state.channels.get(str(channel))
        if found is None or user not in found.members:
            raise UiError("channel_not_found", "There is no such conversation here for you.")
        return found

    def message(self, user: str, channel: str, ts: Any) -> Message:
        """A message that this person can see. Raises UiError."""
        found = self.state.find(channel, str(ts))
        if found is None or found.ephemeral_for not in {None, user}:
            raise UiError("message_not_found", "That message is not there any more.")
        return found

    def notice(self, user: str, text: str, level: str = "error") -> None:
        """Show a line to one person, as Slackbot would."""
        self.state.bus.publish({"type": "notice", "level": level, "text": text}, {user})

    # --- messages ---

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Message:
        """Post as a person."""
        room = self.channel(self.user(user).id, channel)
        if not text.strip():
            raise UiError("no_text", "The message is empty.")
        if room.is_im and not self.state.manifest.messages_tab:
            raise UiError("messages_tab_disabled", "Sending messages to this app has been turned off.")
        if room.is_im and self.state.manifest.messages_read_only:
            raise UiError("messages_tab_disabled", "This app only sends messages; it does not take any.")
        root = self.message(user, channel, thread_ts).root_ts if thread_ts else None
        message = self.state.post(self.state.typed(user, channel, text, thread_ts=root))
        if BOT_USER not in room.members and f"<@{BOT_USER}>" in message.text:
            name = self.state.users[BOT_USER].real_name
            self.notice(user, f"{name} is not in #{room.name}, so it does not see your mention.", "info")
        return message

    def edit(self, user: str, channel: str, ts: str, text: str) -> Message:
        """Edit one's own message."""
        message = self._own(user, channel, ts)
        new_text, blocks = self.state.resolve_typed(text)

        def apply(target: Message) -> None:
            target.text, target.typed_blocks = new_text, blocks

        self.state.edit(message, apply)
        return message

    def delete(self, user: str, channel: str, ts: str) -> None:
        """Delete one's own message, or an ephemeral one."""
        self.state.delete(self._own(user, channel, ts))

    def _own(self, user: str, channel: str, ts: str) -> Message:
        message = self.message(self.user(user).id, self.channel(user, channel).id, ts)
        if user not in {message.user, message.ephemeral_for}:
            raise UiError("not_yours", "Only its author can change a message.")
        return message

    def read(self, user: str, channel: str) -> None:
        """Mark a conversation as read."""
        with self.state.change():
            self.state.unread.pop((self.user(user).id, channel), None)

    # --- commands ---

    async def command(self, user: str, channel: str, command: str, text: str) -> None:
        """Send a slash command; a failure is shown to the person as Slack shows it."""
        room = self.channel(self.user(user).id, channel)
        known = self.state.manifest.command(command)
        if known is None:
            raise UiError("unknown_command", f"{command} is not a valid command.")
        with self.state.change():
            rooms = {c.id: c.name for c in self.state.channels.values() if not c.is_im}
            names = {u.id: u.name for u in self.state.users.values()}
            typed = typed_command(text, names, rooms, should_escape=known.should_escape)
            payload = events.slash_command(self.state, user, room, command, typed)
        answer = await self._ask(user, "slash_commands", payload, command)
        if answer:
            self.answer_command(user, room, f"{command} {typed}".strip(), answer)

    def answer_command(self, user: str, room: Channel, typed: str, answer: Json) -> None:
        """Show what the acknowledgement of a command said: to the person, or to all with the command itself."""
        with self.state.change():
            public = answer.get("response_type") == "in_channel"
            if public:
                self.state.post(Message(room.id, self.state.new_ts(), user, typed))
            if answer.get("text") or answer.get("blocks"):
                message = Message(room.id, self.state.new_ts(), BOT_USER, str(answer.get("text") or ""))
                message.blocks, message.ephemeral_for = answer.get("blocks"), None if public else user
                self.state.post(message)

    async def _ask(self, user: str, kind: str, payload: Json, what: str) -> Json | None:
        try:
            return await self.hub.ask(kind, payload)
        except NotDeliveredError as error:
            self.notice(user, f'{what} failed with the error "{error.code}"')
            return None

    # --- the page's first look ---

    def snapshot(self, user: str) -> Json:
        """Everything that a person's page shows."""
        me = self.user(user)
        with self.state.lock:
            rooms = [channel for channel in self.state.channels.values() if me.id in channel.members]
            home = self.state.homes.get(me.id)
            manifest = self.state.manifest
            return {
                "team": {"id": TEAM, "name": TEAM_NAME},
                "me": me.id,
                "users": [user_card(person) for person in self.state.users.values()],
                "channels": [self._room_card(me.id, room) for room in rooms],
                "messages": {room.id: self._visible(me.id, room) for room in rooms},
                "home": home.wire() if home else None,
                "commands": [
                    {"command": c.command, "description": c.description, "usage_hint": c.usage_hint}
                    for c in manifest.commands
                ],
                "shortcuts": [
                    {"name": s.name, "callback_id": s.callback_id, "type": s.type, "description": s.description}
                    for s in manifest.shortcuts
                ],
                "suggested_prompts": self._prompts(me.id),
                "clock": clock_card(self.state),
                "modal": self.state.page_view(top) if (top := self.state.top_view(me.id)) else None,
                "statuses": [
                    {"channel": channel, "thread_ts": thread, "text": text}
                    for (channel, thread), text in self.state.statuses.items()
                    if text and me.id in self.state.channels[channel].members
                ],
            }

    def _prompts(self, user: str) -> list[Json]:
        channel = self.state.dm_of(user)
        own = self.state.prompts.get(channel.id) if channel else None
        return own or [{"title": title, "message": text} for title, text in self.state.manifest.prompts]

    def _visible(self, user: str, room: Channel) -> list[Json]:
        mine = [m for m in self.state.messages[room.id].values() if m.ephemeral_for in {None, user}]
        return [message_wire(self.state, m, for_page=True) for m in sorted(mine, key=lambda m: m.ts)]

    def _room_card(self, user: str, room: Channel) -> Json:
        return {
            "id": room.id,
            "name": room.name if not room.is_im else self.state.users[BOT_USER].real_name,
            "is_im": room.is_im,
            "is_member_bot": BOT_USER in room.members,
            "topic": room.topic,
            "unread": self.state.unread.get((user, room.id), 0),
        }


def user_card(user: User) -> Json:
    """A person for the page."""
    initials = "".join(part[0] for part in user.real_name.split()[:2]).upper()
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "avatar": {"initials": initials, "colour": user.colour},
        "is_bot": user.is_bot,
        "tz": user.tz,
    }


def clock_card(state: State) -> Json:
    """The sandbox's time for the page."""
    return {"now": state.now().isoformat(), "offset_seconds": state.clock.offset.total_seconds()}


def parse_instant(text: str) -> datetime:
    """An aware instant from ISO text. Raises UiError."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise UiError("invalid_time", "That is not a date and time in ISO form.") from error
    if instant.tzinfo is None:
        raise UiError("invalid_time", "The date and time need a time zone, for example +00:00.")
    return instant


def text_field(body: Mapping[str, Any], name: str) -> str:
    """A string field of the page's JSON. Raises UiError."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise UiError("missing_field", f"The field {name} is missing.")
    return value
