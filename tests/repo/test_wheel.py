"""`pip install .` gives a command that works from any folder: the content travels in the wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


def call(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=TOP)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A clean environment with the wheel; the dependencies are this environment's, so that nothing is fetched."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    target = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    python = folder / "bin" / "python"
    call(sys.executable, "-m", "pip", "-q", "--python", python, "install", "--no-deps", "--no-index", wheel)
    # After the wheel's own folder on the path, and without its .pth files: a project installed editable stays out.
    (target / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", "utf-8")
    return folder


def test_the_wheel_holds_content_page_and_licences_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "bot/_content/knowledge/framework/C4.yaml",
        "bot/_content/knowledge/white_paper/P-CITE.md",
        "bot/py.typed",
    ):
        assert wanted in names
    assert any(n.startswith("bot/_content/prompts/wording/") for n in names)
    assert any(n.startswith("bot/_content/knowledge/exemplars/messages/") for n in names)
    assert "bot/sandbox/page/index.html" in names
    assert any(n.startswith("bot/adapters/storage/migrations/versions/") for n in names)
    assert {n.rsplit("/", 1)[1] for n in names if "/licenses/" in n} == {"LICENSE", "NOTICE"}
    assert not any(n.startswith(("tests/", "bench/", "tools/")) or ".env" in n for n in names)


@pytest.mark.timeout(300)
def test_the_installed_command_answers_and_triages_from_another_folder(installed, tmp_path):
    command = installed / "bin" / "isp-coach"
    environment = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("ISP_COACH_", "SLACK_", "PYTHON"))
        },
        "ISP_COACH_DATA_DIR": str(tmp_path / "state"),
        "ISP_COACH_EMBEDDINGS": "builtin",
    }
    answer = json.loads(
        call(
            command, "ask", "--json", "What is assess barriers and facilitators?", cwd=tmp_path, env=environment
        ).stdout
    )
    assert answer["outcome"] == "answered"
    assert answer["citations"][0]["unit"] == "C4"
    triage = json.loads(
        call(
            command, "triage", "--json", "Who should be in the team for the falls work?", cwd=tmp_path, env=environment
        ).stdout
    )
    assert len(triage["ranking"]) == 10
    where = call(
        installed / "bin" / "python", "-c", "import bot; print(bot.__file__)", cwd=tmp_path, env=environment
    ).stdout
    assert Path(where.strip()).is_relative_to(installed)
