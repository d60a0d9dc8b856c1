"""A coach whose vectors are on a Chroma server, behind a proxy that can be told to misbehave."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator

import pytest

from bot.adapters import retrieval
from bot.services.coach import Coach
from tests.coachkit import INDEX, index, knowledge, source, wording
from tests.fakes.chroma import ChromaServer, Proxy, chroma_server

__all__ = ["index", "knowledge", "source", "wording"]


@pytest.fixture(scope="module", autouse=True)
def _swept() -> Iterator[None]:
    """Lines that were cut are collected here, where their warnings are expected, and not in somebody else's test."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _swept_each(_swept: None) -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture(scope="module")
def server() -> Iterator[ChromaServer]:
    with chroma_server() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(server: ChromaServer) -> Iterator[Proxy]:
    before = Proxy(server)
    yield before
    before.close()


@pytest.fixture(scope="module")
def place(proxy: Proxy, index: retrieval.SealedIndex, tmp_path_factory) -> retrieval.IndexPlace:
    root = tmp_path_factory.mktemp("index")
    shutil.copytree(INDEX / index.fingerprint, root / index.fingerprint)  # learned already; the server has no rows yet
    return retrieval.IndexPlace(root, "builtin", root / "none", proxy.url)


@pytest.fixture(scope="module")
def coach(knowledge, wording, source, place) -> Iterator[Coach]:
    index = retrieval.open_or_build(source, place)
    yield Coach(knowledge, wording, index, index, index)
    index.close()


@pytest.fixture
def start_another(knowledge, wording, source, place) -> Iterator[Callable[[], Coach]]:
    """Another replica of the coach, on the same folder and server."""
    opened = []

    def start() -> Coach:
        opened.append(retrieval.open_or_build(source, place))
        return Coach(knowledge, wording, opened[-1], opened[-1], opened[-1])

    yield start
    for one in opened:
        one.close()
