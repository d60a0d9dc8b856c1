"""Limits of blocks, one small check a block type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.limit_data import check_chart, check_data_table, check_table
from bot.sandbox.limit_elements import EVERYWHERE, MODAL, URL, check_element, check_image
from bot.sandbox.limit_findings import Findings, Surface, type_of

BLOCK_ID = 255
MESSAGE: frozenset[Surface] = frozenset({"message"})
NOT_IN_MODALS: frozenset[Surface] = frozenset({"message", "home"})
_RICH_PARTS = frozenset({"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a block may stand, which fields it has, and what is checked."""

    surfaces: frozenset[Surface]
    keys: frozenset[str]
    check: Callable[[Findings, Mapping[str, Any], Surface], None]


def check_block(findings: Findings, block: Any, surface: Surface) -> None:
    """One block on a surface."""
    if not isinstance(block, Mapping):
        findings.add("", "must be a block object")
        return
    kind = type_of(block)
    rule = RULES.get(kind)
    if rule is None:
        findings.add("/type", f"unsupported type: {kind}")
        return
    if surface not in rule.surfaces:
        findings.add("", f"{kind} blocks are not allowed in {surface} surfaces")
    findings.keys(block, rule.keys | {"type", "block_id"})
    findings.string(block, "block_id", BLOCK_ID, least=1)
    rule.check(findings, block, surface)


def _elements(findings: Findings, block: Mapping[str, Any], most: int, surface: Surface, key: str = "elements") -> None:
    place = str(block.get("type"))
    seen: set[str] = set()
    for index, element in enumerate(findings.items(block, key, 1, most)):
        with findings.at(key, index):
            check_element(findings, element, place, surface)
            action_id = element.get("action_id") if isinstance(element, Mapping) else None
            if isinstance(action_id, str) and action_id in seen:
                findings.add("/action_id", f"action_id {action_id!r} already exists in this block")
            elif isinstance(action_id, str):
                seen.add(action_id)


def _section(findings: Findings, block: Mapping[str, Any], surface: Surface) -> None:
    findings.text(block, "text", 3_000)
    if block.get("text") is None and block.get("fields") is None:
        findings.add("", "missing required field: text or fields")
    for index, field in enumerate(findings.items(block, "fields", 1, 10, needed=False)):
        with findings.at("fields", index):
            findings.text_object(field, 2_000)
    if block.get("accessory") is not None:
        with findings.at("accessory"):
            check_element(findings, block["accessory"], "section", surface)


