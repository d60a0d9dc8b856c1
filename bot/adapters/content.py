"""The content that ships with the project, or an operator's own: read, typed and checked across files.

All loaders raise ContentError, which names file, line and field. Nothing is cached: a load takes well under a second.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.adapters.checked_yaml import Place, Sheet, read_sheet, read_text
from bot.core.errors import ContentError
from bot.core.exemplars import ExemplarFile, Exemplars
from bot.core.framework import FRAMEWORK_UNITS, PAPER_PARTS, SHORTEST, Knowledge, PaperPart, Unit
from bot.core.paper import KnownParagraph, LocatorFile
from bot.core.wording import Wording, WordingFile, WordingText, fields_of
from bot.settings import Settings

LOCATORS = "knowledge/white_paper/locators.yaml"
# What decides the passages, the built-in embeddings and the classifier. The list of locators changes none of them.
_INDEXED = ("knowledge/framework/*.yaml", "knowledge/white_paper/*.md", "knowledge/exemplars/*/*.yaml")
_EXEMPLAR_KINDS = {
    "messages": ("messages", "negatives"),
    "questions": ("questions", "unanswerable"),
    "wishes": ("wishes",),
    "distress": ("signals",),
}
_ALL_KINDS = tuple(kind for kinds in _EXEMPLAR_KINDS.values() for kind in kinds)
_RESERVED_PART = re.compile(
    r"^(definition|in-plain-words|equity|levels-(foundational|advanced)|example-\d+|versus-\w+|original-p\d+)$"
)
_HEADING = re.compile(r"^##\s+(?P<title>.+?)\s*\{#(?P<id>[^}]*)\}\s*$")
_STATEMENT = re.compile(r"^-\s+(?P<text>.+?)\s*\[(?P<locators>[^\[\]]*)\]\s*$")


def content_root(settings: Settings) -> Path:
    """The folder that holds `knowledge/` and `prompts/`: the operator's, the packaged one, or the checkout's top.

    Raises ContentError where there is none.
    """
    package = Path(__file__).resolve().parents[1]
    chosen = settings.content_dir
    for root in [chosen.expanduser().resolve()] if chosen else [package / "_content", package.parent]:
        if (root / "knowledge").is_dir():
            return root
    raise ContentError(str(chosen or package), None, "", "holds no folder named knowledge")


def content_digest(root: Path) -> str:
    """SHA-256, in hex, over the names and bytes of all files that decide the index and the classifier."""
    total = hashlib.sha256()
    for pattern in _INDEXED:
        for path in sorted(root.glob(pattern)):
            body = path.read_bytes()
            total.update(f"{path.relative_to(root).as_posix()}\0{len(body)}\0".encode() + body)
    return total.hexdigest()


def load_locators(root: Path) -> dict[str, KnownParagraph]:
    """The paragraphs of the paper that are known to exist, by locator, in the paper's order."""
    sheet = read_sheet(root / LOCATORS, root)
    record = sheet.as_record(LocatorFile)
    return {locator: KnownParagraph(locator, entry.digest, entry.words) for locator, entry in record.paragraphs.items()}


def load_knowledge(root: Path) -> Knowledge:
    """All units of the framework and all parts of the paper. Raises ContentError, also where one is missing."""
    locators = load_locators(root)
    units = {code: _load_unit(root, code, locators) for code in FRAMEWORK_UNITS}
    parts = {code: _load_part(root, code, locators) for code in PAPER_PARTS}
    for folder, ending, known in (("framework", "yaml", units), ("white_paper", "md", parts)):
        for path in sorted((root / "knowledge" / folder).glob(f"*.{ending}")):
            if path.stem not in known and path.name != "locators.yaml" and path.stem != "README":
                raise ContentError(path.relative_to(root).as_posix(), None, "", "is named after no unit")
    return Knowledge(units=units, parts=parts)


# --- the framework -----------------------------------------------------------------------------------------------


def _load_unit(root: Path, code: str, locators: Iterable[str]) -> Unit:
    sheet = read_sheet(root / "knowledge" / "framework" / f"{code}.yaml", root)
    unit = sheet.as_record(Unit)
    for place, problem in _unit_problems(unit, code, frozenset(locators)):
        raise sheet.error(place, problem)
    return unit


def _unit_problems(unit: Unit, code: str, locators: frozenset[str]) -> Iterator[tuple[Place, str]]:
    if unit.code != code:
        yield ("code",), f"is {unit.code}, in the file of {code}"
    if (unit.kind == "competency") != code.startswith("C"):
        yield ("kind",), f"{code} is no {unit.kind}"
    yield from _activity_problems(unit)
    for place, locator in _located(unit):
        if locator not in locators:
            yield place, f"{locator} is no paragraph of the paper"
    for name, codes in (
        ("related", [(n, r.unit, "unit") for n, r in enumerate(unit.related)]),
        ("settling_questions", [(n, s.versus, "versus") for n, s in enumerate(unit.settling_questions)]),
    ):
        yield from _neighbour_problems(name, codes, code)


