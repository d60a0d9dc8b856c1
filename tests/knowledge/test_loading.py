"""The content loaders: quick, strict, and each error names file, line and field."""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.checked_yaml import Sheet, read_sheet
from bot.adapters.content import (
    content_digest,
    content_root,
    load_exemplars,
    load_knowledge,
    load_locators,
    load_wording,
)
from bot.core.errors import ContentError
from bot.core.framework import FRAMEWORK_UNITS, PAPER_PARTS
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
C4 = "knowledge/framework/C4.yaml"
CITE = "knowledge/white_paper/P-CITE.md"
MESSAGES = "knowledge/exemplars/messages/ada.yaml"
QUESTIONS = "knowledge/exemplars/questions/bo.yaml"
WORDING = "prompts/wording/ask.yaml"

ADA = """author: ada
settings: [hospital]
messages:
  - {id: ada-001, text: "Who sits on the team?", primary: C1, acceptable: [C1, C7], functions: [FA], level: foundational, setting: hospital, difficulty: easy}
  - {id: ada-002, text: "yes", primary: C4, acceptable: [C4], functions: [FB, FD], setting: hospital, difficulty: hard}
negatives:
  - {id: ada-n001, text: "ok", kind: smalltalk}
"""
BO = """author: bo
questions:
  - {id: bo-q001, question: "How long did it take?", units: [P-METHODS, C1], intent: about_paper}
unanswerable:
  - {id: bo-u001, question: "What does it cost?", reason: not_in_sources}
"""
ASK = """area: ask
texts:
  greeting: {text: "Hello."}
  refused.topic:
    text: "Nothing on {topic}, {{really}}."
    fields: [topic]
"""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the framework and the paper's statements, with small exemplar and wording files."""
    root = tmp_path_factory.mktemp("content")
    for folder in ("framework", "white_paper"):
        shutil.copytree(ROOT / "knowledge" / folder, root / "knowledge" / folder)
    for name, text in ((MESSAGES, ADA), (QUESTIONS, BO), (WORDING, ASK)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def load_all(root: Path) -> None:
    load_knowledge(root)
    load_exemplars(root)
    load_wording(root)


class Edited:
    """One file of the content with other text, until the end of the block."""

    def __init__(self, root: Path, name: str, text: str | bytes) -> None:
        self.path = root / name
        self.body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text

    def __enter__(self) -> None:
        self.before = self.path.read_bytes() if self.path.exists() else None
        self.path.write_bytes(self.body)

    def __exit__(self, *_: object) -> None:
        if self.before is None:
            self.path.unlink()
        else:
            self.path.write_bytes(self.before)


def test_the_projects_own_content_loads_whole() -> None:
    knowledge = load_knowledge(ROOT)
    assert (tuple(knowledge.units), tuple(knowledge.parts)) == (FRAMEWORK_UNITS, PAPER_PARTS)
    exemplars = load_exemplars(ROOT)
    assert {message.primary for message in exemplars.messages} >= {"C1"}
    assert all(entry.author for entry in (*exemplars.messages, *exemplars.questions, *exemplars.negatives))
    assert all(text.text for text in load_wording(ROOT).texts.values())


def test_every_kind_of_exemplar_comes_with_its_author(content: Path) -> None:
    found = load_exemplars(content)
    assert [(m.id, m.primary, m.level, m.author) for m in found.messages] == [
        ("ada-001", "C1", "foundational", "ada"),
        ("ada-002", "C4", None, "ada"),
    ]
    assert found.messages[1].text == "yes"  # words stay words: no YAML truth, number or date
    assert (found.negatives[0].kind, found.questions[0].units) == ("smalltalk", ("P-METHODS", "C1"))
    assert (found.unanswerable[0].reason, found.unanswerable[0].author) == ("not_in_sources", "bo")


def test_wording_is_looked_up_by_key_and_filled(content: Path) -> None:
    wording = load_wording(content)
    assert wording("ask.refused.topic", topic="costs") == "Nothing on costs, {really}."
    with pytest.raises(KeyError):
        wording("ask.refused.topic")


def replaced(name: str, old: str, new: str) -> Callable[[Path], str]:
    def edit(root: Path) -> str:
        text = (root / name).read_text(encoding="utf-8")
        assert old in text
        return text.replace(old, new, 1)

    return edit


def line_of(root: Path, name: str, words: str) -> int:
    text = (root / name).read_text(encoding="utf-8")
    return text[: text.index(words) + words.startswith("\n")].count("\n") + 1


# file, what is changed, into what, words on the line that the error must name, words of the error
WRONG = [
    (C4, "code: C4", "code: C5", "code: C4", "is C5, in the file of C4"),
    (C4, "kind: competency", "kind: function", "kind: comp", "C4 is no function"),
    (C4, "kind: competency", "kind: skill", "kind: comp", "kind: must be 'competency' or 'function', not 'skill'"),
    (C4, "plain_title:", "plain_titel:", "plain_title:", "plain_titel: is no key that is known here"),
    (C4, 'locator: "C4:p1"', 'locator: "C4:p99"', 'locator: "C4:p1"', "definition.locator: C4:p99 is no paragraph"),
    (C4, 'locator: "C4:p1"', 'locator: "p1"', 'locator: "C4:p1"', "'p1' has not the form"),
    (C4, "id: feed-into-plans", "id: why-assess", "id: feed-into-plans", "activities[2].id: why-assess stands twice"),
    (C4, "id: feed-into-plans", "id: equity", "id: feed-into-plans", "equity is a name that passages of other kinds"),
    (C4, "unit: C6", "unit: C4", "unit: C6", "related[3].unit: C4 is the unit itself"),
    (C4, "unit: C6", "unit: C11", "unit: C6", "related[3].unit: 'C11'"),
    (C4, "unit: C6", "unit: C2", "unit: C6", "related[3].unit: C2 stands twice"),
    (C4, "activity: ways-to-collect", "activity: none-such", "activity: ways-to", "none-such is none of the unit's"),
    (C4, "title: Assess", "title: !!str Assess", "title: Assess", "carries a tag or an anchor"),
    (C4, "title: Assess", "title: &a Assess", "title: Assess", "carries a tag or an anchor"),
    (C4, "plain_title: Find", "title: Find", "plain_title: Find", "the key 'title' stands twice"),
    (C4, 'in_plain_words: "', 'in_plain_words: "\t\x07', "in_plain_words", "a character that YAML doesn't allow"),
    (C4, "  - id: why-assess", "  - why\n  - id: why-assess", "- id: why-assess", "activities[1]: must be a mapping"),
    (CITE, "unit: P-CITE", "unit: P-REFS", "unit: P-CITE", "unit: is P-REFS, in the file of P-CITE"),
    (CITE, "[P-CITE:p3]", "[P-CITE:p33]", "[P-CITE:p3]", "P-CITE:p33 is no paragraph of the paper"),
    (CITE, " [P-CITE:p3]", "", "[P-CITE:p3]", "a statement ends in its locators"),
    (CITE, "\n## ", "\n### ", "\n## ", "a heading has the form"),
    (CITE, "\n- ", "\n* ", "\n- ", "is no heading"),
    (CITE, "title:", "titel:", "title:", "titel: is no key that is known here"),
    (MESSAGES, "primary: C4, acc", "primary: C40, acc", "ada-002", "messages[2].primary: 'C40'"),
    (MESSAGES, "acceptable: [C4]", "acceptable: [C2]", "ada-002", "acceptable must hold the primary"),
    (MESSAGES, "functions: [FB, FD]", "functions: []", "ada-002", "messages[2].functions: has 0 entries and needs 1"),
    (MESSAGES, "functions: [FB, FD]", "functions: [FB, FX]", "ada-002", "messages[2].functions[2]: 'FX'"),
    (MESSAGES, "id: ada-002", "id: ada-001", "ada-002", "ada-001 stands twice"),
    (MESSAGES, "difficulty: hard", "difficulty: hard, author: eve", "ada-002", "author: is no key"),
    (MESSAGES, "kind: smalltalk", "kind: chat", "ada-n001", "negatives[1].kind: must be"),
    (MESSAGES, "negatives:", "questions:", "negatives:", "belongs in another folder"),
    (MESSAGES, 'text: "ok"', "text: ~", "ada-n001", "negatives[1].text: must be text"),
    (QUESTIONS, "id: bo-u001", "id: ada-001", "bo-u001", "ada-001 stands twice (also in knowledge/exemplars/mess"),
    (QUESTIONS, "P-METHODS", "Methods", "bo-q001", "questions[1].units[1]: 'Methods'"),
    (WORDING, "fields: [topic]", "fields: []", "fields: [topic]", "topic isn't declared"),
    (WORDING, "fields: [topic]", "fields: [topic, place]", "fields: [topic]", "place isn't used"),
    (WORDING, "{topic}", "{topic", 'text: "Nothing', "braces don't match"),
    (WORDING, "{topic}", "{topic.x}", 'text: "Nothing', "{topic.x} is no plain field name"),
    (WORDING, 'greeting: {text: "Hello."}', "greeting: Hello", "greeting", "texts.greeting: must be a mapping"),
    (WORDING, "  refused.topic:", " refused.topic:", "refused.topic", "is no valid YAML"),
]  # fmt: skip


@pytest.mark.parametrize("case", WRONG, ids=lambda case: f"{case[0].rpartition('/')[2]}: {case[4]}")
def test_what_is_wrong_is_named_with_file_line_and_field(case: tuple[str, str, str, str, str], content: Path) -> None:
    name, old, new, where, problem = case
    line = line_of(content, name, where)
    with Edited(content, name, replaced(name, old, new)(content)), pytest.raises(ContentError) as told:
        load_all(content)
    assert problem in str(told.value)
    assert str(told.value).startswith(f"{name}:{line}: ")
    assert (told.value.file, told.value.line) == (name, line)


def test_a_file_too_few_or_too_many_is_named(content: Path, tmp_path: Path) -> None:
    with Edited(content, "knowledge/framework/C11.yaml", "code: C11"), pytest.raises(ContentError, match=r"C11\.yaml"):
        load_knowledge(content)
    copied = tmp_path / "less"
    shutil.copytree(content, copied)
    (copied / C4).unlink()
    with pytest.raises(ContentError, match=r"knowledge/framework/C4\.yaml: can't be read"):
        load_knowledge(copied)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "must be a mapping"),
        (b"- a\n- b\n", "must be a mapping"),
        (b"a: *b\n", "stands for text elsewhere"),
        (b"a: b\n---\nc: d\n", "begins a second document"),
        (b"? [a, b]\n: c\n", "a key must be plain text"),
        (b"a: \xff\xfe\n", "is not UTF-8 text"),
        (b"a: [b, c\n", "is no valid YAML"),
        (b"a:\n\t- b\n", "is no valid YAML"),
        (b"[" * 5_000, "is nested more than"),
        (b"a: " * 3_000, "is no valid YAML"),
        (b"x" * 8_000_001, "is larger than 8 MB"),
    ],
)
def test_a_file_that_is_no_plain_mapping_is_refused(body: bytes, problem: str, content: Path) -> None:
    with Edited(content, C4, body), pytest.raises(ContentError, match=problem) as told:
        load_knowledge(content)
    assert told.value.line is not None or "larger" in problem


