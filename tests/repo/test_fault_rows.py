"""`make faults` runs a row's tests and prints their figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.fault("S3")
def test_one(figure):
    figure("100 of 100 answered once")

@pytest.mark.fault("L3")
def test_other(figure):
    figure("0 live mentions")

def test_plain():
    pass
"""


def faults(folder, *args):
    (folder / "test_rows.py").write_text(TESTS, "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        "pyproject.toml",
        "-p",
        "tests.conftest",
        "-m",
        "fault",
        *args,
        folder,
    ]
    return subprocess.run([str(part) for part in command], cwd=TOP, capture_output=True, text=True, check=False)


def test_all_rows_print_their_figures(tmp_path):
    out = faults(tmp_path).stdout
    assert "S3: 100 of 100 answered once" in out
    assert "L3: 0 live mentions" in out
    assert "2 passed, 1 deselected" in out


def test_one_row_runs_alone(tmp_path):
    out = faults(tmp_path, "--fault-row", "s3").stdout
    assert "S3: 100 of 100 answered once" in out
    assert "L3" not in out
    assert "1 passed" in out
