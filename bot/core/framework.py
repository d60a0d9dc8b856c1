"""The framework as typed content: units, their levels and activities, and the passages that answers draw on."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

COMPETENCIES = tuple(f"C{n}" for n in range(1, 11))
FUNCTIONS = ("FA", "FB", "FC", "FD", "FE")
PAPER_PARTS = (
    "P-TAKEAWAYS",
    "P-INTRO",
    "P-BACKGROUND",
    "P-METHODS",
    "P-RESULTS",
    "P-FUNCTIONS",
    "P-DISCUSSION",
    "P-REFS",
    "P-CITE",
)
FRAMEWORK_UNITS = COMPETENCIES + FUNCTIONS
PAPER_UNITS = FRAMEWORK_UNITS + PAPER_PARTS

Level = Literal["foundational", "advanced"]
Source = str  # "framework", "white-paper" or a document code "D-…"

SHORTEST = 3  # signs that any text of the content has at least
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=SHORTEST)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Locator = Annotated[str, StringConstraints(pattern=r"^(C([1-9]|10)|F[A-E]|P-[A-Z]+):p\d+$")]
UnitCode = Annotated[str, StringConstraints(pattern=r"^(C([1-9]|10)|F[A-E])$")]


class Content(BaseModel):
    """Base of all content records: an unknown key is an error, a loaded record never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Located(Content):
    """A statement in our words with the paragraph of the paper that it states."""

    text: Text
    locator: Locator


class Equity(Content):
    """What the paper says of equity in a unit."""

    text: Text
    locators: tuple[Locator, ...] = Field(min_length=1)


class Activity(Content):
    """One thing that an implementation support practitioner does within a unit."""

    id: Slug
    heading: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=40)]  # fits a button
    text: Text
    to_you: Text  # the same, said to somebody who asks what to do
    locators: tuple[Locator, ...] = Field(min_length=1)
    asks: tuple[Text, ...] = ()  # what people say or ask when this activity is the answer


class Example(Content):
    """An example: the paper's own, or one of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    origin: Literal["paper", "ours"] = Field(alias="from")
    text: Text


class Levels(Content):
    """The two practitioner levels of a unit."""

    foundational: Located
    advanced: Located


class Related(Content):
    """A neighbour of a unit and how the two differ."""

    unit: UnitCode
    difference: Text


class NextMove(Content):
    """A practical first step, resting on one of the unit's activities."""

    level: Level
    text: Text
    activity: Slug


class SettlingQuestion(Content):
    """The one question whose answer settles between this unit and another."""

    versus: UnitCode
    question: Text
    this_if: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=70)]
    other_if: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=70)]


class Unit(Content):
    """A competency or a function of the framework."""

    code: UnitCode
    kind: Literal["competency", "function"]
    title: Text
    plain_title: Text
    also_called: tuple[Text, ...] = ()  # names and short forms by which people mean it, lower case
    definition: Located
    in_plain_words: Text
    activities: tuple[Activity, ...] = Field(min_length=2)
    equity: Equity | None = None
    examples: tuple[Example, ...] = Field(min_length=2)
    levels: Levels
    related: tuple[Related, ...] = Field(min_length=2)
    everyday_words: tuple[Text, ...] = Field(min_length=10)
    coach_questions: tuple[Text, ...] = Field(min_length=4)
    next_moves: tuple[NextMove, ...] = Field(min_length=3)
    settling_questions: tuple[SettlingQuestion, ...] = ()


class Statement(Content):
    """One fact that the paper states, in our words."""

    text: Text
    locators: tuple[Locator, ...] = Field(min_length=1)


class Section(Content):
    """A passage of statements on one topic of the paper."""

    id: Slug
    title: Text
    statements: tuple[Statement, ...] = Field(min_length=1)
    asks: tuple[Text, ...] = ()  # questions that this section answers


class PaperPart(Content):
    """One part of the paper that is no competency or function: its introduction, methods, references and so on."""

    unit: Annotated[str, StringConstraints(pattern=r"^P-[A-Z]+$")]
    title: Text
    asks: tuple[Text, ...] = Field(min_length=3)
    sections: tuple[Section, ...] = Field(min_length=1)


