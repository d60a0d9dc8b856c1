"""The workspace, behind one lock. Every change is told to the pages and, as events, to the bot."""

from __future__ import annotations

import copy
import itertools
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bot.sandbox import seed
from bot.sandbox.bus import Bus
from bot.sandbox.clock import SandboxClock
from bot.sandbox.events import message_changed, message_deleted, message_event
from bot.sandbox.manifest import Manifest, parse_manifest
from bot.sandbox.records import (
    BOT_USER,
    TEAM,
    Channel,
    File,
    Json,
    Message,
    ResponseUrl,
    Trigger,
    User,
    View,
)
from bot.sandbox.typed import typed_message
from bot.sandbox.wire import message_wire, user_wire

TRIGGER_LIFE = timedelta(seconds=3)
RESPONSE_URL_LIFE = timedelta(minutes=30)


class State:
    """The workspace. Hold `lock` around anything that reads more than one thing; it may be taken again."""

    def __init__(self, clock: SandboxClock, bus: Bus) -> None:
        self.clock = clock
        self.bus = bus
        self.base_url = ""  # set when the server listens
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.deliver: Callable[[str, Json], None] = lambda _name, _event: None  # set once the socket side is up
        self.manifest: Manifest = parse_manifest(seed.default_manifest())
        self.users: dict[str, User] = {user.id: user for user in seed.users()}
        self.channels: dict[str, Channel] = {channel.id: channel for channel in seed.channels()}
        self.messages: dict[str, dict[str, Message]] = {channel: {} for channel in self.channels}
        self._threads: dict[tuple[str, str], list[Message]] = {}  # replies by channel and root
        self._dms = {channel.im_user: channel for channel in self.channels.values() if channel.im_user}
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[str]] = {}  # open modals by user, the visible one last
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.files: dict[str, File] = {}
        self.unread: dict[tuple[str, str], int] = {}
        self.statuses: dict[tuple[str, str], str] = {}
        self.filled: dict[tuple[str, str, str], Json] = {}  # state.values by (person, channel, ts of the message)
        self.sessions: dict[tuple[str, str], Json] = {}
        self.prompts: dict[str, list[Json]] = {}  # suggested prompts that the bot set, by DM
        self._ids = itertools.count(1)
        self._run = secrets.token_hex(4).upper()  # a bot's data folder outlives this state and remembers ids it has met
        self._last_micros = 0
        self._seed_messages()

    # --- ids and time ---

    def now(self) -> datetime:
        """The clock's time."""
        return self.clock.now()

    def new_id(self, prefix: str) -> str:
        """An id that was not there before, not even in an earlier run of the sandbox."""
        return f"{prefix}{self._run}{next(self._ids):06d}"

    def new_ts(self, at: datetime | None = None) -> str:
        """A message's ts: unique, and never earlier than one before it, also where the clock was moved back."""
        with self.lock:
            micros = max(round((at or self.now()).timestamp() * 1_000_000), self._last_micros + 1)
            self._last_micros = micros
            return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock, and wake those who wait for a change."""
        with self.changed:
            yield
            self.changed.notify_all()

    # --- messages ---

    def dm_of(self, user: str) -> Channel | None:
        """The DM between a person and the bot."""
        return self._dms.get(user)

    def add_person(self, real_name: str, tz: str) -> User:
        """Somebody new, with a DM."""
        with self.change():
            number = len(self.users)
            user = User(f"U0P{number:05d}", real_name.split(maxsplit=1)[0].lower(), real_name, tz, "#5a5a5a")
            dm = Channel(f"D0P{number:05d}", "directmessage", {user.id, BOT_USER}, im_user=user.id)
            self.users[user.id], self.channels[dm.id], self.messages[dm.id] = user, dm, {}
            self._dms[user.id] = dm
            return user

    def set_person(self, user: str, roles: frozenset[str], team: str) -> None:
        """Make a person what Slack says of them; the bot hears of it where it asked to."""
        with self.change():
            self.users[user].roles, self.users[user].team = roles, team
            event = {"type": "user_change", "user": user_wire(self.users[user], self.now()), "event_ts": self.new_ts()}
            self.deliver("user_change", event)

    def set_timezone(self, user: str, tz: str) -> None:
        """A person moves to another zone; the bot hears of it where it asked to."""
        with self.change():
            self.users[user].tz = tz
            event = {"type": "user_change", "user": user_wire(self.users[user], self.now()), "event_ts": self.new_ts()}
            self.deliver("user_change", event)

    def find(self, channel: str, ts: str | None) -> Message | None:
        """A message that stands there now."""
        return self.messages.get(channel, {}).get(ts or "")

    def replies(self, message: Message) -> list[Message]:
        """The answers in the thread that this message started, without ephemeral ones, oldest first."""
        return list(self._threads.get((message.channel, message.ts), ()))

    def post(self, message: Message) -> Message:
        """Put a new message there; tells the pages and the bot."""
        with self.change():
            channel = self.channels[message.channel]
            message.blocks = self.fill_ids(message.blocks)
            self.messages[message.channel][message.ts] = message
            if message.thread_ts not in {None, message.ts} and message.ephemeral_for is None:
                self._threads.setdefault((message.channel, message.root_ts), []).append(message)
            self._count_unread(channel, message)
            self.show(message)
            if message.ephemeral_for is None:
                self._clear_status(message)
                self._tell_bot(channel, message)
        return message

    def typed(
        self, user: str, channel: str, text: str, *, ts: str | None = None, thread_ts: str | None = None
    ) -> Message:
        """A person's message as Slack keeps it: entities, mentions and links resolved. Not posted yet."""
        text, blocks = self.resolve_typed(text)
        return Message(channel, ts or self.new_ts(), user, text, thread_ts=thread_ts, typed_blocks=blocks)

    def resolve_typed(self, text: str) -> tuple[str, list[Json]]:
        """Typed text as (text, blocks) of a message."""
        rooms = {channel.id: channel.name for channel in self.channels.values() if not channel.is_im}
        return typed_message(text, {user.id: user.name for user in self.users.values()}, rooms, self.new_id("rt"))

    def edit(self, message: Message, apply: Callable[[Message], None], *, mark: bool = True) -> None:
        """Change a message in place; `mark` shows it as edited, which a growing stream is not."""
        with self.change():
            before = message_wire(self, message)
            apply(message)
            message.blocks = self.fill_ids(message.blocks)
            if mark:
                message.edited = {"user": message.user, "ts": self.new_ts()}
            self.show(message)
            if message.ephemeral_for is None:
                channel = self.channels[message.channel]
                self.deliver(_event_name(channel), message_changed(self, channel, message, before))

    def delete(self, message: Message) -> None:
        """Take a message away; one with replies stays as a tombstone, as in Slack."""
        with self.change():
            channel, before = self.channels[message.channel], message_wire(self, message)
            if self.replies(message):
                message.text, message.subtype, message.user = "This message was deleted.", "tombstone", "USLACKBOT"
                message.blocks = message.typed_blocks = message.attachments = message.metadata = None
                message.files = []
                self.show(message)
            else:
                del self.messages[message.channel][message.ts]
                thread = self._threads.get((message.channel, message.root_ts), [])
                thread[:] = [reply for reply in thread if reply is not message]
                self.bus.publish(
                    {"type": "message_deleted", "channel": channel.id, "ts": message.ts}, self.audience(message)
                )
                self._refresh_root(message)
            if message.ephemeral_for is None:
                self.deliver(_event_name(channel), message_deleted(self, channel, message, before))

    def show(self, message: Message) -> None:
        """Send a message as it is now to the pages that may see it."""
        event = {"type": "message", "channel": message.channel, "message": message_wire(self, message, for_page=True)}
        self.bus.publish(event, self.audience(message))
        self._refresh_root(message)

    def audience(self, message: Message) -> set[str]:
        """Who may see a message."""
        return {message.ephemeral_for} if message.ephemeral_for else self.channels[message.channel].members

    def _refresh_root(self, message: Message) -> None:
        root = self.find(message.channel, message.thread_ts)
        if root is not None and root is not message and message.ephemeral_for is None:
            event = {"type": "message", "channel": root.channel, "message": message_wire(self, root, for_page=True)}
            self.bus.publish(event, self.audience(root))

    def _count_unread(self, channel: Channel, message: Message) -> None:
        if message.thread_ts not in {None, message.ts} and not channel.is_im:
            return
        for member in self.audience(message) - {message.user, BOT_USER}:
            self.unread[member, channel.id] = self.unread.get((member, channel.id), 0) + 1

    def _tell_bot(self, channel: Channel, message: Message) -> None:
        if BOT_USER not in channel.members:
            return
        event = message_event(self, channel, message)
        self.deliver(_event_name(channel), event)
        if not channel.is_im and not message.from_bot and f"<@{BOT_USER}>" in message.text:
            mention = {key: value for key, value in event.items() if key != "channel_type"}
            self.deliver("app_mention", {**mention, "type": "app_mention"})

    def _seed_messages(self) -> None:
        for channel, user, text, minutes in seed.messages():
            message = self.typed(user, channel, text, ts=self.new_ts(self.now() - timedelta(minutes=minutes)))
            self.messages[channel][message.ts] = message

    # --- status lines ---

    def set_status(self, channel: str, thread_ts: str, text: str) -> None:
        """What the bot says it is doing in a thread; "" clears."""
        with self.change():
            self.statuses[channel, thread_ts] = text
            event = {"type": "status", "channel": channel, "thread_ts": thread_ts, "text": text}
            self.bus.publish(event, self.channels[channel].members)

    def _clear_status(self, message: Message) -> None:
        key = (message.channel, message.root_ts)
        session = self.sessions.get(key, {})
        # A reply clears the assistant status, but not a session's "processing".
        if message.from_bot and self.statuses.get(key) and session.get("status") != "processing":
            self.set_status(*key, "")

    # --- modals and Home ---

    def fill_ids(self, blocks: list[Json] | None) -> list[Json] | None:
        """Blocks with a block_id each and an action_id on each element that can act, as Slack hands them out."""
        if blocks is None:
            return None
        filled = copy.deepcopy(blocks)
        for block in filled:
            if isinstance(block, dict):
                self._fill_block(block)
        return filled

    def _fill_block(self, block: Json) -> None:
        block.setdefault("block_id", self.new_id("b"))
        elements = list(block.get("elements") or []) if block.get("type") in {"actions", "context_actions"} else []
        elements += [block.get("accessory"), block.get("element")]
        elements += list(block.get("actions") or []) if block.get("type") == "card" else []
        for element in elements:
            if isinstance(element, dict) and element.get("type") != "image":
                element.setdefault("action_id", self.new_id("a"))
        for child in block.get("blocks") or block.get("child_blocks") or ():
            if isinstance(child, dict):
                self._fill_block(child)

    def top_view(self, user: str) -> View | None:
        """The modal that a person sees."""
        stack = self.stacks.get(user)
        return self.views[stack[-1]] if stack else None

    def show_modal(self, user: str) -> None:
        """Tell the person's pages which modal is on top now."""
        view = self.top_view(user)
        if view is None:
            self.bus.publish({"type": "modal_closed"}, {user})
        else:
            self.bus.publish({"type": "modal", "view": self.page_view(view)}, {user})

    def page_view(self, view: View) -> Json:
        """A view for the page: with how deep it lies."""
        return {**view.wire(), "stack": len(self.stacks.get(view.user, ()))}

    # --- permissions handed out with interactions ---

    def new_trigger(self, user: str, view_id: str | None = None) -> str:
        """A trigger_id: three seconds by the clock, one use."""
        trigger = Trigger(f"{self.new_id('')}.{TEAM[1:]}.sandbox", user, self.now() + TRIGGER_LIFE, view_id)
        self.triggers[trigger.id] = trigger
        return trigger.id

    def new_response_url(self, user: str, channel: str, message_ts: str | None = None) -> ResponseUrl:
        """A response_url: five uses, thirty minutes by the clock."""
        url = ResponseUrl(self.new_id("R"), user, channel, self.now() + RESPONSE_URL_LIFE, message_ts)
        self.response_urls[url.id] = url
        return url


def _event_name(channel: Channel) -> str:
    return "message.im" if channel.is_im else "message.channels"