def test_3500_exemplars_load_in_well_under_a_second(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge" / "exemplars" / "messages"
    folder.mkdir(parents=True)
    words = "We have a long story to tell about the ward and what went on there last week. " * 3
    for author in ("one", "two", "three", "four", "five"):
        lines = [
            f'  - {{id: {author}-{n:03d}, text: "{n} {words}", primary: C4, acceptable: [C4, C5], functions: [FB], '
            "level: advanced, setting: hospital, difficulty: medium}"
            for n in range(700)
        ]
        (folder / f"{author}.yaml").write_text("\n".join([f"author: {author}", "messages:", *lines]), encoding="utf-8")
    took = []
    for _ in range(3):
        began = time.process_time()
        assert len(load_exemplars(tmp_path).messages) == 3_500
        took.append(time.process_time() - began)
    assert min(took) < 0.8


def test_the_digest_follows_what_decides_the_index_and_nothing_else(content: Path) -> None:
    before = content_digest(content)
    for name in (C4, CITE, MESSAGES, QUESTIONS):
        body = (content / name).read_bytes()
        with Edited(content, name, body + b"\n"):
            assert content_digest(content) != before
    with Edited(content, WORDING, ASK + "\n"), Edited(content, "knowledge/README.md", "# Read me"):
        assert content_digest(content) == before


def test_the_operators_folder_comes_first_and_one_without_content_is_refused(content: Path, tmp_path: Path) -> None:
    assert content_root(Settings(content_dir=content)) == content.resolve()
    assert content_root(Settings(content_dir=None)) == ROOT
    with pytest.raises(ContentError, match="holds no folder named knowledge"):
        content_root(Settings(content_dir=tmp_path))


# --- whatever a hand may write ------------------------------------------------------------------------------------

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.binary(max_size=8)
    | st.text(max_size=20)
    | st.sampled_from(["C4", "C11", "C4:p1", "C4:p99", "~", "{topic}", "---", "- a", "a: b", "*x", "&x y", "!!int 3"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.integers(), inner, max_size=3),
    max_leaves=6,
)
FUZZ = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def only_content_errors(load: Callable[[Path], object], root: Path) -> None:
    try:
        load(root)
    except ContentError as error:
        assert error.line is not None  # noqa: PT017 - loading is as good an outcome


def places(data: Any, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [way, *(place for key, value in inner for place in places(value, (*way, key)))]


@pytest.mark.parametrize("name", [C4, MESSAGES, QUESTIONS, WORDING])
@given(data=st.data())
@FUZZ
def test_any_value_anywhere_gives_content_or_an_error_with_its_line(
    name: str, content: Path, data: st.DataObject
) -> None:
    whole = yaml.safe_load((content / name).read_text(encoding="utf-8"))
    way = data.draw(st.sampled_from(places(whole)))
    odd = data.draw(ODD)
    changed: Any = copy.deepcopy(whole)
    at = changed
    for step in way[:-1]:
        at = at[step]
    if way:
        at[way[-1]] = odd
    else:
        changed = odd
    with Edited(content, name, yaml.safe_dump(changed, allow_unicode=True)):
        only_content_errors(load_all, content)


@pytest.mark.parametrize("name", [C4, CITE, MESSAGES, WORDING])
@given(data=st.data())
@FUZZ
def test_any_damage_to_a_file_gives_content_or_an_error_with_its_line(
    name: str, content: Path, data: st.DataObject
) -> None:
    body = (content / name).read_bytes()
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 40)))
    put = data.draw(st.binary(max_size=12) | st.text(max_size=12).map(lambda text: text.encode("utf-8", "replace")))
    with Edited(content, name, body[:start] + put + body[end:]):
        only_content_errors(load_all, content)


@given(st.text(max_size=120))
@settings(deadline=None)
def test_any_text_is_a_sheet_or_a_content_error(text: str) -> None:
    try:
        Sheet("any.yaml", text)
    except ContentError as error:
        assert error.line is not None  # noqa: PT017 - being read is as good an outcome


@given(st.lists(st.text(min_size=1, max_size=10), min_size=1, max_size=5, unique=True), st.text(max_size=30))
@settings(deadline=None)
def test_what_was_written_is_what_is_read(keys: list[str], value: str) -> None:
    written = yaml.safe_dump({key: [value] for key in keys}, allow_unicode=True, default_style='"')
    assert Sheet("any.yaml", written).data == {key: [value] for key in keys}


def test_a_sheet_of_the_project_reads_the_same_as_with_the_usual_loader() -> None:
    for path in sorted((ROOT / "knowledge" / "framework").glob("*.yaml")):
        assert read_sheet(path, ROOT).data == yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    assert len(load_locators(ROOT)) == 150
