"""Limits of block elements: buttons, selects, pickers, inputs, options, confirmation dialogs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.limit_findings import Findings, Surface, type_of

ACTION_ID, PLACEHOLDER, URL = 255, 150, 3_000
SELECT_OPTIONS, SELECT_GROUPS, BOX_OPTIONS = 100, 100, 10
EVERYWHERE: frozenset[Surface] = frozenset({"message", "modal", "home"})
MODAL: frozenset[Surface] = frozenset({"modal"})
_PICK = frozenset({"section", "actions", "input"})
_MULTI = frozenset({"section", "input"})
_INPUT = frozenset({"input"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Where an element may stand, which fields it has, and what else is checked."""

    places: frozenset[str]  # block types; for a section: as its accessory
    keys: frozenset[str]
    check: Callable[[Findings, Mapping[str, Any]], None]
    surfaces: frozenset[Surface] = EVERYWHERE


def check_element(findings: Findings, element: Any, place: str, surface: Surface) -> None:
    """One element in a block of type `place`."""
    if not isinstance(element, Mapping):
        findings.add("", "must be an element object")
        return
    kind = type_of(element)
    rule = RULES.get(kind)
    if rule is None:
        findings.add("/type", f"unsupported type: {kind}")
        return
    if place not in rule.places:
        findings.add("", f"{kind} is not allowed in {place} blocks")
    if surface not in rule.surfaces:
        findings.add("", f"{kind} is not allowed in {surface} surfaces")
    findings.keys(element, rule.keys | {"type"})
    if "action_id" in rule.keys:
        findings.string(element, "action_id", ACTION_ID, least=1)
    findings.text(element, "placeholder", PLACEHOLDER, plain=True)
    findings.sums["focus"] += element.get("focus_on_load") is True
    if element.get("confirm") is not None:
        with findings.at("confirm"):
            _confirm(findings, element["confirm"])
    rule.check(findings, element)


def _confirm(findings: Findings, dialog: Any) -> None:
    if not isinstance(dialog, Mapping):
        findings.add("", "must be a confirmation dialog")
        return
    findings.keys(dialog, {"title", "text", "confirm", "deny", "style"})
    findings.text(dialog, "title", 100, needed=True, plain=True)
    findings.text(dialog, "text", 300, needed=True)
    findings.text(dialog, "confirm", 30, needed=True, plain=True)
    findings.text(dialog, "deny", 30, needed=True, plain=True)
    findings.choice(dialog, "style", {"primary", "danger"})


def _option(findings: Findings, option: Any, *, plain: bool, url: bool = False) -> None:
    if not isinstance(option, Mapping):
        findings.add("", "must be an option object")
        return
    findings.keys(option, {"text", "value", "description"} | ({"url"} if url else set()))
    findings.text(option, "text", 75, needed=True, plain=plain)
    findings.string(option, "value", 150, needed=not url)
    findings.text(option, "description", 75, plain=plain)
    findings.string(option, "url", URL)


def _options(
    findings: Findings, owner: Mapping[str, Any], most: int, *, plain: bool, least: int = 1, url: bool = False
) -> None:
    for index, option in enumerate(findings.items(owner, "options", least, most)):
        with findings.at("options", index):
            _option(findings, option, plain=plain, url=url)


def _initial(findings: Findings, element: Mapping[str, Any], offered: list[Any]) -> None:
    chosen = element.get("initial_options")
    picks = chosen if isinstance(chosen, list) else [element["initial_option"]] if element.get("initial_option") else []
    if chosen is not None and not picks:
        findings.add("/initial_options", "must provide at least 1 items")
    for pick in picks:
        if pick not in offered:
            findings.add("/initial_option", "must be exactly one of the options")


def _button(findings: Findings, element: Mapping[str, Any]) -> None:
    findings.text(element, "text", 75, needed=True, plain=True)
    findings.string(element, "url", URL)
    findings.string(element, "value", 2_000)
    findings.string(element, "accessibility_label", 75)
    findings.string(element, "agent_prompt", 4_000)
    findings.choice(element, "style", {"primary", "danger"})


def _boxes(findings: Findings, element: Mapping[str, Any]) -> None:
    _options(findings, element, BOX_OPTIONS, plain=False)
    _initial(findings, element, element.get("options") or [])


