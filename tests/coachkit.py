"""One real index for all tests that need it: built once a run, opened by every worker."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import pytest

from bot.adapters import content, retrieval
from bot.core.framework import Knowledge
from bot.core.wording import Wording
from bot.services.coach import Coach

ROOT = Path(__file__).parents[1]
# Named by its fingerprint, so that workers and runs share one and a changed content builds another.
INDEX = Path(tempfile.gettempdir()) / "isp-coach-test-index"


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return content.load_knowledge(ROOT)


@pytest.fixture(scope="session")
def wording() -> Wording:
    return content.load_wording(ROOT)


@pytest.fixture(scope="session")
def source(knowledge) -> retrieval.IndexSource:
    return retrieval.IndexSource(knowledge, partial(content.load_exemplars, ROOT), content.content_digest(ROOT))


@pytest.fixture(scope="session")
def place() -> retrieval.IndexPlace:
    return retrieval.IndexPlace(INDEX, "builtin", Path("/nowhere"))


@pytest.fixture(scope="session")
def index(source):
    opened = retrieval.open_or_build(source, retrieval.IndexPlace(INDEX, "builtin", Path("/nowhere")))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def coach(knowledge, wording, index) -> Coach:
    return Coach(knowledge, wording, index, index, index, support_line="Call 555-0100.")
