"""One text, five formats: the same paragraphs in the same places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.content import load_locators
from bot.adapters.documents.reader import SourceReader
from bot.core.paper import KnownParagraph, digest, is_between, paragraphs_of, recognise, words_of
from bot.core.placing import place
from tests.ingest.papers import FORMATS, Piece, as_txt, known_of, pieces_of, real_paper, synthetic_paper, written

ROOT = Path(__file__).resolve().parents[2]
PAPER = synthetic_paper()
KNOWN = known_of(PAPER)


def expected() -> dict[str, str]:
    return {p.locator: p.text for p in recognise(paragraphs_of(as_txt(PAPER).decode())).paragraphs}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("known", [{}, KNOWN], ids=["by its headings", "by its hashes"])
def test_a_paper_in_any_format_has_the_same_paragraphs(
    form: str, known: dict[str, KnownParagraph], tmp_path: Path
) -> None:
    path = tmp_path / f"paper.{form}"
    path.write_bytes(written(PAPER, form))
    found = place(SourceReader().read(str(path)).blocks, known)
    assert found.is_white_paper
    assert found.unplaced == ()
    assert {p.locator: p.text for p in found.paragraphs} == expected()


@pytest.mark.parametrize("form", FORMATS)
def test_the_original_in_any_format_has_every_locator(form: str, tmp_path: Path) -> None:
    original = real_paper()
    if original is None:
        pytest.skip("the white paper is not on this machine (ISP_COACH_WHITE_PAPER)")
    text = original.read_text(encoding="utf-8")
    path = tmp_path / f"paper.{form}"
    path.write_bytes(written(pieces_of(text), form) if form != "txt" else text.encode())
    known = load_locators(ROOT)
    found = place(SourceReader().read(str(path)).blocks, known)
    assert [p.locator for p in found.paragraphs] == list(known)
    assert (found.by_hash, found.unplaced, found.missing) == (len(known), (), ())


def _without_headings(pieces: list[Piece]) -> list[str]:
    return [p.text for p in pieces if not is_between(words_of(p.text))]


def _split_in_two(pieces: list[Piece]) -> list[str]:
    halves = [(p.text.split(), len(p.text.split()) // 2) for p in pieces]
    return [" ".join(part) for words, half in halves for part in (words[:half], words[half:]) if part]


def _run_together(pieces: list[Piece]) -> list[str]:
    return [" ".join(p.text for p in pieces[n : n + 3]) for n in range(0, len(pieces), 3)]


def _all_in_one(pieces: list[Piece]) -> list[str]:
    return [" ".join(p.text for p in pieces)]


@pytest.mark.parametrize("damage", [_split_in_two, _run_together, _all_in_one])
def test_paragraphs_that_a_format_splits_or_joins_are_found_by_their_words(
    damage: Callable[[list[Piece]], list[str]],
) -> None:
    found = place(damage(PAPER), KNOWN)
    assert {p.locator: digest(p.text) for p in found.paragraphs} == {k: v.digest for k, v in KNOWN.items()}
    assert found.unplaced == ()


def test_a_paper_that_lost_its_headings_is_known_by_its_words() -> None:
    found = place(_without_headings(PAPER), KNOWN)
    assert found.is_white_paper
    assert found.by_hash >= len(KNOWN) - 15  # the two lists of titles read like headings, and are gone with them


def test_an_altered_paragraph_is_placed_by_its_neighbours() -> None:
    blocks = [p.text for p in PAPER]
    at = next(n for n, text in enumerate(blocks) if "“unearth the problem”" in text and text.startswith("Point 2"))
    blocks[at] = blocks[at].replace("who keep it going", "17 who keep it go- ing")
    found = place(blocks, KNOWN)
    assert "C2:p2" in {p.locator for p in found.paragraphs}
    assert (found.by_hash, found.unplaced, found.missing) == (len(KNOWN) - 1, (), ())


def test_a_paragraph_too_many_is_told_not_lost() -> None:
    blocks = [p.text for p in PAPER]
    blocks.insert(len(blocks) // 2, "An editor put this whole sentence in, and nobody knows quite why.")
    assert place(blocks, KNOWN).unplaced == ("An editor put this whole sentence in, and nobody knows quite why.",)


def test_a_missing_paragraph_is_named() -> None:
    blocks = [p.text for p in PAPER if not ("“connect”" in p.text and p.text.startswith("Point 1"))]
    assert place(blocks, KNOWN).missing == ("FA:p1",)


def test_another_text_that_speaks_of_the_paper_is_not_taken_for_it() -> None:
    blocks = ["Notes on Core Competencies and Functions of Implementation Support Practitioners", "We liked it."]
    assert not place(blocks, KNOWN).is_white_paper


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(max_size=80), max_size=30))
def test_whatever_the_blocks_hold_nothing_is_invented(blocks: list[str]) -> None:
    mixed = [*blocks, *(p.text for p in PAPER[:40]), *blocks]
    found = place(mixed, KNOWN)
    given_words = set(words_of(" ".join(mixed)))
    assert {word for p in found.paragraphs for word in words_of(p.text)} <= given_words
