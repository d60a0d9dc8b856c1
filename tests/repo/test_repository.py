"""What the repository promises: the README's commands exist, the settings are written down, everything is pinned."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer

from bot.cli.entry import app
from bot.settings import Settings
from tools.env_example import render, variable

TOP = Path(__file__).parents[2]
MAKEFILE = (TOP / "Makefile").read_text("utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
PINNED = ("requirements.txt", "requirements-dev.txt", "requirements-build.txt")


def text(name):
    return (TOP / name).read_text("utf-8")


def commands():
    """Every command of the command line, with its options."""
    root = typer.main.get_command(app)
    found = {}
    for name, command in root.commands.items():
        for sub, inner in getattr(command, "commands", {"": command}).items():
            found[f"{name} {sub}".strip()] = {option for p in inner.params for option in (*p.opts, *p.secondary_opts)}
    return found


def named(document):
    """The `isp-coach …` calls of a document, in code blocks and between backticks."""
    calls = re.findall(r"(?:^|`)isp-coach ([^`\n]+)", text(document), flags=re.MULTILINE)
    return [call.split("#")[0].strip() for call in calls]


def test_the_documents_name_only_commands_and_options_that_exist():
    known = commands()
    calls = [call for document in DOCUMENTS for call in named(document) if not call.startswith("--")]
    assert len(calls) > 10
    for call in calls:
        words = call.split()
        name = next((n for n in (" ".join(words[:2]), words[0]) if n in known), None)
        assert name, f"isp-coach {call}"
        assert {w for w in words if w.startswith("--")} <= known[name] | {"--help"}, call


def test_every_command_is_in_the_changelog():
    for command in commands():
        assert f"`{command.split()[0]}" in text("CHANGELOG.md"), command


def test_the_documents_name_only_make_targets_that_exist():
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, flags=re.MULTILINE))
    for document in DOCUMENTS:
        used = set(re.findall(r"(?:^|`)make ([a-z]+)\b(?! )?", text(document), flags=re.MULTILINE))
        assert used <= targets, document


def test_the_documents_name_only_settings_that_exist():
    known = {variable(name, field) for name, field in Settings.model_fields.items()}
    for document in DOCUMENTS:
        assert set(re.findall(r"\b(?:ISP_COACH|SLACK)_[A-Z_]+\b", text(document))) <= known, document


def test_links_inside_the_repository_lead_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text(document)):
            if target != "docs/conversation.png":  # has a test of its own
                assert (TOP / target).exists(), f"{document}: {target}"


def test_the_readme_shows_a_conversation_and_the_two_commands_on_its_first_screen():
    first_screen = "\n".join(text("README.md").splitlines()[:20])
    assert "docs/conversation.png" in first_screen
    assert "make run" in first_screen
    assert "make test" in first_screen
    picture = TOP / "docs/conversation.png"
    assert picture.is_file()
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size < 300_000


def test_the_settings_example_is_in_step_with_the_settings():
    assert text(".env.example") == render(), "run `make env`"


def test_every_setting_has_a_description_and_its_line_in_the_example():
    lines = text(".env.example").splitlines()
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert sum(line.startswith(f"#{variable(name, field)}=") for line in lines) == 1


def test_the_example_copied_as_it_is_changes_nothing(tmp_path, monkeypatch):
    for name, field in Settings.model_fields.items():
        monkeypatch.delenv(variable(name, field), raising=False)
    uncommented = re.sub(r"^#(?=[A-Z])", "", text(".env.example"), flags=re.MULTILINE)
    (tmp_path / "all.env").write_text(uncommented, "utf-8")
    assert Settings(_env_file=tmp_path / "all.env") == Settings(_env_file=None)


@pytest.mark.parametrize("name", PINNED)
def test_requirements_are_pinned_with_hashes_and_name_no_host(name):
    content = text(name)
    entries = re.findall(r"^([a-z0-9][a-z0-9._-]*)(\S*)", content, flags=re.MULTILINE)
    assert entries
    assert all(re.fullmatch(r"(\[[a-z0-9,_-]+\])?==[^ ]+", rest) for _, rest in entries), name
    blocks = re.split(r"^(?=[a-z0-9])", content, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in content
    assert not re.search(r"^\s*--(index|extra|find|trusted)", content, flags=re.MULTILINE)


def test_every_dependency_is_pinned_and_the_pins_agree():
    project = tomllib.loads(text("pyproject.toml"))
    pins = {
        name: dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", text(name), flags=re.MULTILINE))
        for name in PINNED
    }
    wanted = {re.split(r"[^a-zA-Z0-9._-]", d)[0].lower() for d in project["project"]["dependencies"]}
    wanted_dev = {re.split(r"[^a-zA-Z0-9._-]", d)[0].lower() for d in project["dependency-groups"]["dev"]}
    assert wanted <= set(pins["requirements.txt"])
    assert wanted | wanted_dev <= set(pins["requirements-dev.txt"])
    for name in ("requirements.txt", "requirements-build.txt"):
        for package in set(pins[name]) & set(pins["requirements-dev.txt"]):
            assert pins[name][package] == pins["requirements-dev.txt"][package], package


def make(*args):
    return subprocess.run(["make", *args], cwd=TOP, capture_output=True, text=True, check=False)


def test_make_alone_lists_its_targets():
    done = make()
    assert done.returncode == 0
    for target in ("run", "test", "bench", "faults", "lock", "clean"):
        assert re.search(rf"^  make {target} +\S", done.stdout, flags=re.MULTILINE)


def test_make_says_calmly_what_python_it_needs(tmp_path):
    for name in ("Makefile", *PINNED, "pyproject.toml"):
        (tmp_path / name).write_text(text(name), "utf-8")
    old = tmp_path / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.1" && exit 0\nexit 1\n', "utf-8")
    old.chmod(0o755)
    done = subprocess.run(["make", "run", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stdout
    assert "is Python 3.9.1" in done.stdout
    missing = subprocess.run(
        ["make", "run", "PYTHON=no-python"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "there is no no-python here" in missing.stdout


def test_ci_is_executable_sound_and_calls_make_test():
    script = TOP / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert text(".ci/run").splitlines()[-1] == "exec make test"


def test_make_test_runs_every_check():
    assert re.search(r"^checks: lint types imports unit$", MAKEFILE, flags=re.MULTILINE)
    for part in ("ruff check", "ruff format --check", "mypy", "lint-imports", "pytest"):
        assert part in MAKEFILE


def test_the_licence_and_the_attribution_are_there():
    assert "Apache License" in text("LICENSE")
    for name in ("NOTICE", "README.md"):
        flat = " ".join(text(name).replace(">", " ").split())
        assert "Khan, S., Manalili, K., & Moore, J. E. (2024)" in flat
        assert "© The Center for Implementation" in flat
        assert "affiliated" in flat