class Passage(BaseModel):
    """What an answer can cite: a short text of one unit with a stable id."""

    model_config = ConfigDict(frozen=True)

    id: str  # "<unit>/<part>"
    unit: str  # unit code, or "D-<slug>"
    part: str  # "definition", "levels-advanced", an activity's id, a section's id, …
    title: str  # the unit's title
    heading: str  # what the passage is about, in a few words
    sentences: tuple[str, ...]  # at least one; the passage's text in order
    source: Source
    locators: tuple[str, ...] = ()  # paragraphs of the paper that it states
    verbatim: bool = False  # True where the sentences stand so in the source
    level: Level | None = None
    tenant: str = "*"  # "*" for everybody, else the workspace that may see it
    asks: tuple[str, ...] = ()  # questions that it answers; they widen retrieval
    to_you: str | None = None  # an activity as said to somebody who asks what to do

    @property
    def text(self) -> str:
        """The sentences as one paragraph."""
        return " ".join(self.sentences)


_SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"'”’)])|(?<=[.!?][\"'”’)]{2}))\s+(?=[A-Z“\"'(])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|et al|Dr|Drs|vs|cf|etc|No|pp?)|\b[A-Z])\.$")


def sentences_of(text: str) -> tuple[str, ...]:
    """Split prose into sentences; common abbreviations and initials don't end one."""
    parts: list[str] = []
    for piece in _SENTENCE_END.split(" ".join(text.split())):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] = f"{parts[-1]} {piece}"
        else:
            parts.append(piece)
    return tuple(p for p in parts if p)


class Knowledge(BaseModel):
    """Everything that the project itself knows: the framework and the statements of the paper."""

    model_config = ConfigDict(frozen=True)

    units: dict[str, Unit]
    parts: dict[str, PaperPart]

    def title(self, code: str) -> str:
        """The title of a unit, or the code itself where it is none of ours (an operator's document)."""
        if code in self.units:
            return self.units[code].title
        return self.parts[code].title if code in self.parts else code

    def passages(self) -> tuple[Passage, ...]:
        """All passages, in the framework's order and then the paper's; ids stay the same from build to build."""
        return (
            *(p for code in FRAMEWORK_UNITS if code in self.units for p in _unit_passages(self.units[code])),
            *(p for code in PAPER_PARTS if code in self.parts for p in _part_passages(self.parts[code])),
        )


def _unit_passages(unit: Unit) -> list[Passage]:
    def passage(
        part: str,
        heading: str,
        text: str,
        locators: tuple[str, ...] = (),
        *,
        level: Level | None = None,
        asks: tuple[str, ...] = (),
        to_you: str | None = None,
    ) -> Passage:
        return Passage(
            id=f"{unit.code}/{part}",
            unit=unit.code,
            part=part,
            title=unit.title,
            heading=heading,
            sentences=sentences_of(text),
            source="framework",
            locators=locators,
            level=level,
            asks=asks,
            to_you=to_you,
        )

    levels = unit.levels
    out = [
        passage("definition", "Definition", unit.definition.text, (unit.definition.locator,)),
        passage("in-plain-words", "In plain words", unit.in_plain_words),
    ]
    out += [passage(a.id, a.heading, a.text, a.locators, asks=a.asks, to_you=a.to_you) for a in unit.activities]
    if unit.equity:
        out.append(passage("equity", "Equity", unit.equity.text, unit.equity.locators))
    for name, located in (("foundational", levels.foundational), ("advanced", levels.advanced)):
        level: Level = "foundational" if name == "foundational" else "advanced"
        heading = f"{name.capitalize()} level"
        out.append(passage(f"levels-{name}", heading, located.text, (located.locator,), level=level))
    out += [passage(f"example-{n}", f"Example {n}", e.text) for n, e in enumerate(unit.examples, start=1)]
    out += [
        passage(f"versus-{r.unit.lower()}", f"{unit.code} and {r.unit} compared", r.difference) for r in unit.related
    ]
    return out


def _part_passages(part: PaperPart) -> list[Passage]:
    return [
        Passage(
            id=f"{part.unit}/{section.id}",
            unit=part.unit,
            part=section.id,
            title=part.title,
            heading=section.title,
            sentences=tuple(s.text for s in section.statements),
            source="white-paper",
            locators=tuple(dict.fromkeys(loc for s in section.statements for loc in s.locators)),
            asks=section.asks,
        )
        for section in part.sections
    ]
