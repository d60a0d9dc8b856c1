"""The table of everything the bot listens to, on one screen.

How a feature registers
-----------------------
A module in this package exposes `REGISTRATIONS`, a tuple made with the `on_…` functions of `bot.slack.registry`, and
stands in `FEATURES` below. For example::

    REGISTRATIONS = (
        on_command("selfcheck", open_check, quick=True),        # /selfcheck; quick: it opens a modal within 3 s
        on_intent("selfcheck", offer_check, "selfcheck"),       # words in a DM or mention, or `/coach selfcheck …`
        on_click("selfcheck.start", start_check),               # buttons "selfcheck.start" and "selfcheck.start:C4"
        on_submit("selfcheck.page", save_page, answer=next_page),
        on_close("selfcheck.page", keep_progress),
        on_home("home", publish_home),
    )

- A handler is a plain function `(request, deps) -> Reply | None`. `request` is a frozen dataclass of `payloads` (for
  `on_intent`: a `Talk`), `deps` is `bot.slack.deps.Deps` (add your service there as a field with a default).
  It returns what to say (`replies.say(text, blocks)`, or `Reply` for several messages or another place); the inbox
  sends it exactly once, also across a crash. None says nothing. Never post an answer yourself.
- A handler may run again for the same request after a crash: derive ids of rows from `request.key`
  (`bot.slack.delivery.key_for(request.key, "check")`), so that a second run writes the same row.
- Modals and Home go through `deps.slack`: `open_view(request, view)`, `push_view(request, view)`,
  `update_view(member, view_id, view)`, `publish_home(member, view)`. A trigger lives 3 seconds, so a handler that
  opens a modal is quick (the default for all but commands and message shortcuts): no slow work before it.
- `answer=` of `on_submit` runs before the acknowledgement: pure, fast, no calls. It returns None (close the modal),
  `registry.errors(block_id="…")`, `registry.show(view)`, `registry.push(view)` or `registry.CLEAR`. With errors or a
  push, the handler is not run.
- An error in a handler ends in calm words to the person; IndexNotReady keeps the request until the index is ready.
- Texts come from `deps.wording("area.key", field=…)`; everything from a person or a model goes through
  `bot.slack.mrkdwn.escape`, or into plain_text. Blocks are made with `bot.slack.blocks`.
"""

from __future__ import annotations

from types import ModuleType

from bot.slack import (
    admin,
    ask,
    focus,
    full_profile,
    home,
    journal,
    nudge_settings,
    nudges,
    portrait,
    privacy,
    reflect,
    selfcheck,
    share,
    sources,
    streaming,
    talk,
    team,
    triage,
)
from bot.slack.registry import Registration, Registry

# talk     DM messages, mentions, /coach, help, small talk, care, welcome
# ask      questions, feedback, the shortcut "Ask the coach"
# sources  the passage behind a source button
# share    a private answer to a channel
# streaming  Stop, while a model's answer is shown
# triage   /coach which, the message shortcut, close calls, "Not right?"
# selfcheck       /selfcheck, its modal and result
# full_profile    the whole profile in steps, role and stage
# portrait        the profile as a picture
# focus           the development plan
# nudges          /reflect, and the buttons on every weekly prompt
# nudge_settings  day, time, topics and zone of the weekly prompt
# team            a channel's own weekly question
# reflect         answering a prompt, editing it, commitments
# journal         the journal, its search, a month looked back at
# home     the App Home
# privacy  what is kept, a copy, deletion; uninstall
# admin    numbers without names, and what admins choose for everybody
FEATURES: tuple[ModuleType, ...] = (
    talk,
    ask,
    sources,
    share,
    streaming,
    triage,
    selfcheck,
    full_profile,
    portrait,
    focus,
    nudges,
    nudge_settings,
    team,
    reflect,
    journal,
    home,
    privacy,
    admin,
)


def registrations(features: tuple[ModuleType, ...] = FEATURES) -> tuple[Registration, ...]:
    """Every registration of the given features, in order."""
    return tuple(registration for feature in features for registration in feature.REGISTRATIONS)


def registry(command_prefix: str, features: tuple[ModuleType, ...] = FEATURES) -> Registry:
    """All of them, ready to be looked up. Raises ValueError where two features claim the same name."""
    return Registry(registrations(features), command_prefix=command_prefix)
