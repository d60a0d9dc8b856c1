"""Corrections that their authors share, as drafts of exemplars: a person reads each before it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.core.records import Exchange

_FUNCTIONS = 2  # as many as most exemplars name
_HEAD = """# Drafts from corrections. Before one is kept: take out names and places, check the labels, and put it into a
# file of knowledge/exemplars/messages. `setting`, `difficulty` and a negative's `kind` are guesses.
"""


def as_drafts(exchanges: Iterable[Exchange]) -> list[dict[str, Any]]:
    """Each correction as an exemplar, without a trace of who wrote it; the same words twice give one."""
    drafts = {draft["id"]: draft for draft in map(_draft, exchanges)}
    return list(drafts.values())


def _draft(exchange: Exchange) -> dict[str, Any]:
    text = " ".join(exchange.asked.split())
    identifier = f"corrected-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:10]}"
    if exchange.correction in {None, "none"}:
        return {"id": identifier, "text": text, "kind": "unrelated"}
    functions = [code for code, _ in exchange.result.get("functions", ())][:_FUNCTIONS]
    draft = {
        "id": identifier,
        "text": text,
        "primary": exchange.correction,
        "acceptable": [exchange.correction],
        "functions": functions or ["FB"],
        "setting": "unspecified",
        "difficulty": "hard",
    }
    level = exchange.result.get("level")
    return {**draft, "level": level} if level else draft


def as_yaml(drafts: Iterable[dict[str, Any]]) -> str:
    """An exemplar file of the drafts."""
    import yaml

    found = list(drafts)
    file = {
        "author": "corrections",
        "settings": ["unspecified"],
        "messages": [draft for draft in found if "primary" in draft],
        "negatives": [draft for draft in found if "kind" in draft],
    }
    kept = {name: value for name, value in file.items() if value}
    return _HEAD + str(yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=4096))
