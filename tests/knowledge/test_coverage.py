"""Nothing that the paper says is left out: each of its paragraphs is covered by a passage."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.content import LOCATORS, load_knowledge, load_locators
from bot.adapters.locators import locator_list, main, write_locators
from bot.core.errors import DocumentError
from bot.core.framework import PAPER_UNITS
from bot.core.paper import paragraphs_of, recognise
from tests.ingest.papers import as_txt, real_paper, synthetic_paper

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("unit", PAPER_UNITS)
def test_every_paragraph_of_the_paper_is_covered_by_a_passage(unit: str) -> None:
    expected = {locator for locator in load_locators(ROOT) if locator.partition(":")[0] == unit}
    covered = {locator for passage in load_knowledge(ROOT).passages() for locator in passage.locators}
    assert expected
    assert expected - covered == set()


def test_passage_ids_are_unique_and_begin_with_their_unit() -> None:
    passages = load_knowledge(ROOT).passages()
    assert len({p.id for p in passages}) == len(passages)
    assert [p.id for p in passages if p.id != f"{p.unit}/{p.part}"] == []


def test_the_list_of_locators_is_that_of_the_paper_itself() -> None:
    original = real_paper()
    if original is None:
        pytest.skip("the white paper is not on this machine (ISP_COACH_WHITE_PAPER)")
    found = recognise(paragraphs_of(original.read_text(encoding="utf-8")))
    assert found.unplaced == ()
    assert locator_list(found.paragraphs) == (ROOT / LOCATORS).read_text(encoding="utf-8")


def test_the_list_holds_hashes_and_no_words_of_the_paper() -> None:
    known = load_locators(ROOT)
    assert len({entry.digest for entry in known.values()}) >= 140
    lines = (ROOT / LOCATORS).read_text(encoding="utf-8").splitlines()
    assert max(len(line.split()) for line in lines if not line.startswith("#")) <= 10


def test_the_list_can_be_written_anew_from_a_paper(tmp_path: Path) -> None:
    (tmp_path / "knowledge" / "white_paper").mkdir(parents=True)
    paper = tmp_path / "paper.txt"
    paper.write_bytes(as_txt(synthetic_paper()))
    assert write_locators(paper, tmp_path) == len(load_locators(tmp_path))
    paper.write_text("Something else altogether.\n\nAnd more of it.")
    with pytest.raises(DocumentError, match=r"paper\.txt is not the white paper"):
        write_locators(paper, tmp_path)


def test_the_script_says_how_to_call_it_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["nowhere.txt"]) == 1
    told = capsys.readouterr().err
    assert "Usage:" in told
    assert "nowhere.txt" in told
