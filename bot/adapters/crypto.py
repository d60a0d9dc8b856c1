"""Free text at rest: sealed with the operator's key where one is set, readable as it is where none was.

What is stored says how it was stored, so that one column can hold rows of before and after a key was set:
`enc:v1:<token>` is sealed, `raw:v1:<base64>` is plain text that a database would not take as it is, or that looks
like a mark of ours, and everything else is the text itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Dialect, Engine, Text
from sqlalchemy.types import TypeDecorator

from bot.core.errors import SettingsError
from bot.settings import Settings

SEALED = "enc:v1:"
RAW = "raw:v1:"
_MARKS = ("enc:", "raw:")
_SETTING = "ISP_COACH_ENCRYPTION_KEY"


class TextCipher:
    """Seals and opens text. Several keys: the first seals, all open. No key: text stays as it is."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._keys = tuple(keys)
        self._single = tuple(_fernet(key) for key in self._keys)
        self._all = MultiFernet(self._single) if self._single else None

    @classmethod
    def from_settings(cls, settings: Settings) -> TextCipher:
        """The cipher of `encryption_key`: keys with commas between, newest first. Raises SettingsError."""
        if settings.encryption_key is None:
            return cls()
        written = settings.encryption_key.get_secret_value().split(",")
        return cls([key.strip() for key in written if key.strip()])

    @property
    def enabled(self) -> bool:
        """True where a key is set."""
        return self._all is not None

    @property
    def fingerprint(self) -> str | None:
        """Names the key that seals, without telling it; None where there is no key."""
        return hashlib.sha256(self._keys[0].encode()).hexdigest()[:16] if self._keys else None

    def seal(self, text: str) -> str:
        """The text as it is to be stored. Takes any string, with NUL and lone surrogates too."""
        if self._all is not None:
            return SEALED + self._all.encrypt(_to_bytes(text)).decode("ascii")
        return RAW + base64.b64encode(_to_bytes(text)).decode("ascii") if _needs_care(text) else text

    def open(self, stored: str) -> str:
        """The text of a stored value. Raises SettingsError where none of the keys fits."""
        if stored.startswith(RAW):
            return _to_text(base64.b64decode(stored.removeprefix(RAW)))
        if not stored.startswith(SEALED):
            return stored
        if self._all is None:
            raise SettingsError(f"The database holds encrypted text, but {_SETTING} is not set.")
        try:
            return _to_text(self._all.decrypt(stored.removeprefix(SEALED).encode()))
        except InvalidToken as error:
            raise SettingsError(
                f"{_SETTING} does not fit: the database holds text that was encrypted with another key. "
                "Put the earlier key after the new one, with a comma between."
            ) from error

    def is_current(self, stored: str) -> bool:
        """True where the value is stored as this cipher would store it now: under its newest key, or plain."""
        if not self._single:
            return not stored.startswith(SEALED)
        try:
            self._single[0].decrypt(stored.removeprefix(SEALED).encode())
        except InvalidToken:
            return False
        return stored.startswith(SEALED)


class FreeText(TypeDecorator[str]):
    """A column of free text. It cannot be compared in SQL: the same text is sealed differently each time."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal on the way in."""
        return None if value is None else cipher_of(dialect).seal(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open on the way out."""
        return None if value is None else cipher_of(dialect).open(value)


class FreeJson(TypeDecorator[Any]):
    """A column of JSON that may hold free text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write as JSON and seal. ASCII only: a database then takes every character that a person may send."""
        return None if value is None else cipher_of(dialect).seal(json.dumps(value, ensure_ascii=True))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Open and read the JSON."""
        return None if value is None else json.loads(cipher_of(dialect).open(value))


# A column type learns nothing of the engine but its dialect, and each engine has a dialect object of its own.
_CIPHERS: WeakKeyDictionary[Dialect, TextCipher] = WeakKeyDictionary()


def bind_cipher(engine: Engine, cipher: TextCipher) -> None:
    """Let the free-text columns of this engine use the cipher."""
    _CIPHERS[engine.dialect] = cipher


def cipher_of(dialect: Dialect) -> TextCipher:
    """The cipher of an engine's dialect. An engine without one is refused: it would write plain text unasked."""
    try:
        return _CIPHERS[dialect]
    except KeyError:
        raise SettingsError("This database connection was made without saying how text is stored.") from None


def _fernet(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:  # the cause would show the key's form; the words say all that is needed
        raise SettingsError(
            f"{_SETTING} holds something that is not a Fernet key: 32 random bytes in URL-safe base64 (44 characters)."
        ) from None


def _needs_care(text: str) -> bool:
    if text.startswith(_MARKS) or "\0" in text:
        return True
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _to_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")