def _activity_problems(unit: Unit) -> Iterator[tuple[Place, str]]:
    ids: set[str] = set()
    for n, activity in enumerate(unit.activities):
        if activity.id in ids:
            yield ("activities", n, "id"), f"{activity.id} stands twice"
        if _RESERVED_PART.match(activity.id):
            yield ("activities", n, "id"), f"{activity.id} is a name that passages of other kinds have"
        ids.add(activity.id)
    for n, move in enumerate(unit.next_moves):
        if move.activity not in ids:
            yield ("next_moves", n, "activity"), f"{move.activity} is none of the unit's activities"


def _neighbour_problems(name: str, codes: list[tuple[int, str, str]], own: str) -> Iterator[tuple[Place, str]]:
    seen: set[str] = set()
    for n, code, key in codes:
        if code == own:
            yield (name, n, key), f"{code} is the unit itself"
        if code in seen:
            yield (name, n, key), f"{code} stands twice"
        seen.add(code)


def _located(unit: Unit) -> Iterator[tuple[Place, str]]:
    yield ("definition", "locator"), unit.definition.locator
    yield ("levels", "foundational", "locator"), unit.levels.foundational.locator
    yield ("levels", "advanced", "locator"), unit.levels.advanced.locator
    for n, activity in enumerate(unit.activities):
        yield from ((("activities", n, "locators", k), loc) for k, loc in enumerate(activity.locators))
    if unit.equity:
        yield from ((("equity", "locators", k), loc) for k, loc in enumerate(unit.equity.locators))


# --- the parts of the paper ----------------------------------------------------------------------------------------


def _load_part(root: Path, code: str, locators: Iterable[str]) -> PaperPart:
    path = root / "knowledge" / "white_paper" / f"{code}.md"
    name, text = read_text(path, root)
    return _MarkdownPart(name, text, code, frozenset(locators)).read()


class _MarkdownPart:
    """One Markdown file of statements: front matter, `## Title {#id}` sections, `- statement [LOCATOR]` lines."""

    def __init__(self, name: str, text: str, code: str, locators: frozenset[str]) -> None:
        self.name, self.code, self.locators = name, code, locators
        self.lines = text.splitlines()
        self.sections: list[dict[str, object]] = []
        self.statements: list[dict[str, object]] = []
        self.asks: list[str] = []
        self.at: list[int] = []  # the line of each section's heading

    def read(self) -> PaperPart:
        """The part. Raises ContentError with the line of what is wrong."""
        front, body_from = self._front_matter()
        for number, line in self._logical_lines(body_from):
            self._take(number, line)
        for number, section in zip(self.at, self.sections, strict=True):
            if not section["statements"]:
                raise self._error(number, str(section["id"]), "has no statement")
        if not self.sections:
            raise self._error(body_from, "", "has no section (## Title {#id})")
        if not isinstance(front.data, dict):
            raise front.error((), "must be a mapping")
        if "sections" in front.data:
            raise front.error(("sections",), "is no key that is known here")
        front.data["sections"] = self.sections
        part = front.as_record(PaperPart)
        if part.unit != self.code:
            raise front.error(("unit",), f"is {part.unit}, in the file of {self.code}")
        return part

    def _front_matter(self) -> tuple[Sheet, int]:
        if not self.lines or self.lines[0].rstrip() != "---":
            raise self._error(1, "", "must begin with front matter (---)")
        try:
            end = next(n for n, line in enumerate(self.lines[1:], start=1) if line.rstrip() == "---")
        except StopIteration:
            raise self._error(1, "", "has front matter without an end (---)") from None
        return Sheet(self.name, "\n".join(self.lines[1:end]) + "\n", line=2), end + 2

    def _logical_lines(self, first: int) -> Iterator[tuple[int, str]]:
        """Lines with their numbers; an indented line goes on with the statement above it."""
        number, current = 0, ""
        for n, line in enumerate(self.lines[first - 1 :], start=first):
            if line.startswith("  ") and line.strip() and current.startswith("-"):
                current = f"{current.rstrip()} {line.strip()}"
                continue
            if current.strip():
                yield number, current
            number, current = n, line
        if current.strip():
            yield number, current

    def _take(self, number: int, line: str) -> None:
        if heading := _HEADING.match(line):
            self._section(number, heading["title"], heading["id"])
        elif statement := _STATEMENT.match(line):
            self._statement(number, statement["text"], statement["locators"])
        elif line.startswith("? "):
            self._ask(number, line[2:].strip())
        elif line.startswith("-"):
            raise self._error(number, "", "a statement ends in its locators, such as [C4:p2]")
        elif line.startswith("#"):
            raise self._error(number, "", "a heading has the form: ## Title {#short-id}")
        else:
            raise self._error(
                number, "", "is no heading (## Title {#id}), statement (- text [C4:p2]) or question (? text)"
            )

    def _section(self, number: int, title: str, slug: str) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
            raise self._error(number, "id", f"{slug!r} is no id: small letters, digits and single hyphens")
        if _RESERVED_PART.match(slug):
            raise self._error(number, "id", f"{slug} is a name that passages of other kinds have")
        if any(section["id"] == slug for section in self.sections):
            raise self._error(number, "id", f"{slug} stands twice")
        if len(title) < SHORTEST:
            raise self._error(number, "title", "is too short")
        self.statements = []
        self.asks = []
        self.sections.append({"id": slug, "title": title, "statements": self.statements, "asks": self.asks})
        self.at.append(number)

    def _statement(self, number: int, text: str, locators: str) -> None:
        if not self.sections:
            raise self._error(number, "", "stands before the first section")
        found = [locator.strip() for locator in locators.split(",")]
        for locator in found:
            if locator not in self.locators:
                raise self._error(number, "locator", f"{locator or 'nothing'} is no paragraph of the paper")
        if len(text.strip()) < SHORTEST:
            raise self._error(number, "text", "is too short")
        self.statements.append({"text": text, "locators": found})

    def _ask(self, number: int, question: str) -> None:
        if not self.sections:
            raise self._error(number, "", "stands before the first section")
        if len(question) < SHORTEST:
            raise self._error(number, "asks", "is too short")
        self.asks.append(question)

    def _error(self, line: int, field: str, problem: str) -> ContentError:
        return ContentError(self.name, line, field, problem)


