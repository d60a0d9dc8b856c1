"""Who and what is there at the start: three people of a health service, their channels, everyday messages."""

from __future__ import annotations

from collections.abc import Iterator

from bot.sandbox.records import BOT_USER, Channel, Json, User

PEOPLE = ("U0ANA", "U0BEN", "U0CHI")


def users() -> list[User]:
    """The three people and the bot."""
    return [
        User("U0ANA", "ana", "Ana Ruiz", "America/Toronto", "#0b6e4f", roles=frozenset({"is_admin"})),
        User("U0BEN", "ben", "Ben Okafor", "Europe/London", "#8a3ffc"),
        User("U0CHI", "chi", "Chi Tanaka", "Asia/Tokyo", "#b5460f"),
        User(BOT_USER, "coach", "ISP Coach", "Etc/UTC", "#1d3557", is_bot=True),
    ]


def channels() -> list[Channel]:
    """Two channels with the bot, one without it, and everybody's DM."""
    everybody = {*PEOPLE, BOT_USER}
    rooms = [
        Channel("C0GENERAL", "general", set(everybody), "Everything and everybody"),
        Channel("C0ROLLOUT", "falls-prevention", set(everybody), "Rolling out the falls bundle on four wards"),
        Channel("C0QUIET", "leadership", set(PEOPLE), "Monthly numbers; apps stay out"),
    ]
    return rooms + [
        Channel(f"D0{person[2:]}", "directmessage", {person, BOT_USER}, im_user=person) for person in PEOPLE
    ]


def messages() -> Iterator[tuple[str, str, str, int]]:
    """Everyday messages: (channel, user, text, minutes before now), oldest first."""
    yield "C0GENERAL", "U0BEN", "Morning all. The simulation room is booked out until Thursday, use 2.14 instead.", 310
    yield (
        "C0QUIET",
        "U0CHI",
        "Board wants one slide on the falls work by the end of the month. Who has the run chart?",
        290,
    )
    yield (
        "C0ROLLOUT",
        "U0ANA",
        (
            "Ward 3 is still not doing the bedside checks. I ran the training twice and everyone said it was great, "
            "but two weeks later nothing has changed on the floor."
        ),
        240,
    )
    yield (
        "C0ROLLOUT",
        "U0BEN",
        (
            "Same on 5. The night team told me nobody asked them before the form was chosen, so they see it as "
            "management's project."
        ),
        225,
    )
    yield (
        "C0ROLLOUT",
        "U0CHI",
        "Does anybody still know why we picked this bundle and not the one from the pilot site?",
        200,
    )
    yield (
        "C0ROLLOUT",
        "U0ANA",
        "The funding ends in March. I'd hate to see the whole thing fade the week after I leave.",
        95,
    )
    yield "C0GENERAL", "U0CHI", "The staff canteen closes at 14:00 today.", 60


def default_manifest() -> Json:
    """An app that may do what the sandbox can do; in use until `install` brings the real one."""
    commands = [
        ("coach", "Ask the coach, or which competency a situation is about", "[ask|which|help] …"),
        ("selfcheck", "Rate yourself on one competency, privately", "[competency] | full | trend"),
    ]
    return {
        "display_information": {"name": "ISP Coach", "description": "A coach for implementation support practitioners"},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "ISP Coach", "always_online": True},
            "slash_commands": [
                {"command": f"/{name}", "description": what, "usage_hint": hint, "should_escape": False}
                for name, what, hint in commands
            ],
            "shortcuts": [
                {
                    "name": "Which competency?",
                    "type": "message",
                    "callback_id": "triage_message",
                    "description": "Find the competency behind a message",
                },
                {
                    "name": "Start a self-check",
                    "type": "global",
                    "callback_id": "selfcheck",
                    "description": "Two minutes on one competency",
                },
            ],
        },
        "oauth_config": {
            "scopes": {
                "bot": [
                    "app_mentions:read",
                    "channels:history",
                    "channels:read",
                    "chat:write",
                    "commands",
                    "files:read",
                    "files:write",
                    "im:history",
                    "im:read",
                    "im:write",
                    "reactions:write",
                    "users:read",
                ]
            }
        },
        "settings": {
            "event_subscriptions": {"bot_events": ["app_home_opened", "app_mention", "message.im"]},
            "interactivity": {"is_enabled": True},
            "socket_mode_enabled": True,
        },
    }
