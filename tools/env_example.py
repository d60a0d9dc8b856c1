"""Writes `.env.example` from the settings: `make env`. Each setting has its description and its default."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from bot.settings import Settings

_HEAD = """# Copy this file to .env and change what you need; everything has a default that works.
# Written by `make env` from bot/settings.py.
"""


def render() -> str:
    """The whole file."""
    entries = (_entry(name, field) for name, field in Settings.model_fields.items())
    return "\n".join([_HEAD, *entries])


def variable(name: str, field: FieldInfo) -> str:
    """The name of a setting in the environment."""
    return str(field.validation_alias or f"ISP_COACH_{name}".upper())


def _entry(name: str, field: FieldInfo) -> str:
    words = "\n".join(f"# {line}" for line in textwrap.wrap(field.description or "", 110))
    return f"{words}\n#{variable(name, field)}={_shown(field)}\n"


def _shown(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return ""  # depends on the machine
    default: Any = field.default
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case Path():
            return default.as_posix()
        case _:
            return str(default)


if __name__ == "__main__":
    print(render(), end="")
