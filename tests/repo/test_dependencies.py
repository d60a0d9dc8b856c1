"""Row C10: known holes in what the project depends on, and the one that it lives with on purpose."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
EXPLAINED = {"CVE-2026-45829"}  # of chromadb's Python server, which nothing here starts or imports (SECURITY.md)


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.fault("C10")
def test_c10_nothing_imports_chromas_python_server(figure) -> None:
    files = [*(TOP / "bot").rglob("*.py"), *(TOP / "tools").rglob("*.py"), *(TOP / "bench").rglob("*.py")]
    found = [(p.name, n) for p in files for n in imported(p) if n.startswith(("chromadb.server", "chromadb.app"))]
    figure(f"CVE-2026-45829: {len(found)} imports of chromadb.server or chromadb.app in {len(files)} files")
    assert found == []
    assert all(name in (TOP / "SECURITY.md").read_text("utf-8") for name in EXPLAINED)


@pytest.mark.fault("C10")
@pytest.mark.timeout(300)
def test_c10_no_unexplained_hole_is_known(full: bool, figure) -> None:
    audit = shutil.which("pip-audit")
    if audit is None or not full:
        figure("pip-audit: not measured (it isn't installed here, or this isn't `make faults`)")
        return
    command = [audit, "--requirement", str(TOP / "requirements.txt"), "--require-hashes", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        figure("pip-audit: not measured (its service can't be reached)")
        return
    found = json.loads(done.stdout)["dependencies"]
    skipped = [d["name"] for d in found if "skip_reason" in d]
    holes = {h["id"] for d in found for h in d.get("vulns", ())} - EXPLAINED
    figure(f"pip-audit over {len(found)} packages: {len(holes)} unexplained, {len(skipped)} skipped")
    assert (holes, skipped) == (set(), [])
