"""What a handler gives back: things to say, where, and what to remember. Values only; `delivery` does the sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.core.answer import Turn
from bot.core.conversation import Route
from bot.slack.payloads import (
    Choice,
    Click,
    Command,
    Delivery,
    HomeOpened,
    Mention,
    Message,
    MessageShortcut,
)

Block = dict[str, Any]
View = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is said.

    `dm`: the DM with the person (channel may be empty: it is then opened). `channel`: seen by the channel.
    `private`: to the person alone, where they are, over a response URL; falls back to the DM.
    """

    kind: Literal["dm", "channel", "private"]
    channel: str = ""
    thread_ts: str | None = None
    response_url: str = ""

    @property
    def readable(self) -> bool:
        """True where the bot may read the history, and so find out what became of a send."""
        return self.kind == "dm"


DM = Place("dm")


@dataclass(frozen=True, slots=True)
class Say:
    """One message. `text` carries its full meaning: screen readers read nothing else."""

    text: str
    blocks: Sequence[Block] = ()
    place: Place | None = None  # None: where the request came from
    if_refused: str | None = None  # said in the DM where Slack refuses the message for good


@dataclass(frozen=True, slots=True)
class Reply:
    """Messages in order, and the turns to remember once they are out. Said exactly once, even across a crash."""

    says: tuple[Say, ...]
    turns: tuple[Turn, ...] = ()
    outcome: str = "answered"  # a short word for the log and the inbox row


@dataclass(frozen=True, slots=True)
class Talk:
    """Words that a person addressed to the bot, however they came, with the router's reading of them."""

    request: Delivery
    text: str
    history: tuple[Turn, ...]
    route: Route


def say(text: str, blocks: Sequence[Block] = (), *, outcome: str = "answered") -> Reply:
    """A reply of one message, where the request came from."""
    return Reply((Say(text, blocks),), outcome=outcome)


def place_of(request: Delivery) -> Place:
    """Where a request is answered."""
    place = DM
    match request:
        case Message(channel=channel, thread_ts=thread_ts):
            place = Place("dm", channel, thread_ts)
        case Mention(channel=channel, thread_ts=thread_ts, ts=ts):
            place = Place("channel", channel, thread_ts or ts)
        case Command(response_url=url) | MessageShortcut(response_url=url) if url:
            place = Place("private", response_url=url)
        case Click(on=on) | Choice(on=on) if on.channel.startswith("D") and not on.ephemeral:
            place = Place("dm", on.channel, on.thread_ts)
        case Click(on=on) | Choice(on=on) if on.response_url:
            place = Place("private", response_url=on.response_url)
        case HomeOpened(channel=channel) if channel.startswith("D"):
            place = Place("dm", channel)
        case _:
            pass
    return place


def conversation_of(request: Delivery) -> str:
    """The conversation that a request belongs to: "<channel>" or "<channel>:<thread ts>"; empty where there is none."""
    match request:
        case Message(channel=channel, thread_ts=thread_ts):
            return f"{channel}:{thread_ts}" if thread_ts else channel
        case Mention(channel=channel, thread_ts=thread_ts, ts=ts):
            return f"{channel}:{thread_ts or ts}"
        case Command(channel=channel):
            return channel
        case Click(on=on) | Choice(on=on):
            return f"{on.channel}:{on.thread_ts}" if on.thread_ts else on.channel
        case _:
            return ""
