"""Types of what a message wants (the rules themselves follow below as they are written)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Intent = Literal["ask", "triage", "selfcheck", "reflect", "smalltalk", "help", "other_person", "distress", "privacy"]


@dataclass(frozen=True, slots=True)
class Route:
    """What a direct message wants."""

    intent: Intent
    confidence: float  # 0 to 1
    unsure: bool = False  # True where a second reading is about as likely: say so, offer it
    other: Intent | None = None  # that second reading
    subject: str | None = None  # "small talk" kinds and the like: greeting, thanks, who_are_you, bye