# --- exemplars -----------------------------------------------------------------------------------------------------


def load_exemplars(root: Path) -> Exemplars:
    """All exemplars of all writers. Raises ContentError, also where an id stands twice in any two files."""
    seen: dict[str, str] = {}
    files: list[ExemplarFile] = []
    for folder, allowed in _EXEMPLAR_KINDS.items():
        for path in sorted((root / "knowledge" / "exemplars" / folder).glob("*.yaml")):
            sheet = read_sheet(path, root)
            files.append(_exemplar_file(sheet, allowed))
            _check_ids(sheet, files[-1], seen)
    return Exemplars(
        messages=tuple(entry for file in files for entry in file.messages),
        negatives=tuple(entry for file in files for entry in file.negatives),
        questions=tuple(entry for file in files for entry in file.questions),
        unanswerable=tuple(entry for file in files for entry in file.unanswerable),
        wishes=tuple(entry for file in files for entry in file.wishes),
        signals=tuple(entry for file in files for entry in file.signals),
    )


def _exemplar_file(sheet: Sheet, allowed: tuple[str, ...]) -> ExemplarFile:
    """One file, its author noted on each entry."""
    data = sheet.data
    if not isinstance(data, dict):
        raise sheet.error((), "must be a mapping")
    for kind in _ALL_KINDS:
        if kind in data and kind not in allowed:
            raise sheet.error((kind,), "belongs in another folder of exemplars")
        entries = data.get(kind)
        for n, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict):
                if "author" in entry:
                    raise sheet.error((kind, n, "author"), "is no key that is known here")
                entry["author"] = str(data.get("author"))
    return sheet.as_record(ExemplarFile)


def _check_ids(sheet: Sheet, file: ExemplarFile, seen: dict[str, str]) -> None:
    for kind in _ALL_KINDS:
        for n, entry in enumerate(getattr(file, kind)):
            if entry.id in seen:
                raise sheet.error((kind, n, "id"), f"{entry.id} stands twice (also in {seen[entry.id]})")
            seen[entry.id] = sheet.name


# --- wording -------------------------------------------------------------------------------------------------------


def load_wording(root: Path) -> Wording:
    """All texts that the bot says, by key. Raises ContentError, also where fields and text don't match."""
    texts: dict[str, WordingText] = {}
    for path in sorted((root / "prompts" / "wording").glob("*.yaml")):
        sheet = read_sheet(path, root)
        file = sheet.as_record(WordingFile)
        for name, text in file.texts.items():
            key = f"{file.area}.{name}"
            if key in texts:
                raise sheet.error(("texts", name), f"the key {key} stands in another file too")
            _check_fields(sheet, name, text)
            texts[key] = text
    return Wording(texts)


def _check_fields(sheet: Sheet, name: str, text: WordingText) -> None:
    try:
        found = fields_of(text.text)
    except ValueError as error:
        raise sheet.error(("texts", name, "text"), f"braces don't match ({error})") from error
    if odd := sorted(field for field in found if not field.isidentifier()):
        raise sheet.error(("texts", name, "text"), f"{{{odd[0]}}} is no plain field name")
    if found != set(text.fields):
        missing, unused = sorted(found - set(text.fields)), sorted(set(text.fields) - found)
        words = [f"{field} isn't declared" for field in missing] + [f"{field} isn't used" for field in unused]
        raise sheet.error(("texts", name, "fields"), "; ".join(words))
