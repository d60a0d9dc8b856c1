"""The dense vectors of one index in Chroma: embedded, or on a server that may be away for a while.

A server that fails or is slow is left alone: a thread knocks every few seconds until it answers again, and meanwhile
nothing is found by meaning. Nobody waits for it longer than one call's patience.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings

from bot.adapters.unused_bytes import clear_unused
from bot.core.errors import IndexMismatch, IndexNotReady

log = structlog.get_logger()

_PATIENCE = 1.5  # seconds for one call to a server
_BUILD_PATIENCE = 60.0  # the same while an index is built
_KNOCK_EVERY = 2.0
METRIC = "cosine"

Found = list[tuple[dict[str, Any], float]]  # metadata and similarity, best first


def open_client(folder: Path, chroma_url: str | None, *, patience: float = _PATIENCE) -> Any:
    """Chroma in a folder, or a server's client. Raises IndexNotReady where the server doesn't answer."""
    import chromadb  # noqa: PLC0415 - a second or more, only where an index is opened
    from chromadb.config import Settings  # noqa: PLC0415 - likewise

    if not chroma_url:
        return chromadb.PersistentClient(path=str(folder / "chroma"), settings=Settings(anonymized_telemetry=False))
    import httpx  # noqa: PLC0415 - only for a server

    at = urlsplit(chroma_url)
    ssl = at.scheme == "https"
    host, port = at.hostname or "localhost", at.port or (443 if ssl else 8000)
    try:
        # Chroma's client has no time-out of its own and calls the server while it is made: so knock first.
        httpx.get(f"{chroma_url.rstrip('/')}/api/v2/heartbeat", timeout=_PATIENCE).raise_for_status()
        client = chromadb.HttpClient(host=host, port=port, ssl=ssl, settings=Settings(anonymized_telemetry=False))
    except (httpx.HTTPError, ValueError) as error:
        raise IndexNotReady("The Chroma server can't be reached.") from error
    client._server._session.timeout = httpx.Timeout(patience)  # noqa: SLF001 - no setting of Chroma's reaches it
    return client


@contextmanager
def open_store(folder: Path, chroma_url: str | None) -> Iterator[Any]:
    """A client to write with, patient and closed at the end. Raises as `open_client`."""
    client = open_client(folder, chroma_url, patience=_BUILD_PATIENCE)
    try:
        yield client
    finally:
        close_client(client)
        if not chroma_url:
            clear_unused(folder)


def close_client(client: Any) -> None:
    """Let go of Chroma's files or lines."""
    client.close()
    for door in (client, client._admin_client):  # noqa: SLF001 - Chroma leaves a server's lines open, also those of its second client
        session = getattr(door._server, "_session", None)  # noqa: SLF001 - as above
        if session is not None:
            session.close()


class Vectors:
    """The collections of one index. Safe to use from many threads."""

    def __init__(
        self,
        connect: Callable[[], Any],
        counts: Mapping[str, int],
        embeddings: Embeddings,
        *,
        remote: bool,
        width: int | None = None,
        knock_every: float = _KNOCK_EVERY,
    ) -> None:
        """`counts`: how many rows each collection has; `width`: numbers in a vector, where that is known.

        Raises IndexNotReady where rows are missing, IndexMismatch where they are of another width or metric. A server
        that can't be reached is no error: it is looked for until it is there.
        """
        self._connect, self._counts, self._embeddings, self._remote = connect, dict(counts), embeddings, remote
        self._width, self._knock_every = width, knock_every
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._client: Any = None
        self._stores: dict[str, Chroma] = {}
        self._knocking = False
        try:
            self._open()
        except Exception as error:
            if not self._remote or isinstance(error, RowsMissing | IndexMismatch):
                raise
            self._lost(error)

    @property
    def available(self) -> bool:
        """True where a search by meaning is possible now."""
        return bool(self._stores)

    @property
    def names(self) -> frozenset[str]:
        """The collections that belong to the index, reachable or not."""
        return frozenset(self._counts)

    def nearest(self, name: str, vector: list[float], limit: int) -> Found:
        """What lies nearest in a collection; nothing while the server is away."""
        store = self._stores.get(name)
        if store is None:
            return []
        try:
            found = store.similarity_search_by_vector_with_relevance_scores(vector, k=limit)
        except Exception as error:
            if not self._remote:
                raise
            self._lost(error)
            return []
        return [(document.metadata, 1.0 - float(distance)) for document, distance in found]

    def close(self) -> None:
        """Let go of Chroma's files or lines."""
        self._closed.set()
        with self._lock:
            self._stores, client, self._client = {}, self._client, None
        if client is not None:
            close_client(client)

    # --- inside

    def _open(self) -> None:
        from chromadb.errors import NotFoundError  # noqa: PLC0415 - loaded with the client

        client = self._connect()
        try:
            stores = {name: self._store(client, name) for name in self._counts}
            for store in stores.values():
                self._check(store._collection)  # noqa: SLF001 - LangChain's door doesn't show it
            rows = {name: store._collection.count() for name, store in stores.items()}  # noqa: SLF001 - nor a count
        except NotFoundError:
            rows = {}
        except BaseException:
            close_client(client)
            raise
        if rows != self._counts:
            close_client(client)
            raise RowsMissing("The index is damaged and has to be built anew.")
        self._client, self._stores = client, stores

    def _check(self, collection: Any) -> None:
        metric = (collection.configuration_json.get("hnsw") or {}).get("space", METRIC)
        if metric != METRIC:
            raise IndexMismatch("metric", metric, METRIC)
        width = collection._model.dimension  # noqa: SLF001 - no door of Chroma's shows it
        if self._width is not None and width not in {None, self._width}:
            raise IndexMismatch("width of vectors", width, self._width)

    def _store(self, client: Any, name: str) -> Chroma:
        return Chroma(
            collection_name=name,
            client=client,
            embedding_function=self._embeddings,
            create_collection_if_not_exists=False,
        )

    def _lost(self, error: Exception) -> None:
        """Search by words alone from now on, and knock until the server is back."""
        with self._lock:
            self._stores, client, self._client = {}, self._client, None
        if client is not None:  # whoever still waits on its lines hears at once, too
            close_client(client)
        with self._lock:
            if self._knocking or self._closed.is_set():
                return
            self._knocking = True
        log.warning("chroma.lost", error=type(error).__name__)
        threading.Thread(target=self._knock, name="chroma", daemon=True).start()

    def _knock(self) -> None:
        while not self._closed.wait(self._knock_every):
            try:
                self._open()
            except Exception as error:  # noqa: BLE001 - as above; the next knock may find it there
                log.debug("chroma.away", error=type(error).__name__)
                continue
            log.info("chroma.back")
            break
        with self._lock:
            self._knocking = False


class RowsMissing(IndexNotReady):
    """Chroma answers, and doesn't hold what belongs to the index."""