def _overflow(findings: Findings, element: Mapping[str, Any]) -> None:
    _options(findings, element, 5, plain=True, least=2, url=True)


def _select(findings: Findings, element: Mapping[str, Any]) -> None:
    groups = element.get("option_groups")
    if groups is None:
        _options(findings, element, SELECT_OPTIONS, plain=True)
        _initial(findings, element, element.get("options") or [])
        return
    if element.get("options") is not None:
        findings.add("", "only one of options and option_groups is allowed")
    offered: list[Any] = []
    for index, group in enumerate(findings.items(element, "option_groups", 1, SELECT_GROUPS)):
        with findings.at("option_groups", index):
            if not isinstance(group, Mapping):
                findings.add("", "must be an option group")
                continue
            findings.text(group, "label", 75, needed=True, plain=True)
            _options(findings, group, SELECT_OPTIONS, plain=True)
            offered += group.get("options") or []
    _initial(findings, element, offered)


def _multi(findings: Findings, element: Mapping[str, Any]) -> None:
    findings.number(element, "max_selected_items", 1, 100)
    if type_of(element) == "multi_static_select":
        _select(findings, element)


def _external(findings: Findings, element: Mapping[str, Any]) -> None:
    findings.number(element, "min_query_length", 0, 300)


def _pattern(key: str, pattern: str, form: str) -> Callable[[Findings, Mapping[str, Any]], None]:
    def check(findings: Findings, element: Mapping[str, Any]) -> None:
        value = element.get(key)
        if value is not None and not (isinstance(value, str) and re.fullmatch(pattern, value)):
            findings.add(f"/{key}", f"must have the form {form}")

    return check


def _datetime(findings: Findings, element: Mapping[str, Any]) -> None:
    findings.number(element, "initial_date_time", 1_000_000_000, 9_999_999_999)  # seconds, ten digits


def _plain_input(findings: Findings, element: Mapping[str, Any]) -> None:
    findings.number(element, "min_length", 0, 3_000)
    findings.number(element, "max_length", 1, 3_000)
    least, most = element.get("min_length"), element.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        findings.add("/min_length", "must not be greater than max_length")
    value = element.get("initial_value")
    findings.string(element, "initial_value", most if isinstance(most, int) else 3_000)
    if isinstance(value, str) and isinstance(least, int) and len(value) < least:
        findings.add("/initial_value", f"must be at least {least} characters")


def _number_input(findings: Findings, element: Mapping[str, Any]) -> None:
    if not isinstance(element.get("is_decimal_allowed"), bool):
        findings.add("", "missing required field: is_decimal_allowed")
    for key in ("initial_value", "min_value", "max_value"):
        findings.string(element, key, 50)


def _file_input(findings: Findings, element: Mapping[str, Any]) -> None:
    findings.number(element, "max_files", 1, 10)


def check_image(findings: Findings, element: Mapping[str, Any]) -> None:
    """What image elements and image blocks share."""
    findings.string(element, "alt_text", 2_000, needed=True)
    findings.string(element, "image_url", URL)
    if (element.get("image_url") is None) == (element.get("slack_file") is None):
        findings.add("", "must provide exactly one of image_url and slack_file")
    url = element.get("image_url")
    if isinstance(url, str) and not url.startswith(("https://", "http://")):
        findings.add("/image_url", "must be a valid URL")


def _feedback(findings: Findings, element: Mapping[str, Any]) -> None:
    for key in ("positive_button", "negative_button"):
        button = element.get(key)
        if not isinstance(button, Mapping):
            findings.add("", f"missing required field: {key}")
            continue
        with findings.at(key):
            findings.text(button, "text", 75, needed=True, plain=True)
            findings.string(button, "value", 2_000, needed=True)
            findings.string(button, "accessibility_label", 75)


def _icon(findings: Findings, element: Mapping[str, Any]) -> None:
    findings.choice(element, "icon", {"trash"}, needed=True)
    findings.text(element, "text", 75, needed=True, plain=True)
    findings.string(element, "value", 2_000)
    findings.string(element, "accessibility_label", 75)


