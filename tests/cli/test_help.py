"""The command line stays light, and every command explains itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "chromadb",
    "sklearn",
    "slack_bolt",
    "slack_sdk",
    "langchain",
    "langchain_core",
    "sqlalchemy",
    "numpy",
    "onnxruntime",
    "pydantic",
    "starlette",
)
COMMANDS = (
    "run", "sandbox", "setup", "ingest", "ask", "triage", "chat", "eval retrieval", "eval triage", "eval router",
    "doctor", "manifest", "migrate", "corrections export",
)  # fmt: skip


def test_help_loads_no_heavy_library():
    script = (
        "import sys\nsys.argv = ['isp-coach', '--help']\nfrom bot.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "isp-coach" in done.stdout
    assert done.stdout.strip().endswith("LOADED []")


def test_python_dash_m_bot_is_the_same_command():
    done = subprocess.run([sys.executable, "-m", "bot", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip()[0].isdigit()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command):
    ran = run(*command.split(), "--help")
    assert ran.status == 0
    assert f"isp-coach {command}" in ran.out


def test_no_command_prints_the_help_and_a_wrong_one_is_a_usage_error(run):
    assert "Usage" in run().out + run().err
    wrong = run("aks", "what")
    assert wrong.status == 2
    assert "aks" in wrong.err
    assert wrong.out == ""
