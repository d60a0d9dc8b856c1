"""Problems found in a payload, with where each lies, and the checks that all blocks share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

Surface = Literal["message", "modal", "home"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that Slack would refuse."""

    pointer: str  # JSON pointer into the payload
    message: str
    code: str = "invalid_blocks"  # the error that Slack would give for a message


def type_of(value: Any) -> str:
    """The type that a block, element or cell names; "" for what names none."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    return kind if isinstance(kind, str) else ""


class Findings:
    """Collects problems while a payload is walked."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.sums: Counter[str] = Counter()  # what is limited over the whole payload
        self._path: list[str] = []

    def add(self, pointer: str, message: str, code: str = "invalid_blocks") -> None:
        """Note a problem, at a pointer from here."""
        self.problems.append(Problem("".join(f"/{part}" for part in self._path) + pointer, message, code))

    @contextmanager
    def at(self, *parts: str | int) -> Iterator[None]:
        """Go deeper for a while."""
        self._path.extend(str(part) for part in parts)
        yield
        del self._path[len(self._path) - len(parts) :]

    # --- checks ---

    def keys(self, value: Mapping[str, Any], allowed: Collection[str]) -> None:
        """Refuse what Slack does not know."""
        for key in value:
            if key not in allowed:
                self.add("", f"invalid additional property: {key}")

    def string(self, owner: Mapping[str, Any], key: str, most: int, *, needed: bool = False, least: int = 0) -> None:
        """A plain string of a bounded length."""
        value = owner.get(key)
        if value is None:
            if needed:
                self.add("", f"missing required field: {key}")
        elif not isinstance(value, str):
            self.add(f"/{key}", "must be a string")
        elif len(value) > most:
            self.add(f"/{key}", f"must be at most {most} characters, has {len(value)}")
        elif len(value) < least or (needed and not value):
            self.add(f"/{key}", f"must be at least {max(least, 1)} characters")

    def text(
        self,
        owner: Mapping[str, Any],
        key: str,
        most: int,
        *,
        needed: bool = False,
        plain: bool = False,
        mrkdwn: bool = False,
    ) -> None:
        """A text object; `plain` and `mrkdwn` allow only that kind."""
        value = owner.get(key)
        if value is None:
            if needed:
                self.add("", f"missing required field: {key}")
            return
        with self.at(key):
            self.text_object(value, most, plain=plain, mrkdwn=mrkdwn)

    def text_object(self, value: Any, most: int, *, plain: bool = False, mrkdwn: bool = False) -> None:
        """A text object that is there."""
        if not isinstance(value, Mapping):
            self.add("", "must be a text object")
            return
        kind = type_of(value)
        allowed = {"plain_text"} if plain else {"mrkdwn"} if mrkdwn else {"plain_text", "mrkdwn"}
        if kind not in allowed:
            self.add("/type", f"must be {' or '.join(sorted(allowed))}, is {kind}")
        self.keys(value, {"type", "text", "emoji"} if kind == "plain_text" else {"type", "text", "verbatim"})
        self.string(value, "text", most, needed=True, least=1)

    def number(self, owner: Mapping[str, Any], key: str, least: float, most: float, *, needed: bool = False) -> None:
        """A number within bounds."""
        value = owner.get(key)
        if value is None:
            if needed:
                self.add("", f"missing required field: {key}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            self.add(f"/{key}", f"must be a number from {least:g} to {most:g}")

    def choice(self, owner: Mapping[str, Any], key: str, values: Collection[str], *, needed: bool = False) -> None:
        """One of a few words."""
        value = owner.get(key)
        if value is None:
            if needed:
                self.add("", f"missing required field: {key}")
        elif not isinstance(value, str) or value not in values:
            self.add(f"/{key}", f"must be one of {', '.join(sorted(values))}")

    def items(self, owner: Mapping[str, Any], key: str, least: int, most: int, *, needed: bool = True) -> list[Any]:
        """A list of a bounded length; what is there, for a closer look."""
        value = owner.get(key)
        if value is None:
            if needed:
                self.add("", f"missing required field: {key}")
            return []
        if not isinstance(value, list):
            self.add(f"/{key}", "must be an array")
            return []
        if len(value) > most:
            self.add(f"/{key}", f"no more than {most} items allowed, there are {len(value)}")
        if len(value) < least:
            self.add(f"/{key}", f"must provide at least {least} items")
        return value
