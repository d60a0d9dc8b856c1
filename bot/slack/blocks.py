"""Block Kit pieces with Slack's limits kept: pure functions that return plain dicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.slack.mrkdwn import NO_LINKS, SECTION_LIMIT, clip, guard_plain, split
from bot.slack.replies import Block, View

_HEADER = 150
_BUTTON = 75
VALUE_LIMIT = 2000  # of what comes back with a click on a button
_TITLE = 24
_PLACEHOLDER = 150
_OPTION = 75


def plain_text(text: str, limit: int = 3000) -> Block:
    """A text object in which Slack reads no markup; the safe way to show what a person wrote."""
    # Made harmless before it is cut: the guard on the way out must find nothing that it would lengthen.
    return {"type": "plain_text", "text": clip(guard_plain(text, NO_LINKS), limit) or " ", "emoji": True}


def mrkdwn(text: str, limit: int = SECTION_LIMIT) -> Block:
    """A text object of markup that is already escaped. Bare names and addresses stay words."""
    return {"type": "mrkdwn", "text": clip(text, limit) or " ", "verbatim": True}


def sections(text: str) -> list[Block]:
    """Escaped markup of any length as section blocks, shown in full."""
    return [{"type": "section", "text": mrkdwn(piece), "expand": True} for piece in split(text)]


def plain_section(text: str) -> Block:
    """A paragraph without markup."""
    return {"type": "section", "text": plain_text(text)}


def header(text: str) -> Block:
    """A heading."""
    return {"type": "header", "text": plain_text(text, _HEADER)}


def context(text: str) -> Block:
    """A line in small print, of escaped markup."""
    return {"type": "context", "elements": [mrkdwn(text, 2000)]}


def plain_context(text: str) -> Block:
    """A line in small print without markup."""
    return {"type": "context", "elements": [plain_text(text, 2000)]}


def divider() -> Block:
    """A thin line."""
    return {"type": "divider"}


def button(
    label: str,
    action_id: str,
    value: str = "",
    *,
    style: str | None = None,
    hint: str | None = None,
    confirm: Block | None = None,
) -> Block:
    """A button. `style`: "primary" or "danger". `hint` is what a screen reader says in place of the label."""
    out: Block = {"type": "button", "text": plain_text(label, _BUTTON), "action_id": action_id}
    if value:
        out["value"] = value
    if style:
        out["style"] = style
    if hint:
        out["accessibility_label"] = clip(guard_plain(hint, NO_LINKS), _BUTTON)
    if confirm:
        out["confirm"] = confirm
    return out


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    """The dialogue that a button with consequences shows first."""
    return {
        "title": plain_text(title, 100),
        "text": plain_text(text, 300),
        "confirm": plain_text(yes, 30),
        "deny": plain_text(no, 30),
    }


def actions(*elements: Block) -> list[Block]:
    """A row of buttons and selects; nothing where there are none."""
    return [{"type": "actions", "elements": list(elements[:25])}] if elements else []


def feedback(action_id: str, value: str, good: str, bad: str) -> Block:
    """Thumbs up and down; their values are "up|<value>" and "down|<value>"."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": action_id,
                "positive_button": {"text": plain_text(good, _BUTTON), "value": f"up|{value}"},
                "negative_button": {"text": plain_text(bad, _BUTTON), "value": f"down|{value}"},
            }
        ],
    }


def option(label: str, value: str, description: str = "") -> Block:
    """One entry of a select, radio buttons or checkboxes."""
    out: Block = {"text": plain_text(label, _OPTION), "value": value}
    return out | {"description": plain_text(description, _OPTION)} if description else out


def select(action_id: str, options: Iterable[Block], *, placeholder: str, initial: Block | None = None) -> Block:
    """A menu of at most a hundred options."""
    out: Block = {
        "type": "static_select",
        "action_id": action_id,
        "options": list(options)[:100],
        "placeholder": plain_text(placeholder, _PLACEHOLDER),
    }
    return out | {"initial_option": initial} if initial else out


def multi_select(action_id: str, options: Sequence[Block], *, placeholder: str, initial: Sequence[Block] = ()) -> Block:
    """A menu of at most a hundred options from which several may be taken."""
    out: Block = {
        "type": "multi_static_select",
        "action_id": action_id,
        "options": list(options)[:100],
        "placeholder": plain_text(placeholder, _PLACEHOLDER),
    }
    return out | {"initial_options": list(initial)} if initial else out


def checkboxes(action_id: str, options: Sequence[Block]) -> Block:
    """Up to ten boxes to tick."""
    return {"type": "checkboxes", "action_id": action_id, "options": list(options)[:10]}


def text_input(
    action_id: str, *, multiline: bool = False, max_length: int = 3000, initial: str = "", placeholder: str = ""
) -> Block:
    """A field to write in."""
    out: Block = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": multiline,
        "max_length": max_length,
    }
    if initial:
        out["initial_value"] = clip(initial, max_length)
    return out | {"placeholder": plain_text(placeholder, _PLACEHOLDER)} if placeholder else out


def field(block_id: str, label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    """An input with its label; errors and values go by `block_id`."""
    out: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, 2000),
        "element": element,
        "optional": optional,
    }
    return out | {"hint": plain_text(hint, 2000)} if hint else out


def modal(
    title: str,
    blocks: Sequence[Block],
    *,
    callback_id: str = "",
    submit: str | None = None,
    close: str = "Close",
    metadata: str = "",
    notify_on_close: bool = False,
) -> View:
    """A modal of at most a hundred blocks. `metadata` comes back with the submission; ids only."""
    out: View = {
        "type": "modal",
        "title": plain_text(title, _TITLE),
        "close": plain_text(close, _TITLE),
        "blocks": list(blocks)[:100],
        "notify_on_close": notify_on_close,
    }
    if callback_id:
        out["callback_id"] = callback_id
    if submit:
        out["submit"] = plain_text(submit, _TITLE)
    if metadata:
        out["private_metadata"] = metadata
    return out


def home(blocks: Sequence[Block]) -> View:
    """The App Home of a person."""
    return {"type": "home", "blocks": list(blocks)[:100]}
