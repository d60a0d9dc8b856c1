"""What people have filled in: the `state.values` of a view, and what Slack's client itself refuses to submit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.records import Json

# Element type -> (its key in state.values, its key for the value it starts with)
STATEFUL: Mapping[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "initial_files"),
}
_LISTS = frozenset({"selected_options", "selected_users", "selected_conversations", "selected_channels", "files"})
REQUIRED = "Please complete this required field."


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """(block, element) for all that a person can touch."""
    for block in blocks:
        candidates = [block.get("element"), block.get("accessory"), *(block.get("elements") or ())]
        candidates += list(block.get("actions") or ()) if block.get("type") == "card" else []
        for element in candidates:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element
        yield from elements([child for child in block.get("child_blocks") or () if isinstance(child, dict)])
        if block.get("type") == "carousel":
            yield from elements([card for card in block.get("elements") or () if isinstance(card, dict)])


def find_element(blocks: list[Json], block_id: str, action_id: str) -> Json | None:
    """The element with these ids."""
    for block, element in elements(blocks):
        if block.get("block_id") == block_id and element["action_id"] == action_id:
            return element
    return None


def initial_values(blocks: list[Json], earlier: Json | None = None) -> Json:
    """The values of a view that just appeared; what stood in the same fields `earlier` stays."""
    values: Json = {}
    for block, element in elements(blocks):
        if element.get("type") not in STATEFUL:
            continue
        kept = ((earlier or {}).get(block["block_id"]) or {}).get(element["action_id"])
        if not kept or kept.get("type") != element["type"]:
            key, initial = STATEFUL[element["type"]]
            start = element.get(initial)
            kept = {"type": element["type"], key: [] if start is None and key in _LISTS else start}
        values.setdefault(block["block_id"], {})[element["action_id"]] = kept
    return values


def merge(values: Json, posted: Any) -> Json:
    """The values with what the page posted; unknown fields are left out, the type is Slack's."""
    merged = {block: dict(actions) for block, actions in values.items()}
    for block_id, actions in (posted if isinstance(posted, dict) else {}).items():
        for action_id, value in (actions if isinstance(actions, dict) else {}).items():
            known = merged.get(block_id, {}).get(action_id)
            if known is not None and isinstance(value, dict):
                key = STATEFUL[known["type"]][0]
                merged[block_id][action_id] = {"type": known["type"], key: value.get(key)}
    return merged


def refusals(blocks: list[Json], values: Json) -> dict[str, str]:
    """What Slack's client tells a person before it sends a modal: text by block_id."""
    found: dict[str, str] = {}
    for block, element in elements(blocks):
        if block.get("type") != "input" or element.get("type") not in STATEFUL:
            continue
        value = (values.get(block["block_id"]) or {}).get(element["action_id"]) or {}
        text = _refusal(element, value.get(STATEFUL[element["type"]][0]), optional=bool(block.get("optional")))
        if text:
            found[block["block_id"]] = text
    return found


FORMS: Mapping[str, tuple[str, str]] = {
    "email_text_input": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "Please enter a valid email address."),
    "url_text_input": (r"https?://\S+", "Please enter a valid URL."),
}


def _refusal(element: Json, value: Any, *, optional: bool) -> str | None:
    if value in (None, "", []):
        return None if optional else REQUIRED
    kind, most = element["type"], element.get("max_selected_items")
    if kind == "plain_text_input":
        return _length(element, str(value))
    if kind == "number_input":
        return _number(element, str(value))
    if kind in FORMS:
        return None if re.fullmatch(FORMS[kind][0], str(value)) else FORMS[kind][1]
    too_many = isinstance(most, int) and isinstance(value, list) and len(value) > most
    return f"Please select at most {most}." if too_many else None


def _length(element: Json, value: str) -> str | None:
    if len(value) < int(element.get("min_length") or 0):
        return f"Please enter at least {element['min_length']} characters."
    most = int(element.get("max_length") or 3_000)
    return f"Please enter at most {most} characters." if len(value) > most else None


def _number(element: Json, value: str) -> str | None:
    try:
        number = float(value) if element.get("is_decimal_allowed") else int(value)
    except ValueError:
        return "Please enter a number." if element.get("is_decimal_allowed") else "Please enter a whole number."
    if element.get("min_value") is not None and number < float(element["min_value"]):
        return f"Please enter a number of {element['min_value']} or more."
    if element.get("max_value") is not None and number > float(element["max_value"]):
        return f"Please enter a number of {element['max_value']} or less."
    return None
