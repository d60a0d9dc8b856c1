"""The composition root: the only place that knows which part is made of what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import Settings

if TYPE_CHECKING:
    from bot.adapters.retrieval import SealedIndex
    from bot.services.coach import Coach

Progress = Callable[[str, int, int], None]


def open_index(settings: Settings, progress: Progress | None = None) -> SealedIndex:
    """The sealed index for the content, documents and embeddings of these settings; built where it is missing."""
    from bot.adapters import content, retrieval
    from bot.adapters.data_folder import DataFolder

    root = content.content_root(settings)
    source = retrieval.IndexSource(
        knowledge=content.load_knowledge(root),
        exemplars=content.load_exemplars(root),
        content_digest=content.content_digest(root),
    )
    return retrieval.open_or_build(source, index_place(settings, DataFolder(settings.data_dir).index_root), progress)


def index_place(settings: Settings, index_root: Path):  # noqa: ANN201
    """Where the index of these settings lies."""
    from bot.adapters import retrieval

    return retrieval.IndexPlace(index_root, settings.embeddings, settings.minilm_dir, settings.chroma_url)


def open_coach(settings: Settings, *, progress: Progress | None = None) -> Coach:
    """A coach that only reads: no database, no lock; it may stand beside a running bot."""
    from bot.adapters import content
    from bot.services.coach import Coach

    root = content.content_root(settings)
    index = open_index(settings, progress)
    return Coach(
        content.load_knowledge(root),
        content.load_wording(root),
        index,
        index,
        index,
        support_line=settings.support_line,
    )
