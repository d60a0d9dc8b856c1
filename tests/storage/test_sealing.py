"""Free text at rest: with a key nothing is readable, without one nothing is lost, and a wrong one is told at start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import create_engine, func, insert, select, text

from bot.adapters.crypto import SEALED, FreeJson, FreeText, TextCipher
from bot.adapters.storage.engine import make_engine, sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.adapters.storage.tables import journal, metadata
from bot.core.errors import SettingsError
from bot.settings import Settings
from tests.storage.rows import ANA, BEN, NOW, fill, reflection

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
CANARY = "kestrel-over-ward-seven"


@contextmanager
def opened(url: str, *keys: str) -> Iterator[SqlRepositories]:
    with closing(SqlRepositories(url, cipher=TextCipher(keys))) as repositories:
        yield repositories


def stored_texts(url: str) -> list[str]:
    """Every value of a free-text column as the database holds it."""
    engine = make_engine(url)
    values: list[str] = []
    with engine.connect() as connection:
        for table in metadata.tables.values():
            for column in table.columns:
                if isinstance(column.type, FreeText | FreeJson):
                    query = text(f'SELECT "{column.name}" FROM {table.name} WHERE "{column.name}" IS NOT NULL')
                    values += connection.execute(query).scalars()
    engine.dispose()
    return values


# --- the cipher ---


@pytest.mark.parametrize("keys", [(), (NEW,), (NEW, OLD)], ids=["no key", "one key", "two keys"])
def test_any_text_survives_sealing_and_opening(keys: tuple[str, ...]) -> None:
    cipher = TextCipher(keys)

    @given(st.text(st.characters(), max_size=60) | st.sampled_from([SEALED, "raw:v1:", "enc:", "\0", "\udfff"]))
    def survives(written: str) -> None:
        stored = cipher.seal(written)
        assert cipher.open(stored) == written
        stored.encode()
        assert "\0" not in stored
        assert cipher.is_current(stored)

    survives()


def test_what_was_sealed_with_an_earlier_key_can_be_opened_but_is_not_current() -> None:
    stored = TextCipher([OLD]).seal(CANARY)
    assert TextCipher([NEW, OLD]).open(stored) == CANARY
    assert not TextCipher([NEW, OLD]).is_current(stored)
    assert not TextCipher().is_current(stored)


@pytest.mark.parametrize("keys", [(), (OTHER,)], ids=["no key", "wrong key"])
def test_sealed_text_without_its_key_is_an_error_and_never_garbage(keys: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="ISP_COACH_ENCRYPTION_KEY"):
        TextCipher(keys).open(TextCipher([NEW]).seal(CANARY))


def test_damaged_text_is_an_error_and_never_garbage() -> None:
    stored = TextCipher([NEW]).seal(CANARY)
    with pytest.raises(SettingsError):
        TextCipher([NEW]).open(stored[:-6] + "AAAAA=")


@pytest.mark.parametrize(
    "key", ["short", "x" * 44, "schlüssel", NEW[:-1]], ids=["short", "no bytes", "not ASCII", "cut"]
)
def test_a_key_that_is_none_is_named_but_not_repeated(key: str) -> None:
    with pytest.raises(SettingsError, match="not a Fernet key") as caught:
        TextCipher([key])
    assert key not in str(caught.value)


def test_keys_come_from_the_settings_newest_first() -> None:
    settings = Settings(encryption_key=SecretStr(f" {NEW} , {OLD},"), _env_file=None)
    assert TextCipher.from_settings(settings).fingerprint == TextCipher([NEW]).fingerprint
    assert TextCipher.from_settings(settings).open(TextCipher([OLD]).seal(CANARY)) == CANARY
    assert not TextCipher.from_settings(Settings(encryption_key=None, _env_file=None)).enabled


def test_a_connection_that_does_not_say_how_text_is_stored_is_refused() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(Exception, match="how text is stored"):
        connection.execute(insert(journal).values(prompt=CANARY))
    engine.dispose()


# --- the database ---


def test_with_a_key_no_word_is_readable_in_the_files(tmp_path: Path) -> None:
    with opened(sqlite_url(tmp_path / "coach.db"), NEW) as repositories:
        fill(repositories, ANA, CANARY)
        assert repositories.journal.entries(ANA)[0].text == CANARY
        assert (tmp_path / "coach.db-wal").stat().st_size > 0
        assert_nowhere(tmp_path, CANARY)
    assert_nowhere(tmp_path, CANARY)


def test_without_a_key_the_same_search_finds_the_words(tmp_path: Path) -> None:
    """So that the test above means something."""
    with opened(sqlite_url(tmp_path / "coach.db")) as repositories:
        fill(repositories, ANA, CANARY)
    with pytest.raises(AssertionError):
        assert_nowhere(tmp_path, CANARY)


def test_what_was_erased_is_gone_from_the_files(tmp_path: Path) -> None:
    with opened(sqlite_url(tmp_path / "coach.db")) as repositories:
        fill(repositories, BEN, "stays")
        fill(repositories, ANA, CANARY)
        repositories.erase(ANA)
        assert_nowhere(tmp_path, CANARY)
        assert_nowhere(tmp_path, ANA.user_id)
        assert repositories.journal.entries(BEN)[0].text == "stays"


def assert_nowhere(folder: Path, words: str) -> None:
    for path in folder.iterdir():
        assert words.encode() not in path.read_bytes(), path.name


def test_every_free_text_is_sealed_in_either_database(url: str) -> None:
    with opened(url, NEW) as repositories:
        fill(repositories, ANA, CANARY)
    texts = stored_texts(url)
    assert len(texts) == 15  # fourteen of the person's and the canary
    assert all(stored.startswith(SEALED) for stored in texts)


def test_rows_of_before_the_key_stay_readable_beside_new_ones(url: str) -> None:
    with opened(url) as repositories:
        repositories.journal.add(reflection("r1", text="before"))
    with opened(url, NEW) as repositories:
        repositories.journal.add(reflection("r2", text="after"))
        assert [entry.text for entry in repositories.journal.entries(ANA)] == ["after", "before"]


@pytest.mark.parametrize("keys", [(), (OTHER,)], ids=["no key", "wrong key"])
def test_a_missing_or_wrong_key_stops_the_start(url: str, keys: tuple[str, ...]) -> None:
    with opened(url, NEW):
        pass
    with pytest.raises(SettingsError, match="ISP_COACH_ENCRYPTION_KEY"), opened(url, *keys):
        pass
    with opened(url, NEW) as repositories:
        repositories.ping()


def test_after_a_new_key_the_earlier_rows_are_read_with_the_earlier_one(url: str) -> None:
    with opened(url, OLD) as repositories:
        repositories.journal.add(reflection("r1", text="under the old key"))
    with opened(url, NEW, OLD) as repositories:
        repositories.journal.add(reflection("r2", text="under the new key"))
        assert [entry.text for entry in repositories.journal.entries(ANA)] == ["under the new key", "under the old key"]


def test_dropping_an_earlier_key_too_soon_stops_the_start(url: str) -> None:
    with opened(url, OLD), opened(url, NEW, OLD):
        pass
    with pytest.raises(SettingsError, match="earlier key after the new one"), opened(url, NEW):
        pass


def test_after_resealing_the_earlier_key_can_go(url: str) -> None:
    with opened(url) as repositories:
        fill(repositories, ANA, "plain")
    with opened(url, OLD) as repositories:
        fill(repositories, BEN, "old")
    with opened(url, NEW, OLD) as repositories:
        before = repositories.everything_of(ANA), repositories.everything_of(BEN)
        assert repositories.reseal() == 18
        assert repositories.reseal() == 0
    with opened(url, NEW) as repositories:
        assert (repositories.everything_of(ANA), repositories.everything_of(BEN)) == before
    assert all(TextCipher([NEW]).is_current(stored) for stored in stored_texts(url))


def test_resealing_goes_through_more_rows_than_fit_a_batch(url: str) -> None:
    engine = make_engine(url)
    row = {"team_id": "T", "user_id": "U", "prompt": "", "text": CANARY, "commitment": "", "created_at": NOW}
    with engine.begin() as connection:
        connection.execute(insert(journal), [{**row, "id": str(number)} for number in range(1203)])
    engine.dispose()
    with opened(url, NEW) as repositories:
        assert repositories.reseal() == 1203
        with repositories.engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(journal)).scalar_one() == 1203
    assert all(stored.startswith(SEALED) for stored in stored_texts(url))


def test_without_a_key_there_is_nothing_to_reseal(url: str) -> None:
    with opened(url) as repositories:
        fill(repositories, ANA)
        assert repositories.reseal() == 0
