"""The statements of the self-checks and the reflection prompts, read, typed and held against the framework."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.adapters.checked_yaml import Place, Sheet, read_sheet
from bot.core.errors import ContentError
from bot.core.framework import FRAMEWORK_UNITS, Knowledge
from bot.core.records import STAGES
from bot.core.reflection import ROLE, STAGE, TOPICS, ReflectionFile, ReflectionPrompt
from bot.core.selfcheck import Descriptor


def load_descriptors(root: Path, knowledge: Knowledge) -> dict[str, Descriptor]:
    """The statements of each of the fifteen units, in the framework's order. Raises ContentError."""
    _no_others(root / "prompts" / "selfcheck", root, FRAMEWORK_UNITS)
    readable = _passages(knowledge)
    return {code: _descriptor(root, code, readable) for code in FRAMEWORK_UNITS}


def load_reflections(root: Path, knowledge: Knowledge) -> tuple[ReflectionPrompt, ...]:
    """All reflection prompts, in the framework's order, those on role and stage last. Raises ContentError."""
    _no_others(root / "prompts" / "reflections", root, TOPICS)
    readable = _passages(knowledge)
    return tuple(prompt for code in TOPICS for prompt in _prompts(root, code, readable))


def _passages(knowledge: Knowledge) -> frozenset[str]:
    return frozenset(p.id for p in knowledge.passages())


def _no_others(folder: Path, root: Path, known: Sequence[str]) -> None:
    for path in sorted(folder.rglob("*.yaml")):
        if path.parent != folder or path.stem not in known:
            raise ContentError(path.relative_to(root).as_posix(), None, "", "is named after no competency or function")


def _raise_first(sheet: Sheet, problems: Iterator[tuple[Place, str]]) -> None:
    for place, problem in problems:
        raise sheet.error(place, problem)


def _descriptor(root: Path, code: str, readable: frozenset[str]) -> Descriptor:
    sheet = read_sheet(root / "prompts" / "selfcheck" / f"{code}.yaml", root)
    descriptor = sheet.as_record(Descriptor)
    _raise_first(sheet, _descriptor_problems(descriptor, code, readable))
    return descriptor


def _descriptor_problems(descriptor: Descriptor, code: str, readable: frozenset[str]) -> Iterator[tuple[Place, str]]:
    if descriptor.unit != code:
        yield ("unit",), f"is {descriptor.unit}, in the file of {code}"
    seen: set[str] = set()
    for level, statements in (("foundational", descriptor.foundational), ("advanced", descriptor.advanced)):
        for n, statement in enumerate(statements):
            if f"{code}/{statement.activity}" not in readable:
                yield (level, n, "activity"), f"{code} has no passage {statement.activity!r}"
            if statement.text in seen:
                yield (level, n, "text"), "stands twice"
            seen.add(statement.text)


def _prompts(root: Path, code: str, readable: frozenset[str]) -> tuple[ReflectionPrompt, ...]:
    sheet = read_sheet(root / "prompts" / "reflections" / f"{code}.yaml", root)
    file = sheet.as_record(ReflectionFile)
    _raise_first(sheet, _prompt_problems(file, code, readable))
    return file.prompts


def _prompt_problems(file: ReflectionFile, code: str, readable: frozenset[str]) -> Iterator[tuple[Place, str]]:
    if file.unit != code:
        yield ("unit",), f"is {file.unit}, in the file of {code}"
    ids: set[str] = set()
    texts: set[str] = set()
    for n, prompt in enumerate(file.prompts):
        if not prompt.id.startswith(f"{code}-"):
            yield ("prompts", n, "id"), f"must begin with {code}-"
        if prompt.id in ids:
            yield ("prompts", n, "id"), f"{prompt.id} stands twice"
        yield from _topic_problems(prompt, code, n)
        beside = code in {ROLE, STAGE}  # these may rest on any passage
        if prompt.passage not in readable or not (beside or prompt.passage.startswith(f"{code}/")):
            yield ("prompts", n, "passage"), f"{prompt.passage} is no passage of {code}"
        if prompt.text.casefold() in texts:
            yield ("prompts", n, "text"), "stands twice"
        ids.add(prompt.id)
        texts.add(prompt.text.casefold())


def _topic_problems(prompt: ReflectionPrompt, code: str, n: int) -> Iterator[tuple[Place, str]]:
    if code == STAGE and prompt.topic not in STAGES:
        yield ("prompts", n, "topic"), f"must be one of {', '.join(STAGES)}"
    if code == ROLE and not prompt.topic:
        yield ("prompts", n, "topic"), "is missing"
    if code in {ROLE, STAGE} and prompt.alone:
        yield ("prompts", n, "alone"), "is understood: no channel is asked about a person's role or stage"