def _nothing(_findings: Findings, _element: Mapping[str, Any]) -> None:
    """Nothing beyond what all elements share."""


def _keys(words: str) -> frozenset[str]:
    return frozenset(words.split())


_COMMON = "action_id confirm focus_on_load placeholder "
_TEXT = "action_id placeholder focus_on_load dispatch_action_config initial_value "
RULES: Mapping[str, Rule] = {
    "button": Rule(
        frozenset({"section", "actions", "card"}),
        _keys("action_id text url value style confirm accessibility_label agent_prompt"),
        _button,
    ),
    "workflow_button": Rule(
        frozenset({"section", "actions"}),
        _keys("action_id text workflow style accessibility_label"),
        _button,
        frozenset({"message"}),
    ),
    "checkboxes": Rule(_PICK, _keys("action_id options initial_options confirm focus_on_load"), _boxes),
    "radio_buttons": Rule(_PICK, _keys("action_id options initial_option confirm focus_on_load"), _boxes),
    "overflow": Rule(frozenset({"section", "actions"}), _keys("action_id options confirm"), _overflow),
    "static_select": Rule(_PICK, _keys(_COMMON + "options option_groups initial_option"), _select),
    "external_select": Rule(_PICK, _keys(_COMMON + "initial_option min_query_length"), _external),
    "users_select": Rule(_PICK, _keys(_COMMON + "initial_user"), _nothing),
    "conversations_select": Rule(
        _PICK,
        _keys(_COMMON + "initial_conversation default_to_current_conversation response_url_enabled filter"),
        _nothing,
    ),
    "channels_select": Rule(_PICK, _keys(_COMMON + "initial_channel response_url_enabled"), _nothing),
    "multi_static_select": Rule(
        _MULTI, _keys(_COMMON + "options option_groups initial_options max_selected_items"), _multi
    ),
    "multi_external_select": Rule(
        _MULTI, _keys(_COMMON + "initial_options min_query_length max_selected_items"), _external
    ),
    "multi_users_select": Rule(_MULTI, _keys(_COMMON + "initial_users max_selected_items"), _multi),
    "multi_conversations_select": Rule(
        _MULTI,
        _keys(_COMMON + "initial_conversations default_to_current_conversation max_selected_items filter"),
        _multi,
    ),
    "multi_channels_select": Rule(_MULTI, _keys(_COMMON + "initial_channels max_selected_items"), _multi),
    "datepicker": Rule(
        _PICK, _keys(_COMMON + "initial_date"), _pattern("initial_date", r"\d{4}-\d{2}-\d{2}", "YYYY-MM-DD")
    ),
    "timepicker": Rule(
        _PICK, _keys(_COMMON + "initial_time timezone"), _pattern("initial_time", r"([01]\d|2[0-3]):[0-5]\d", "HH:mm")
    ),
    "datetimepicker": Rule(
        frozenset({"actions", "input"}),
        _keys("action_id initial_date_time confirm focus_on_load"),
        _datetime,
        frozenset({"message", "modal"}),
    ),
    "plain_text_input": Rule(_INPUT, _keys(_TEXT + "multiline min_length max_length"), _plain_input),
    "rich_text_input": Rule(_INPUT, _keys(_TEXT + "min_lines max_lines"), _nothing),
    "email_text_input": Rule(_INPUT, _keys(_TEXT), _nothing, MODAL),
    "url_text_input": Rule(_INPUT, _keys(_TEXT), _nothing, MODAL),
    "number_input": Rule(_INPUT, _keys(_TEXT + "is_decimal_allowed min_value max_value"), _number_input, MODAL),
    "file_input": Rule(_INPUT, _keys("action_id filetypes max_files"), _file_input, MODAL),
    "image": Rule(
        frozenset({"section", "context", "card", "container"}), _keys("image_url slack_file alt_text"), check_image
    ),
    "feedback_buttons": Rule(
        frozenset({"context_actions"}),
        _keys("action_id positive_button negative_button"),
        _feedback,
        frozenset({"message"}),
    ),
    "icon_button": Rule(
        frozenset({"context_actions"}),
        _keys("action_id icon text value confirm accessibility_label visible_to_user_ids"),
        _icon,
        frozenset({"message"}),
    ),
}
