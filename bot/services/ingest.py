"""Ingest: the original paper, or an operator's own document, into the passages that answers draw on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.core.errors import DocumentError
from bot.core.ingest import (
    EVERYBODY,
    IngestPlan,
    IngestReport,
    StoredDocument,
    make_document,
    plan_ingest,
    report,
)
from bot.core.paper import KnownParagraph
from bot.ports import DocumentReader, DocumentStore, Progress

log = structlog.get_logger()


def quiet(step: str, done: int, total: int) -> None:
    """No progress shown."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """Reads a source, keeps it, has the index rebuilt; or leaves everything as it was."""

    reader: DocumentReader
    store: DocumentStore
    known: Mapping[str, KnownParagraph]  # the paper's paragraphs by locator
    title_of: Callable[[str], str]  # a unit's title: `Knowledge.title`
    rebuild: Callable[[Progress], object]  # builds the index from content and store; nothing to do is quick

    def ingest(self, source: str, *, tenant: str = EVERYBODY, progress: Progress = quiet) -> IngestReport:
        """Ingest a file or an address for a workspace, or "*" for everybody.

        Raises DocumentError in words for people where the source can't be read, and whatever `rebuild` raises;
        the store is then as it was before. Ingesting the same again changes nothing and says so.
        """
        if not tenant.strip():
            raise DocumentError('Say whom the document is for: a workspace\'s id, or "*" for everybody.')
        progress("reading", 0, 1)
        read = self.reader.read(source)
        progress("reading", 1, 1)
        document = make_document(
            name=read.name,
            title=read.title,
            blocks=read.blocks,
            headings=read.headings,
            tenant=tenant,
            known=self.known,
            title_of=self.title_of,
        )
        if not document.passages:
            raise DocumentError(f"{read.name} holds no text beyond its headings.")
        plan = plan_ingest(document, self.store.all())
        self._carry_out(plan, progress)
        log.info("ingest.done", unit=document.unit, status=plan.status, passages=len(document.passages))
        return report(document, plan.status, tuple(self.known))

    def remove(self, key: str, *, progress: Progress = quiet) -> bool:
        """Take a document out again, by its key; False where there is none."""
        if self.store.get(key) is None:
            return False
        self._change(None, (key,), progress)
        return True

    def _carry_out(self, plan: IngestPlan, progress: Progress) -> None:
        # Also where nothing changed: a run that was killed between store and index is completed by the next.
        self._change(plan.write, plan.remove, progress)

    def _change(self, write: StoredDocument | None, remove: Sequence[str], progress: Progress) -> None:
        touched = [*([write.key] if write else []), *remove]
        before = {key: self.store.get(key) for key in touched}
        try:
            if write:
                self.store.put(write)
            for key in remove:
                self.store.remove(key)
            self.rebuild(progress)
        except BaseException:  # also Ctrl-C: the folder and the old index belong together
            for key, old in before.items():
                if old is None:
                    self.store.remove(key)
                else:
                    self.store.put(old)
            log.warning("ingest.undone", keys=touched)
            raise
