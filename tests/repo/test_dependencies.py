"""Row C10: known holes in what the project depends on, and the one that it lives with on purpose."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
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


NOT_REACHED = re.compile(
    r"connect|timed? ?out|resol|proxy|unreachable|network|max retries|ssl|status code: 5|service ?error|503|403",
    re.IGNORECASE,
)


def verdict(output: str, errors: str) -> tuple[str, set[str], list[str]]:
    """What pip-audit found, in words, with the holes that nobody explained and the packages that it passed over."""
    if not output.strip():
        if NOT_REACHED.search(errors):
            return "pip-audit: not measured (its service can't be reached)", set(), []
        return "pip-audit: failed", {"pip-audit failed"}, []
    found = json.loads(output)["dependencies"]
    skipped = [d["name"] for d in found if "skip_reason" in d]
    holes = {h["id"] for d in found for h in d.get("vulns", ()) if not EXPLAINED & {h["id"], *h.get("aliases", ())}}
    words = f"pip-audit over {len(found)} packages: {len(holes)} unexplained, {len(skipped)} skipped"
    return words, holes, skipped


def test_c10_an_unexplained_hole_a_skipped_package_and_a_broken_audit_each_fail_the_row() -> None:
    one = {"name": "chromadb", "version": "1", "vulns": [{"id": "GHSA-x", "aliases": ["CVE-2026-45829"]}]}
    two = {"name": "other", "version": "1", "vulns": [{"id": "PYSEC-1", "aliases": []}]}
    assert verdict(json.dumps({"dependencies": [one]}), "")[1:] == (set(), [])
    assert verdict(json.dumps({"dependencies": [one, two]}), "")[1] == {"PYSEC-1"}
    assert verdict(json.dumps({"dependencies": [{"name": "odd", "skip_reason": "?"}]}), "")[2] == ["odd"]
    assert "not measured" in verdict("", "requests.exceptions.ConnectionError: Max retries exceeded")[0]
    assert verdict("", "pip-audit: error: unrecognized arguments")[1] == {"pip-audit failed"}


@pytest.mark.fault("C10")
@pytest.mark.timeout(300)
def test_c10_no_unexplained_hole_is_known(full: bool, figure) -> None:
    if not full:
        pytest.skip("asks a service outside: make faults ROW=C10")
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(TOP / "requirements.txt"), "--require-hashes",
        "--disable-pip", "--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    except subprocess.TimeoutExpired:
        figure("pip-audit: not measured (its service doesn't answer)")
        return
    words, holes, skipped = verdict(done.stdout, done.stderr)
    figure(words)
    assert (holes, skipped) == (set(), []), done.stderr[-2000:]