def _header(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    findings.text(block, "text", 150, needed=True, plain=True)


def _actions(findings: Findings, block: Mapping[str, Any], surface: Surface) -> None:
    _elements(findings, block, 25, surface)


def _context(findings: Findings, block: Mapping[str, Any], surface: Surface) -> None:
    for index, element in enumerate(findings.items(block, "elements", 1, 10)):
        with findings.at("elements", index):
            if type_of(element) in {"mrkdwn", "plain_text"}:
                findings.text_object(element, 3_000)
            else:
                check_element(findings, element, "context", surface)


def _context_actions(findings: Findings, block: Mapping[str, Any], surface: Surface) -> None:
    _elements(findings, block, 5, surface)


def _input(findings: Findings, block: Mapping[str, Any], surface: Surface) -> None:
    findings.text(block, "label", 2_000, needed=True, plain=True)
    findings.text(block, "hint", 2_000, plain=True)
    if block.get("element") is None:
        findings.add("", "missing required field: element")
        return
    with findings.at("element"):
        check_element(findings, block["element"], "input", surface)


def _image(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    check_image(findings, block)
    findings.text(block, "title", 2_000, plain=True)


def _rich_text(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    for index, part in enumerate(findings.items(block, "elements", 0, 1_000)):
        with findings.at("elements", index):
            kind = type_of(part)
            if kind not in _RICH_PARTS:
                findings.add("/type", f"unsupported type: {kind}")
            elif not isinstance(part.get("elements"), list):
                findings.add("", "missing required field: elements")
            else:
                _rich_elements(findings, part)


def _rich_elements(findings: Findings, part: Mapping[str, Any]) -> None:
    lists = type_of(part) == "rich_text_list"
    if lists:
        findings.choice(part, "style", {"bullet", "ordered"}, needed=True)
    for index, element in enumerate(part["elements"]):
        with findings.at("elements", index):
            kind = type_of(element)
            if lists and kind != "rich_text_section":
                findings.add("/type", "list items must be rich_text_section")
            elif not kind:
                findings.add("", "must be a rich text element")
            elif kind == "text" and not element.get("text"):
                findings.add("/text", "must be at least 1 characters")
            elif kind == "link" and not element.get("url"):
                findings.add("/url", "missing required field: url")


def _markdown(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    findings.string(block, "text", 12_000, needed=True)
    findings.sums["markdown"] += len(str(block.get("text") or ""))


def _video(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    findings.text(block, "title", 199, needed=True, plain=True)
    findings.string(block, "author_name", 49)
    findings.text(block, "description", 199, plain=True)
    findings.string(block, "alt_text", 2_000, needed=True)
    findings.string(block, "thumbnail_url", URL, needed=True)
    findings.string(block, "video_url", URL, needed=True)
    if isinstance(block.get("video_url"), str) and not block["video_url"].startswith("https://"):
        findings.add("/video_url", "must be an HTTPS address")


def _alert(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    findings.text(block, "text", 200, needed=True)
    findings.choice(block, "level", {"default", "info", "warning", "error", "success"})


def _card(findings: Findings, block: Mapping[str, Any], surface: Surface) -> None:
    findings.text(block, "title", 150)
    findings.text(block, "subtitle", 150)
    findings.text(block, "body", 200)
    if not any(block.get(key) for key in ("hero_image", "title", "actions", "body")):
        findings.add("", "must provide at least one of hero_image, title, actions and body")
    for key in ("hero_image", "icon"):
        if block.get(key) is not None:
            with findings.at(key):
                check_element(findings, block[key], "card", surface)
    if block.get("actions") is not None:
        _elements(findings, {**block, "type": "card"}, 25, surface, "actions")


def _carousel(findings: Findings, block: Mapping[str, Any], surface: Surface) -> None:
    for index, card in enumerate(findings.items(block, "elements", 1, 10)):
        with findings.at("elements", index):
            if not isinstance(card, Mapping) or card.get("type") != "card":
                findings.add("/type", "must be card")
            else:
                check_block(findings, card, surface)


def _container(findings: Findings, block: Mapping[str, Any], surface: Surface) -> None:
    findings.text(block, "title", 150, plain=True)
    findings.text(block, "subtitle", 150)
    if block.get("title") is None and block.get("rich_text_title") is None:
        findings.add("", "missing required field: title or rich_text_title")
    findings.choice(block, "width", {"narrow", "standard", "wide", "full"})
    for index, child in enumerate(findings.items(block, "child_blocks", 1, 10)):
        with findings.at("child_blocks", index):
            if isinstance(child, Mapping) and child.get("type") == "container":
                findings.add("/type", "containers do not nest")
            else:
                check_block(findings, child, surface)


def _task_card(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    findings.string(block, "task_id", 255, needed=True)
    findings.string(block, "title", 256, needed=True)
    findings.choice(block, "status", {"pending", "in_progress", "complete", "error"}, needed=True)
    for key in ("details", "output"):
        part = block.get(key)
        if part is not None and not (isinstance(part, Mapping) and part.get("type") == "rich_text"):
            findings.add(f"/{key}", "must be a rich_text block")
    for index, source in enumerate(findings.items(block, "sources", 0, 50, needed=False)):
        if not (
            isinstance(source, Mapping) and source.get("type") == "url" and source.get("url") and source.get("text")
        ):
            findings.add(f"/sources/{index}", "must be a url element with url and text")


def _plan(findings: Findings, block: Mapping[str, Any], surface: Surface) -> None:
    findings.string(block, "title", 256, needed=True)
    seen: set[Any] = set()
    for index, task in enumerate(findings.items(block, "tasks", 0, 50, needed=False)):
        with findings.at("tasks", index):
            check_block(findings, task, surface)
            task_id = str(task.get("task_id")) if isinstance(task, Mapping) else ""
            if task_id in seen:
                findings.add("/task_id", f"task_id {task_id!r} already exists")
            seen.add(task_id)


def _file(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    findings.string(block, "external_id", 255, needed=True)
    findings.choice(block, "source", {"remote"}, needed=True)


def _divider(_findings: Findings, _block: Mapping[str, Any], _surface: Surface) -> None:
    """A line; nothing to check."""


def _keys(words: str) -> frozenset[str]:
    return frozenset(words.split())


RULES: Mapping[str, Rule] = {
    "section": Rule(EVERYWHERE, _keys("text fields accessory expand"), _section),
    "header": Rule(EVERYWHERE, _keys("text level"), _header),
    "divider": Rule(EVERYWHERE, frozenset(), _divider),
    "actions": Rule(EVERYWHERE, _keys("elements"), _actions),
    "context": Rule(EVERYWHERE, _keys("elements"), _context),
    "context_actions": Rule(MESSAGE, _keys("elements"), _context_actions),
    "input": Rule(EVERYWHERE, _keys("label hint element optional dispatch_action"), _input),
    "image": Rule(EVERYWHERE, _keys("image_url slack_file alt_text title"), _image),
    "rich_text": Rule(EVERYWHERE, _keys("elements"), _rich_text),
    "markdown": Rule(MESSAGE, _keys("text"), _markdown),
    "table": Rule(NOT_IN_MODALS, _keys("rows column_settings"), check_table),
    "data_table": Rule(NOT_IN_MODALS, _keys("rows caption page_size row_header_column_index"), check_data_table),
    "data_visualization": Rule(NOT_IN_MODALS, _keys("title chart"), check_chart),
    "task_card": Rule(MESSAGE, _keys("task_id title status details output sources"), _task_card),
    "plan": Rule(MESSAGE, _keys("title tasks plan_id"), _plan),
    "alert": Rule(MODAL, _keys("text level"), _alert),
    "card": Rule(EVERYWHERE, _keys("title subtitle body hero_image icon actions"), _card),
    "carousel": Rule(MESSAGE, _keys("elements"), _carousel),
    "container": Rule(
        NOT_IN_MODALS,
        _keys(
            "title rich_text_title subtitle child_blocks width icon is_collapsible default_collapsed has_header_divider"
        ),
        _container,
    ),
    "video": Rule(
        EVERYWHERE,
        _keys(
            "title title_url author_name description alt_text thumbnail_url video_url provider_name provider_icon_url"
        ),
        _video,
    ),
    "file": Rule(MESSAGE, _keys("external_id source"), _file),
}
