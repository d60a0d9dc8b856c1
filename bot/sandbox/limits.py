"""What Slack refuses in messages, modals and Home views. Pure: payload in, problems out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.sandbox.limit_blocks import check_block
from bot.sandbox.limit_findings import Findings, Problem, Surface, type_of

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
TEXT_CUT, MARKDOWN_SUM, TABLE_SUM = 40_000, 12_000, 10_000  # characters
VIEW_BYTES = 250_000
TITLE, METADATA, CALLBACK = 24, 3_000, 255
CHARTS = 2  # data_visualization blocks in one message
_MODAL_KEYS = frozenset(
    {
        "type",
        "title",
        "blocks",
        "close",
        "submit",
        "private_metadata",
        "callback_id",
        "clear_on_close",
        "notify_on_close",
        "external_id",
        "submit_disabled",
    }
)
_HOME_KEYS = frozenset({"type", "blocks", "private_metadata", "callback_id", "external_id"})


def check_message(payload: Mapping[str, Any]) -> list[Problem]:
    """Problems of a message's `text`, `markdown_text`, `blocks` and `attachments`; none: Slack takes it whole."""
    findings = Findings()
    text, blocks = payload.get("text"), payload.get("blocks")
    if isinstance(text, str) and len(text) > TEXT_CUT:
        findings.add("/text", f"{len(text)} characters; Slack cuts above {TEXT_CUT}", "msg_too_long")
    markdown = payload.get("markdown_text")
    if isinstance(markdown, str) and len(markdown) > MARKDOWN_SUM:
        findings.add("/markdown_text", f"must be at most {MARKDOWN_SUM} characters", "msg_too_long")
    _check_blocks(findings, blocks, "message", MESSAGE_BLOCKS)
    for index, attachment in enumerate(payload.get("attachments") or ()):
        inner = attachment.get("blocks") if isinstance(attachment, Mapping) else None
        if inner:
            with findings.at("attachments", index):
                _check_blocks(findings, inner, "message", MESSAGE_BLOCKS)
    return findings.problems


def check_view(view: Mapping[str, Any]) -> list[Problem]:
    """Problems of a modal."""
    findings = Findings()
    if view.get("type") != "modal":
        findings.add("/type", "must be modal", "invalid_arguments")
    findings.keys(view, _MODAL_KEYS)
    findings.text(view, "title", TITLE, needed=True, plain=True)
    findings.text(view, "submit", TITLE, plain=True)
    findings.text(view, "close", TITLE, plain=True)
    _check_common(findings, view)
    _check_blocks(findings, view.get("blocks"), "modal", VIEW_BLOCKS, needed=True)
    blocks = view.get("blocks")
    kinds = {type_of(block) for block in blocks} if isinstance(blocks, list) else set()
    if "input" in kinds and not view.get("submit"):
        findings.add(
            "/submit", "missing required field: submit is needed where there are input blocks", "invalid_arguments"
        )
    return findings.problems


def check_home(view: Mapping[str, Any]) -> list[Problem]:
    """Problems of a Home view."""
    findings = Findings()
    if view.get("type") != "home":
        findings.add("/type", "must be home", "invalid_arguments")
    findings.keys(view, _HOME_KEYS)
    _check_common(findings, view)
    _check_blocks(findings, view.get("blocks"), "home", VIEW_BLOCKS, needed=True)
    return findings.problems


def _check_common(findings: Findings, view: Mapping[str, Any]) -> None:
    findings.string(view, "private_metadata", METADATA)
    findings.string(view, "callback_id", CALLBACK)
    findings.string(view, "external_id", CALLBACK)
    size = len(json.dumps(view, default=str).encode())
    if size > VIEW_BYTES:
        findings.add("", f"the view has {size} bytes; at most {VIEW_BYTES}", "view_too_large")


def _check_blocks(findings: Findings, blocks: Any, surface: Surface, most: int, *, needed: bool = False) -> None:
    if blocks is None and not needed:
        return
    if not isinstance(blocks, list):
        findings.add(
            "/blocks", "must be an array", "invalid_blocks_format" if surface == "message" else "invalid_arguments"
        )
        return
    with findings.at("blocks"):
        if len(blocks) > most:
            findings.add("", f"no more than {most} items allowed, there are {len(blocks)}")
        for index, block in enumerate(blocks):
            with findings.at(index):
                check_block(findings, block, surface)
        _check_block_ids(findings, blocks)
    _check_sums(findings, surface)


def _check_block_ids(findings: Findings, blocks: list[Any]) -> None:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id") if isinstance(block, Mapping) else None
        if isinstance(block_id, str) and block_id in seen:
            with findings.at(index, "block_id"):
                findings.add("", f"block_id {block_id!r} already exists")
        elif isinstance(block_id, str):
            seen.add(block_id)


def _check_sums(findings: Findings, surface: Surface) -> None:
    """What is limited over the whole payload."""
    sums = findings.sums
    if sums["markdown"] > MARKDOWN_SUM:
        findings.add("/blocks", f"markdown blocks hold {sums['markdown']} characters in all; at most {MARKDOWN_SUM}")
    if sums["table"] > TABLE_SUM:
        findings.add("/blocks", f"table cells hold {sums['table']} characters in all; at most {TABLE_SUM}")
    if surface == "message" and sums["tables"] > 1:
        findings.add("/blocks", "only one table allowed in a message")
    if surface == "message" and sums["charts"] > CHARTS:
        findings.add("/blocks", f"at most {CHARTS} data_visualization blocks allowed in a message")
    if sums["focus"] > 1:
        findings.add("/blocks", "only one element may have focus_on_load")


__all__ = ["Problem", "check_home", "check_message", "check_view"]
