"""The model prompts, read from prompts/model/*.md and checked: head, variables, nothing missing, nothing unknown."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from pydantic import ValidationError

from bot.adapters.checked_yaml import read_text
from bot.core.errors import ContentError
from bot.core.prompts import PROMPTS, Prompt, PromptHead, slots

_FORM = re.compile(r"^---\n(?P<head>.*?)\n---\n\s*# system\n(?P<system>.*?)\n# user\n(?P<user>.*)$", re.DOTALL)


def load_prompts(root: Path) -> dict[str, Prompt]:
    """All model prompts by name. Raises ContentError, also where a file or a variable is missing or unknown."""
    folder = root / "prompts" / "model"
    found = {path.stem: _prompt(path, root) for path in sorted(folder.glob("*.md"))}
    for name in PROMPTS:
        if name not in found:
            raise ContentError(f"prompts/model/{name}.md", None, "", "is missing")
    return found


def _prompt(path: Path, root: Path) -> Prompt:
    name, text = read_text(path, root)
    parts = _FORM.match(text)
    if parts is None:
        raise ContentError(name, None, "", "needs a head between --- lines, then “# system” and “# user”")
    head = _head(name, parts["head"])
    if head.name != path.stem or head.name not in PROMPTS:
        raise ContentError(name, None, "name", f"{head.name} is no prompt that the bot speaks with")
    output, variables = PROMPTS[head.name]
    if head.output != output:
        raise ContentError(name, None, "output", f"must be {output}, not {head.output}")
    _check_variables(name, head, parts["system"], parts["user"], variables)
    return Prompt(head, parts["system"].strip(), parts["user"].strip())


def _head(name: str, text: str) -> PromptHead:
    try:
        return PromptHead.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ContentError(name, None, "", "the head is not YAML") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ContentError(name, None, ".".join(map(str, first["loc"])), first["msg"]) from error


def _check_variables(name: str, head: PromptHead, system: str, user: str, known: frozenset[str]) -> None:
    declared = set(head.variables)
    if slots(system):
        raise ContentError(name, None, "system", "holds a variable; data belongs in the user part alone")
    for variable in sorted(declared ^ known):
        problem = "is not given to this prompt" if variable in declared else "is missing"
        raise ContentError(name, None, "variables", f"{variable} {problem}")
    for variable in sorted(declared ^ slots(user)):
        problem = "is declared and not used" if variable in declared else "is used and not declared"
        raise ContentError(name, None, "user", f"{variable} {problem}")
