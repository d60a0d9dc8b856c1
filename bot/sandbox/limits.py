"""Slack's limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that Slack would refuse."""

    pointer: str
    message: str
    code: str = "invalid_blocks"


def check_message(payload: Mapping[str, Any]) -> list[Problem]:
    """Problems."""
    return []
