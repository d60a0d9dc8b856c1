"""The app manifest, in step with what `listeners` registers (a test compares the two)."""

from __future__ import annotations

from typing import Any

from bot.core.errors import SettingsError
from bot.settings import Settings
from bot.slack.deps import Commands

WHICH_SHORTCUT = "Which competency is this"  # 24 characters are all that Slack allows
WHICH_CALLBACK = "triage.which"
ASK_SHORTCUT = "Ask the coach"
ASK_CALLBACK = "ask.open"
CHECK_SHORTCUT = "Check myself"
CHECK_CALLBACK = "selfcheck.pick"
CHECK_HINT = "[competency] | full | resume | trend | picture | how"

EVENTS_PATH, INSTALL_PATH, CALLBACK = "/slack/events", "/slack/install", "/slack/oauth_redirect"

EVENTS = ("app_home_opened", "app_mention", "app_uninstalled", "message.im", "tokens_revoked", "user_change")
SCOPES = ("app_mentions:read", "chat:write", "commands", "files:write", "im:history", "im:write", "users:read")
PROMPTS = (
    ("The ten competencies", "What are the ten competencies?"),
    ("Which competency is this?", "The staff nod in the training, and then nothing changes on the ward."),
    ("Foundational or advanced?", "What is the difference between the foundational and the advanced level?"),
    ("How to cite the paper", "How do I cite the white paper?"),
)


def manifest(settings: Settings, *, agent: bool = False) -> dict[str, Any]:
    """The manifest for the settings' mode. `agent` adds Slack's agent view: it can't be undone, and shuts guests out.

    Raises SettingsError where HTTP mode has no public address.
    """
    http = settings.slack_mode == "http"
    if http and not settings.public_url:
        raise SettingsError("ISP_COACH_PUBLIC_URL is not set: Slack needs the address of this bot.")
    base = (settings.public_url or "").rstrip("/") if http else ""
    events = sorted({*EVENTS, "app_context_changed", "agent_session_stopped"} if agent else EVENTS)
    return {
        "display_information": {
            "name": "ISP Coach",
            "description": "A coach for people who support implementation, from one white paper, with sources",
            "background_color": "#1f4b5f",
        },
        "features": _features(Commands(settings.command_prefix), agent=agent, base=base),
        "oauth_config": {
            **({"redirect_urls": [base + CALLBACK]} if settings.many_workspaces else {}),
            "scopes": {"bot": sorted([*SCOPES, "assistant:write"] if agent else SCOPES)},
        },
        "settings": {
            "event_subscriptions": {**_at(base, "request_url"), "bot_events": events},
            "interactivity": {"is_enabled": True, **_at(base, "request_url")},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not http,
            "token_rotation_enabled": False,
        },
    }


def _at(base: str, name: str) -> dict[str, str]:
    """Where Slack sends to; over Socket Mode nowhere."""
    return {name: base + EVENTS_PATH} if base else {}


def _features(commands: Commands, *, agent: bool, base: str) -> dict[str, Any]:
    features: dict[str, Any] = {
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": "ISP Coach", "always_online": True},
        "slash_commands": [
            _command(commands.coach, "Ask the coach, or find out which competency this is", "ask … | which … | help"),
            _command(commands.selfcheck, "Two minutes on one competency, or your whole profile", CHECK_HINT),
            _command(commands.reflect, "Your weekly reflection: write, choose a time, pause", "[settings]"),
        ],
        "shortcuts": [
            _shortcut(
                WHICH_SHORTCUT, "message", WHICH_CALLBACK, "Say which competency a message is about, to you only"
            ),
            _shortcut(ASK_SHORTCUT, "global", ASK_CALLBACK, "Ask the coach a question from anywhere"),
            _shortcut(CHECK_SHORTCUT, "global", CHECK_CALLBACK, "Begin a private self-check from anywhere"),
        ],
    }
    for command in features["slash_commands"]:
        command.update(_at(base, "url"))
    if agent:
        features["agent_view"] = {
            "agent_description": "Coaches from one white paper on implementation support, with sources. Can be wrong.",
            "suggested_prompts": [{"title": title, "message": message} for title, message in PROMPTS],
        }
    return features


def _command(name: str, description: str, hint: str) -> dict[str, Any]:
    return {"command": name, "description": description, "usage_hint": hint, "should_escape": False}


def _shortcut(name: str, kind: str, callback_id: str, description: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "callback_id": callback_id, "description": description}
