"""What Slack makes of the text that a person types: entities, mentions, links, and the rich_text block beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.sandbox.records import Json

_TOKEN = re.compile(
    r"(?P<user><@(?P<user_id>[UW][A-Z0-9]+)(?:\|[^<>]*)?>)"
    r"|(?P<channel><#(?P<channel_id>C[A-Z0-9]+)(?:\|[^<>]*)?>)"
    r"|(?P<url>https?://[^\s<>|]*[^\s<>|.,;:!?'\")\]])"
)


def escape(text: str) -> str:
    """The three entities, the only ones that Slack knows."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _pieces(text: str, people: Mapping[str, str], rooms: Mapping[str, str]) -> list[tuple[str, str]]:
    """(kind, value) in order; kinds are text, user, channel, url. Unknown ids stay plain text, as typed."""
    pieces: list[tuple[str, str]] = []
    end = 0
    for match in _TOKEN.finditer(text):
        stranger = match["user"] and match["user_id"] not in people
        if stranger or (match["channel"] and match["channel_id"] not in rooms):
            continue
        if match.start() > end:
            pieces.append(("text", text[end : match.start()]))
        end = match.end()
        if match["user"]:
            pieces.append(("user", match["user_id"]))
        elif match["channel"]:
            pieces.append(("channel", match["channel_id"]))
        else:
            pieces.append(("url", match["url"]))
    if end < len(text):
        pieces.append(("text", text[end:]))
    return pieces


def typed_message(
    text: str, people: Mapping[str, str], rooms: Mapping[str, str], block_id: str
) -> tuple[str, list[Json]]:
    """A typed message as apps get it: its text, and its one rich_text block. The maps hold names by id."""
    wire: list[str] = []
    elements: list[Json] = []
    for kind, value in _pieces(text, people, rooms):
        if kind == "user":
            wire.append(f"<@{value}>")
            elements.append({"type": "user", "user_id": value})
        elif kind == "channel":
            wire.append(f"<#{value}|{rooms[value]}>")
            elements.append({"type": "channel", "channel_id": value})
        elif kind == "url":
            wire.append(f"<{escape(value)}>")
            elements.append({"type": "link", "url": value})
        else:
            wire.append(escape(value))
            elements.append({"type": "text", "text": value})
    section = {"type": "rich_text_section", "elements": elements}
    return "".join(wire), [{"type": "rich_text", "block_id": block_id, "elements": [section]}]


def typed_command(text: str, people: Mapping[str, str], rooms: Mapping[str, str], *, should_escape: bool) -> str:
    """The text of a slash command: with `should_escape` people and channels come with id and name, else as names."""
    wire: list[str] = []
    for kind, value in _pieces(text, people, rooms):
        if kind == "user":
            wire.append(f"<@{value}|{people[value]}>" if should_escape else f"@{people[value]}")
        elif kind == "channel":
            wire.append(f"<#{value}|{rooms[value]}>" if should_escape else f"#{rooms[value]}")
        elif kind == "url":
            wire.append(f"<{escape(value)}>" if should_escape else escape(value))
        else:
            wire.append(escape(value))
    return "".join(wire).strip()
