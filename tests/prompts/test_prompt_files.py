"""The statements and prompts that ship are complete and sound; a wrong file is named with line and field."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.adapters.content import load_knowledge
from bot.adapters.prompt_files import load_descriptors, load_reflections
from bot.core.errors import ContentError
from bot.core.framework import FRAMEWORK_UNITS
from bot.core.records import STAGES
from bot.core.reflection import ROLE, STAGE

ROOT = Path(__file__).parents[2]
KNOWLEDGE = load_knowledge(ROOT)
LEADING = ("don't you think", "isn't it", "wouldn't it", "surely", "of course", "obviously", "why don't you")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the prompts that can be spoilt."""
    for folder in ("selfcheck", "reflections"):
        shutil.copytree(ROOT / "prompts" / folder, tmp_path / "prompts" / folder)
    return tmp_path


def test_every_unit_has_twenty_prompts_of_both_levels_and_role_and_stage_have_thirty() -> None:
    prompts = load_reflections(ROOT, KNOWLEDGE)
    counts = Counter(p.unit for p in prompts)
    assert set(counts) == {*FRAMEWORK_UNITS, ROLE, STAGE}
    assert min(counts[code] for code in FRAMEWORK_UNITS) >= 20
    assert counts[ROLE] + counts[STAGE] >= 30
    assert len(prompts) >= 330
    assert {p.topic for p in prompts if p.unit == STAGE} == set(STAGES)
    for code in FRAMEWORK_UNITS:
        assert {p.level for p in prompts if p.unit == code} == {"foundational", "advanced"}


def test_prompts_ask_once_each_openly_and_do_not_lead() -> None:
    prompts = load_reflections(ROOT, KNOWLEDGE)
    assert len({p.id for p in prompts}) == len({p.text for p in prompts}) == len(prompts)
    openings = Counter(" ".join(p.text.split()[:2]) for p in prompts)
    assert openings.most_common(1)[0][1] <= len(prompts) * 0.06
    for prompt in prompts:
        assert not any(words in prompt.text.lower() for words in LEADING), prompt.id
        assert len(prompt.text.split()) <= 45, prompt.id


def test_statements_are_about_oneself_and_both_levels_have_three_to_five() -> None:
    for descriptor in load_descriptors(ROOT, KNOWLEDGE).values():
        for statements in (descriptor.foundational, descriptor.advanced):
            assert 3 <= len(statements) <= 5
            assert all(s.text.startswith("I ") and s.text.endswith(".") for s in statements)


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def test_statements_never_change_under_a_version_that_checks_were_kept_with() -> None:
    known = json.loads((Path(__file__).parent / "statement_versions.json").read_text("utf-8"))
    now = {d.version: _digest(s.text for s in d.statements) for d in load_descriptors(ROOT, KNOWLEDGE).values()}
    unlike = {v: digest for v, digest in now.items() if known.get(v) != digest}
    assert not unlike, f"reworded: give the file a new version, then add to statement_versions.json: {unlike}"


def test_a_statement_is_short_enough_to_be_read_at_a_glance() -> None:
    for descriptor in load_descriptors(ROOT, KNOWLEDGE).values():
        lengths = [len(s.text.split()) for s in descriptor.statements]
        assert max(lengths) <= 22, descriptor.unit
        assert sum(lengths) <= 160, descriptor.unit


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("selfcheck/C4.yaml", "unit: C4", "unit: C5", "selfcheck/C4.yaml:1: unit: is C5, in the file of C4"),
        ("selfcheck/C4.yaml", "version: C4-2026.2", "version: ''", "version"),
        ("selfcheck/C4.yaml", "activity: individual-assessment", "activity: no-such", "no passage 'no-such'"),
        ("selfcheck/C4.yaml", 'text: "I find out', 'text: "You find out', "has not the form"),
        ("selfcheck/C4.yaml", "advanced:", "expert:", "is no key that is known here"),
        ("reflections/FB.yaml", "FB-r01", "FA-r01", "must begin with FB-"),
        ("reflections/FB.yaml", "FB-r02", "FB-r01", "FB-r01 stands twice"),
        ("reflections/FB.yaml", "FB/active-listening", "FB/no-such", "is no passage of FB"),
        ("reflections/FB.yaml", "FB/active-listening", "FA/earn-trust", "is no passage of FB"),
        ("reflections/STAGE.yaml", "topic: exploring", "topic: resting", "topic: must be one of exploring"),
        ("reflections/ROLE.yaml", "topic: own-role, ", "", "topic: is missing"),
        ("reflections/ROLE.yaml", "{id", "{alone: true, id", "alone: is understood"),
        ("reflections/FB.yaml", "level: foundational", "level: middling", "must be 'foundational' or 'advanced'"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(root: Path, file: str, old: str, new: str, said: str) -> None:
    path = root / "prompts" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    load = load_descriptors if file.startswith("selfcheck") else load_reflections
    with pytest.raises(ContentError) as caught:
        load(root, KNOWLEDGE)
    assert said in str(caught.value)
    assert file in str(caught.value)


@pytest.mark.parametrize("folder", ["selfcheck", "reflections"])
def test_a_missing_or_foreign_file_is_an_error(root: Path, folder: str) -> None:
    load = load_descriptors if folder == "selfcheck" else load_reflections
    (root / "prompts" / folder / "C11.yaml").write_text("unit: C11\n", "utf-8")
    with pytest.raises(ContentError, match="named after no competency"):
        load(root, KNOWLEDGE)
    (root / "prompts" / folder / "C11.yaml").unlink()
    (root / "prompts" / folder / "C1.yaml").unlink()
    with pytest.raises(ContentError, match="can't be read"):
        load(root, KNOWLEDGE)
