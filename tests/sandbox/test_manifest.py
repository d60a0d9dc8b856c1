from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.manifest import ManifestError, parse_manifest
from bot.sandbox.seed import default_manifest


def changed(path: str, value: Any) -> dict[str, Any]:
    manifest = default_manifest()
    place: Any = manifest
    *parts, last = path.split(".")
    for part in parts:
        place = place[int(part)] if part.isdigit() else place[part]
    place[int(last) if last.isdigit() else last] = value
    return manifest


def test_the_default_manifest_is_a_good_one() -> None:
    manifest = parse_manifest(default_manifest())
    assert [command.command for command in manifest.commands] == ["/coach", "/selfcheck"]
    assert (manifest.home_tab, manifest.messages_tab, manifest.agent) == (True, True, False)


def test_an_agent_gets_its_scope_by_itself() -> None:
    manifest = parse_manifest(changed("features.agent_view", {"agent_description": "d"}))
    assert "assistant:write" in manifest.scopes
    assert manifest.agent


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("display_information.name", "n" * 36, "35"),
        ("display_information.description", "d" * 141, "140"),
        ("features.slash_commands.0.command", "coach", "command name"),
        ("features.slash_commands.0.command", "/" + "c" * 32, "command name"),
        ("features.slash_commands.0.description", "", "2,000"),
        ("features.slash_commands.0.command", "/selfcheck", "same"),
        ("features.shortcuts.0.type", "odd", "global or message"),
        ("features.shortcuts.0.name", "n" * 25, "24"),
        ("features.shortcuts.0.callback_id", "", "255"),
        ("features.shortcuts.0.callback_id", "selfcheck", "same"),
        ("features.slash_commands", [{"command": f"/c{n}", "description": "d"} for n in range(51)], "50"),
        ("oauth_config.scopes.bot", ["chat:write", "im:history", "app_mentions:read"], "scope commands"),
        ("oauth_config.scopes.bot", ["chat:write", "commands", "app_mentions:read"], "im:history"),
        (
            "settings.event_subscriptions.bot_events",
            ["message.channels", "user_change", "reaction_added"],
            "reactions:read",
        ),
    ],
)
def test_what_slack_would_refuse_is_refused(path: str, value: Any, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        parse_manifest(changed(path, value))
