"""YAML content files as typed records, quickly and strictly; each error names file, line and field.

The files hold words, so every scalar is read as text (`yes`, `1.0` and `2020-01-01` stay what was typed) and the
record's type decides; only an empty or `null` plain scalar is nothing. Anchors, aliases, tags and repeated keys are
errors: they hide what a reader sees. Data is built straight from libyaml's events, three times as fast as nodes;
the nodes, which know their lines, are composed only when there is an error to place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from bot.core.errors import ContentError

Model = TypeVar("Model", bound=BaseModel)
Place = Sequence[str | int]  # the way to a value: keys and positions, outermost first

_MAX_BYTES = 8_000_000  # the largest content file of ours is far below a tenth of it
_MAX_DEPTH = 12
_SHOWN = 60  # signs of a wrong value that an error repeats, so that it fits a line
_NOTHING = frozenset({"", "~", "null"})
_CALM = {
    "extra_forbidden": "is no key that is known here",
    "missing": "is missing",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
}


def read_text(path: Path, root: Path) -> tuple[str, str]:
    """A content file's name, as people know it (relative to `root`), and its text. Raises ContentError."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ContentError(name, None, "", f"can't be read ({error.strerror})") from error
    if len(raw) > _MAX_BYTES:
        raise ContentError(name, None, "", f"is larger than {_MAX_BYTES // 1_000_000} MB")
    try:
        return name, raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ContentError(name, line, "", "is not UTF-8 text") from error


@dataclass(frozen=True, slots=True)
class Sheet:
    """One YAML text with its data, able to name the line of any place in it."""

    name: str  # for people
    text: str
    line: int = 1  # of the file, on which the text begins
    data: Any = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", _build(self))

    def error(self, place: Place, problem: str) -> ContentError:
        """The error for what is wrong at a place of the data."""
        return ContentError(self.name, self.line + _line_of(self.text, place), _field(place), problem)

    def as_record(self, model: type[Model]) -> Model:
        """The data as a typed record. Raises ContentError for the first thing that is wrong."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            # A key that nobody knows comes first: it is a misspelling, of which "is missing" is only the shadow.
            first = min(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
            more = error.error_count() - 1
            problem = _problem(dict(first)) + (f" (and {more} more)" if more else "")
            raise self.error(first["loc"], problem) from error


def read_sheet(path: Path, root: Path) -> Sheet:
    """Read one YAML file. Raises ContentError where it can't be read or is no plain YAML."""
    name, text = read_text(path, root)
    return Sheet(name, text)


def read_record(path: Path, root: Path, model: type[Model]) -> Model:
    """Read one YAML file as a typed record. Raises ContentError."""
    return read_sheet(path, root).as_record(model)


def _field(place: Place) -> str:
    parts = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in place)
    return parts.removeprefix(".")


def _problem(error: dict[str, Any]) -> str:
    kind, given, context = str(error["type"]), error.get("input"), error.get("ctx") or {}
    shown = repr(given) if len(repr(given)) <= _SHOWN else repr(given)[: _SHOWN - 3] + "…"
    if kind in _CALM:
        return _CALM[kind]
    if kind == "literal_error":
        return f"must be {context.get('expected')}, not {shown}"
    if kind == "string_pattern_mismatch":
        return f"{shown} has not the form that is expected here ({context.get('pattern')})"
    if kind == "too_short":
        return f"has {context.get('actual_length')} entries and needs {context.get('min_length')}"
    words = str(error["msg"]).removeprefix("Value error, ")
    return words[:1].lower() + words[1:]


def _line_of(text: str, place: Place) -> int:
    """The line (from 0) of a place, or of the innermost part of the way to it that exists."""
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    line = 0 if node is None else node.start_mark.line
    for step in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line
        else:
            break
    return int(line)


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being filled."""

    items: list[Any] | dict[str, Any]
    key: str | None = None  # of a mapping: the key that waits for its value

    def add(self, value: object) -> None:
        if isinstance(self.items, list):
            self.items.append(value)
        elif self.key is not None:
            self.items[self.key] = value
            self.key = None

    @property
    def wants_key(self) -> bool:
        return isinstance(self.items, dict) and self.key is None


def _build(sheet: Sheet) -> Any:
    """The data of a sheet. Raises ContentError with the line of whatever is no plain YAML."""
    builder = _Builder(sheet)
    try:
        for event in yaml.parse(sheet.text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        line = sheet.line + (mark.line if mark else 0)
        raise ContentError(sheet.name, line, "", f"is no valid YAML: {words}") from error
    except yaml.reader.ReaderError as error:
        line = sheet.line + sheet.text.encode().count(b"\n", 0, int(error.position))
        raise ContentError(sheet.name, line, "", "holds a character that YAML doesn't allow") from error
    return builder.root


class _Builder:
    """Takes libyaml's events, one after the other."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.root: Any = None
        self._frames: list[_Frame] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._frames.pop()
        elif isinstance(event, yaml.AliasEvent):
            raise self._error(event, "stands for text elsewhere (*name): write it out")
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._error(event, "begins a second document (---): one a file")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if event.anchor or event.tag:
            raise self._error(event, "carries a tag or an anchor: plain text only")
        frame = self._frames[-1] if self._frames else None
        if frame and frame.wants_key:
            if event.value in frame.items:
                raise self._error(event, f"the key {event.value!r} stands twice")
            frame.key = event.value
            return
        nothing = not event.style and event.value in _NOTHING  # a plain scalar has no style
        self._put(None if nothing else event.value)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        if event.anchor or event.tag:
            raise self._error(event, "carries a tag or an anchor: plain text only")
        if self._frames and self._frames[-1].wants_key:
            raise self._error(event, "a key must be plain text")
        if len(self._frames) >= _MAX_DEPTH:
            raise self._error(event, f"is nested more than {_MAX_DEPTH} deep")
        frame = _Frame({} if isinstance(event, yaml.MappingStartEvent) else [])
        self._put(frame.items)
        self._frames.append(frame)

    def _put(self, value: object) -> None:
        if self._frames:
            self._frames[-1].add(value)
        else:
            self.root = value

    def _error(self, event: yaml.Event, problem: str) -> ContentError:
        line = event.start_mark.line if event.start_mark else 0
        return ContentError(self.sheet.name, self.sheet.line + line, "", problem)
