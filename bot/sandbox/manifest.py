"""The app manifest as the sandbox reads it: what the app may do, hears, and offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

EVENT_SCOPES: Mapping[str, str] = {
    "app_mention": "app_mentions:read",
    "message.im": "im:history",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.mpim": "mpim:history",
    "reaction_added": "reactions:read",
    "user_change": "users:read",
    "member_joined_channel": "channels:read",
    "file_shared": "files:read",
}
MAX_COMMANDS, MAX_SHORTCUTS, MAX_EVENTS, MAX_SCOPES = 50, 10, 100, 255


class ManifestError(ValueError):
    """The manifest is one that Slack would refuse; the text says why."""


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command."""

    command: str  # with its slash
    description: str
    usage_hint: str
    should_escape: bool  # typed people, channels and links arrive as <@U…>, <#C…|name>, <url>


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A global or message shortcut."""

    name: str
    callback_id: str
    type: Literal["global", "message"]
    description: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an installed app may do."""

    name: str
    scopes: frozenset[str]
    events: frozenset[str]
    commands: tuple[Command, ...]
    shortcuts: tuple[Shortcut, ...]
    prompts: tuple[tuple[str, str], ...]  # (title, message)
    home_tab: bool
    messages_tab: bool
    messages_read_only: bool
    interactivity: bool
    socket_mode: bool
    agent: bool

    def command(self, name: str) -> Command | None:
        """The command of that name, with its slash."""
        return next((c for c in self.commands if c.command == name), None)

    def shortcut(self, callback_id: str) -> Shortcut | None:
        """The shortcut with that callback id."""
        return next((s for s in self.shortcuts if s.callback_id == callback_id), None)


def parse_manifest(raw: Mapping[str, Any]) -> Manifest:
    """Read a manifest as Slack's settings would. Raises ManifestError in words for developers."""
    features, settings = raw.get("features") or {}, raw.get("settings") or {}
    agent = features.get("agent_view") or features.get("assistant_view") or {}
    home = features.get("app_home") or {}
    scopes = set(((raw.get("oauth_config") or {}).get("scopes") or {}).get("bot") or ())
    if agent:
        scopes.add("assistant:write")  # Slack adds it by itself
    manifest = Manifest(
        name=(raw.get("display_information") or {}).get("name", ""),
        scopes=frozenset(scopes),
        events=frozenset((settings.get("event_subscriptions") or {}).get("bot_events") or ()),
        commands=tuple(_command(c) for c in features.get("slash_commands") or ()),
        shortcuts=tuple(_shortcut(s) for s in features.get("shortcuts") or ()),
        prompts=tuple((p["title"], p["message"]) for p in agent.get("suggested_prompts") or ()),
        home_tab=bool(home.get("home_tab_enabled")),
        messages_tab=bool(home.get("messages_tab_enabled") or agent),
        messages_read_only=bool(home.get("messages_tab_read_only_enabled")) and not agent,
        interactivity=bool((settings.get("interactivity") or {}).get("is_enabled")),
        socket_mode=bool(settings.get("socket_mode_enabled")),
        agent=bool(agent),
    )
    _check(raw, manifest)
    return manifest


def _length(value: Any, least: int, most: int, what: str) -> str:
    text = str(value or "")
    if not least <= len(text) <= most:
        raise ManifestError(f"{what} is {least} to {most:,} characters long, not {len(text):,}")
    return text


def _command(raw: Mapping[str, Any]) -> Command:
    name = _length(raw.get("command"), 2, 32, "a command name")
    if not name.startswith("/") or name != name.lower() or " " in name:
        raise ManifestError(f"{name!r} is no command name: a slash, then lower-case characters without spaces")
    description = _length(raw.get("description"), 1, 2_000, f"the description of {name}")
    hint = _length(raw.get("usage_hint"), 0, 1_000, f"the usage hint of {name}")
    return Command(name, description, hint, bool(raw.get("should_escape", False)))


def _shortcut(raw: Mapping[str, Any]) -> Shortcut:
    callback_id = _length(raw.get("callback_id"), 1, 255, "a shortcut's callback_id")
    kind = raw.get("type")
    if kind not in {"global", "message"}:
        raise ManifestError(f"shortcut {callback_id!r}: type is global or message")
    name = _length(raw.get("name"), 1, 24, f"the name of shortcut {callback_id!r}")
    description = _length(raw.get("description"), 1, 150, f"the description of shortcut {callback_id!r}")
    return Shortcut(name, callback_id, "global" if kind == "global" else "message", description)


def _check(raw: Mapping[str, Any], manifest: Manifest) -> None:
    shown = raw.get("display_information") or {}
    _length(manifest.name, 1, 35, "display_information.name")
    _length(shown.get("description"), 0, 140, "display_information.description")
    _length(shown.get("long_description"), 0, 4_000, "display_information.long_description")
    counts = (
        (len(manifest.commands), MAX_COMMANDS, "slash commands"),
        (len(manifest.shortcuts), MAX_SHORTCUTS, "shortcuts"),
        (len(manifest.events), MAX_EVENTS, "bot events"),
        (len(manifest.scopes), MAX_SCOPES, "scopes"),
        (len(manifest.prompts), 4, "suggested prompts"),
    )
    for count, most, what in counts:
        if count > most:
            raise ManifestError(f"{count} {what}; Slack takes at most {most}")
    for ids, what in (
        ([c.command for c in manifest.commands], "command"),
        ([s.callback_id for s in manifest.shortcuts], "shortcut"),
    ):
        if len(set(ids)) != len(ids):
            raise ManifestError(f"two entries of features have the same {what} name")
    _check_scopes(manifest)


def _check_scopes(manifest: Manifest) -> None:
    for event in sorted(manifest.events):
        needed = EVENT_SCOPES.get(event)
        if needed and needed not in manifest.scopes:
            raise ManifestError(f"event {event} needs the scope {needed}")
    if (manifest.commands or manifest.shortcuts) and "commands" not in manifest.scopes:
        raise ManifestError("slash commands and shortcuts need the scope commands")
