"""What the bot says: texts from checked prompt files, looked up by key and filled with named fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from pydantic import Field

from bot.core.framework import Content, Text


class WordingText(Content):
    """One text with the names of the fields that it takes."""

    text: Text
    fields: tuple[str, ...] = ()


class WordingFile(Content):
    """One file of prompts/wording/: an area of the bot and its texts."""

    area: Text
    texts: dict[str, WordingText] = Field(min_length=1)


def fields_of(text: str) -> set[str]:
    """The names of the `{fields}` that stand in a text. Raises ValueError where braces don't match."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@dataclass(frozen=True, slots=True)
class Wording:
    """All texts by key, `<area>.<name>`."""

    texts: Mapping[str, WordingText]

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with its fields filled in. Raises KeyError for an unknown key or a wrong set of fields."""
        entry = self.texts[key]
        if set(entry.fields) != set(values):
            msg = f"{key} takes {sorted(entry.fields)}, not {sorted(values)}"
            raise KeyError(msg)
        return entry.text.format(**values) if values else entry.text.replace("{{", "{").replace("}}", "}")
