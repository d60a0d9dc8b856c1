"""The index: passages in Chroma and BM25 beside the trained models, in a sealed folder named by its fingerprint.

    <index root>/<fingerprint>/
        chroma/          dense vectors: collections for everybody, for each workspace with documents, of exemplars
        passages.json    the passages themselves
        models.pickle    representation, heads, and how each passage is asked for
        sealed.json      written last; a folder without it is no index

A folder is built beside the others and renamed when whole. A sealed one is never written again, save that room which no
vector uses is cleared, so a command line can read it while the bot serves from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import bm25s
import numpy as np
import structlog
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from bot.adapters import classifier, distress, heads, representation, word_vectors
from bot.adapters import embeddings as embedding
from bot.adapters.classifier import TrainedClassifier
from bot.adapters.distress import DistressReader
from bot.adapters.removal import remove_quietly
from bot.adapters.representation import Representation, stems
from bot.adapters.unused_bytes import clear_unused
from bot.adapters.vectors import METRIC, Found, RowsMissing, Vectors, open_client, open_store
from bot.core.errors import IndexMismatch
from bot.core.evidence import Classification, Hit, Neighbour, QuestionView
from bot.core.exemplars import Exemplars
from bot.core.framework import FRAMEWORK_UNITS, Knowledge, Passage
from bot.core.text import clean

log = structlog.get_logger()

FORMAT = 4  # raise it when what stands in a folder changes its form
_MODELS = "models.pickle"
EVERYBODY = "*"
COLLECTION_MARK = "coach-"  # every collection of ours in Chroma is named so
_EMBED = 500  # texts embedded between two words on progress
_MEANING = 0.8  # of nearness in meaning beside nearness in words
# Of a section of the paper, beside the nearness of its words; fitted on its asks, held out in turn.
_SENTENCE = 0.9  # words of its nearest sentence
_ASKED = 0.6  # meaning of what it is known to answer, on average
_WRITTEN = ("P-", "D-")  # units of the paper's own and of documents
_REMEMBERED = 16  # texts whose rows are kept: one question is read several times over
_BATCH = 2000  # rows a call to Chroma; its own bound was 5,461
_ABANDONED = 1800.0  # seconds after which a folder half built is taken for left behind
_KEPT_ROWS = 5000  # vectors of passages kept for `nearness` and `relevance`
_KEEP = 2  # sealed folders kept beside the newest: another process may still read one

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all


@dataclass(frozen=True, slots=True)
class IndexSource:
    """What an index is built from."""

    knowledge: Knowledge
    read_exemplars: Callable[[], Exemplars]  # only a build needs them; reading them takes a second
    content_digest: str
    documents: tuple[Passage, ...] = ()  # passages of ingested documents, the original paper's among them
    documents_digest: str = ""


@dataclass(frozen=True, slots=True)
class IndexPlace:
    """Where an index lies and with which vectors."""

    root: Path
    embeddings: str  # the setting
    minilm_dir: Path
    chroma_url: str | None = None


def fingerprint(source: IndexSource, place: IndexPlace) -> str:
    """Twenty hex digits that change with content, documents, embedding model, libraries and index format."""
    name = embedding.chosen(place.embeddings, place.minilm_dir)
    parts = [
        str(FORMAT),
        *(_digest_of(Path(str(m.__file__))) for m in (representation, classifier, heads, word_vectors, distress)),
        _digest_of(word_vectors.TABLE),
        source.content_digest,
        source.documents_digest,
        embedding.identity(name, place.minilm_dir),
        version("chromadb"),
        version("scikit-learn"),
        version("numpy"),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _digest_of(path: Path) -> str:
    """Of a module's code: what is stored of its objects fits no other."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def open_or_build(source: IndexSource, place: IndexPlace, progress: Progress | None = None) -> SealedIndex:
    """The index for this content: opened where it is sealed already, else built.

    Raises IndexNotReady when damaged for good, IndexMismatch where it was made with another model, width or metric.
    """
    mark = fingerprint(source, place)
    folder = place.root / mark
    if not (folder / "sealed.json").is_file():
        _build(source, place, folder, progress or (lambda *_: None))
    try:
        return SealedIndex(folder, place)
    except IndexMismatch:
        raise  # a look at it by a person: embedding anew may cost money
    except Exception as error:  # noqa: BLE001 - whatever a damaged file raises, the cure is the same: build it anew, once
        log.warning("index.damaged", fingerprint=mark, error=type(error).__name__)
        _forget_clients()
        if place.chroma_url and isinstance(error, RowsMissing):  # another server, or one that lost its rows
            _refill(source, place, folder)
        else:
            remove_quietly(folder)
            _build(source, place, folder, progress or (lambda *_: None))
        return SealedIndex(folder, place)


@dataclass(frozen=True)
class Wishes:
    """How each passage is asked for: its own words and the questions it is known to answer, as rows to compare with."""

    rows: Any  # sparse TF-IDF, one row a text, of unit length
    vectors: Any  # dense, one row a text, of unit length
    places: dict[str, _Place]

    @classmethod
    def of(cls, passages: Sequence[Passage], fitted: Representation, dense: Callable[[Sequence[str]], Any]) -> Wishes:
        """The rows of some passages; `dense` gives the vectors of texts."""
        texts: list[str] = []
        places: dict[str, _Place] = {}
        for p in passages:
            start = len(texts)
            texts += [f"{p.heading}. {p.text}", *p.asks]
            asked = len(texts)
            texts += p.sentences
            places[p.id] = _Place(slice(start, asked), slice(asked, len(texts)))
        return cls(normalize(fitted.sparse(texts)), dense(texts), places)

    def read(self, row: Any, vector: Any) -> WishesRead:
        """How near a query comes to every row."""
        words = np.asarray((self.rows @ normalize(row).T).todense()).ravel()
        return WishesRead(words, np.maximum(self.vectors @ vector[0], 0.0), self.places)


class _Place(NamedTuple):
    """Where a passage's rows stand."""

    whole: slice  # its own text first, then what it is known to answer
    sentences: slice


@dataclass(frozen=True)
class WishesRead:
    """One query beside every row: its nearness in words and in meaning, each 0 to 1."""

    words: Any
    meaning: Any
    places: dict[str, _Place]

    def suits(self, ids: Sequence[str]) -> list[float]:
        """How well each passage answers, 0 and up; comparable within a unit.

        What a unit would have one do goes by whatever lies nearest, since people tell of it in words of their own. A
        section of the paper goes by its own words and its best sentence: what it answers is asked of its neighbours in
        much the same words.
        """
        return [self._told(self.places[i]) if i.startswith(_WRITTEN) else self._nearest(self.places[i]) for i in ids]

    def known(self, ids: Sequence[str]) -> float:
        """How near the query comes to anything that some passages say or are known to answer, 0 to about 2."""
        return max((self._nearest(self.places[i]) for i in ids), default=0.0)

    def _nearest(self, place: _Place) -> float:
        return float((self.words[place.whole] + _MEANING * self.meaning[place.whole]).max())

    def _told(self, place: _Place) -> float:
        text, asks = place.whole.start, slice(place.whole.start + 1, place.whole.stop)
        asked = self.meaning[asks].mean() if asks.stop > asks.start else 0.0
        best = self.words[place.sentences].max(initial=0.0)
        return float(self.words[text] + _SENTENCE * best + _MEANING * self.meaning[text] + _ASKED * asked)


class SealedIndex:
    """Implements Index, Classifier and QuestionReader over one sealed folder; safe to use from many threads."""

    def __init__(self, folder: Path, place: IndexPlace) -> None:
        seal = json.loads((folder / "sealed.json").read_text(encoding="utf-8"))
        self.fingerprint = folder.name
        self.embeddings_name: str = seal["embeddings"]
        self._models: TrainedClassifier
        self._wishes: Wishes
        self._distress: DistressReader
        name = embedding.chosen(place.embeddings, place.minilm_dir)
        if seal["embeddings"] != name:
            raise IndexMismatch("embedding model", seal["embeddings"], name)
        self._models, self._wishes, self._distress = _load_models(folder)
        self._embeddings = embedding.make(seal["embeddings"], place.minilm_dir, self._models.representation)
        self._meaning = _meaning(seal["embeddings"], self._embeddings)
        self._models.use_dense(self._meaning)
        if seal["embeddings"] != "builtin":
            # The same rows as the other models read, so that a question is embedded once.
            self._distress.use_dense(lambda texts: np.concatenate([self._models.read(t)[1] for t in texts]))
        # The products of a question are small: BLAS threads gain nothing, and spin for a while after each, in the way
        # of the embedding model's threads. With MiniLM a question took 58 ms in place of 24 on two cores.
        threadpool_limits(1, user_api="blas")
        records = json.loads((folder / "passages.json").read_text(encoding="utf-8"))
        self._passages = {r["id"]: Passage.model_validate(r) for r in records}
        self._order = list(self._passages)
        self._place = {pid: i for i, pid in enumerate(self._order)}
        self._by_unit: dict[str, list[Passage]] = {}
        for p in self._passages.values():
            self._by_unit.setdefault(p.unit, []).append(p)
        self._lexical = _lexical(list(self._passages.values()))
        self._rows: dict[str, Any] = {}
        # Passages and their sentences, which come again and again.
        self._told = lru_cache(_KEPT_ROWS)(lambda text: (self._meaning([text])[0], _single_stems(text)))
        self._asked = lru_cache(_REMEMBERED)(lambda query: self._wishes.read(*self._models.read(query)))
        self._vectors = Vectors(
            lambda: open_client(folder, place.chroma_url),
            seal["collections"],
            self._embeddings,
            remote=place.chroma_url is not None,
            width=self._width(),
        )
        if not place.chroma_url:
            clear_unused(folder)  # Chroma has just written there

    def _width(self) -> int | None:
        """Numbers in a vector as the embedding gives it today; None where a provider can't be asked."""
        try:
            return int(self._embeddings.rows(["How wide is a vector?"]).shape[1])
        except Exception as error:  # noqa: BLE001 - providers fail in many ways; the index opens all the same
            log.warning("index.width_unknown", error=type(error).__name__)
            return None

    def close(self) -> None:
        """Let go of Chroma's files."""
        self._vectors.close()

    @property
    def complete(self) -> bool:
        """See Index: False while the Chroma server is away."""
        return self._vectors.available

    # --- Index

    def search(self, query: str, *, tenant: str, limit: int = 40) -> list[Hit]:
        """See Index. A tenant must be named: "*" alone sees only what is for everybody."""
        return self._search(query, self._vector(query), tenant, limit)

    def neighbours(self, query: str, *, limit: int = 24) -> list[Neighbour]:
        """Exemplars nearest in meaning, best first."""
        found = self._nearest(collection_name(self.fingerprint, "exemplars"), self._vector(query), limit)
        return [Neighbour(unit=m["unit"], kind=m["kind"], similarity=s) for m, s in found]

    def passage(self, passage_id: str, *, tenant: str) -> Passage | None:
        """See Index."""
        found = self._passages.get(passage_id)
        return found if found and found.tenant in (EVERYBODY, tenant) else None

    def relevance(self, query: str, texts: Sequence[str]) -> list[float]:
        """See Index: cosine of the embeddings plus the share of the query's stems that a text holds."""
        if not texts:
            return []
        row, wanted = self._models.read(query)[1][0], _single_stems(query)
        told = [self._told(t) for t in texts]
        return [float(max(near @ row, 0.0)) + 0.6 * len(wanted & said) / (len(wanted) or 1) for near, said in told]

    def suits(self, query: str, passages: Sequence[Passage]) -> list[float]:
        """See Index."""
        return self._asked(query).suits([p.id for p in passages])

    def known(self, query: str, passages: Sequence[Passage]) -> float:
        """See Index."""
        return self._asked(query).known([p.id for p in passages])

    def unit_passages(self, unit: str, *, tenant: str) -> list[Passage]:
        """See Index."""
        return [p for p in self._by_unit.get(unit, ()) if p.tenant in (EVERYBODY, tenant)]

    def nearness(self, texts: Sequence[str], others: Sequence[str]) -> list[list[float]]:
        """See Index. The vectors of other texts are kept: they are passages, and come again and again."""
        found: list[list[float]] = (self._embeddings.rows(list(texts)) @ self._kept_rows(others).T).tolist()
        return found

    def _kept_rows(self, texts: Sequence[str]) -> Any:
        missing = [t for t in dict.fromkeys(texts) if t not in self._rows]
        if missing:
            if len(self._rows) > _KEPT_ROWS:
                self._rows.clear()
            self._rows |= dict(zip(missing, self._embeddings.rows(missing), strict=True))
        return np.array([self._rows[t] for t in texts])

    # --- Classifier and QuestionReader

    def classify(self, text: str) -> Classification:
        """See Classifier."""
        return self._models.classify(text)

    def read_question(self, text: str) -> QuestionView:
        """See QuestionReader."""
        return self._models.read_question(text)

    def distress(self, text: str) -> float:
        """See QuestionReader."""
        return self._distress.probability(text)

    # --- inside

    def _vector(self, query: str) -> list[float]:
        if self.embeddings_name == "builtin":
            row = self._models.representation.dense(self._models.read(query)[0])
        else:
            row = self._models.read(query)[1]
        vector: list[float] = row[0].tolist()
        return vector

    def _search(self, query: str, vector: list[float], tenant: str, limit: int) -> list[Hit]:
        if not tenant:
            raise ValueError("a search needs a tenant")
        tokens = stems(clean(query))
        lexical = self._lexical.get_scores(tokens) if tokens else np.zeros(len(self._order), dtype=np.float32)
        dense: dict[str, float] = {}
        for name in {
            collection_name(self.fingerprint, EVERYBODY),
            collection_name(self.fingerprint, tenant),
        } & self._vectors.names:
            dense |= {m["id"]: s for m, s in self._nearest(name, vector, limit)}
        best = np.argsort(-lexical)[:limit]
        ids = dict.fromkeys([*dense, *(self._order[i] for i in best if lexical[i] > 0)])
        top = float(lexical.max()) or 1.0
        hits = []
        for pid in ids:
            passage = self._passages[pid]
            if passage.tenant not in (EVERYBODY, tenant):
                continue
            words = float(lexical[self._place[pid]])
            meaning = dense.get(pid, 0.0)
            hits.append(Hit(passage, score=meaning + 0.5 * words / top, dense=meaning, lexical=words))
        return sorted(hits, key=lambda h: -h.score)[:limit]

    def _nearest(self, name: str, vector: list[float], limit: int) -> Found:
        if name not in self._vectors.names or not any(vector):
            return []
        return self._vectors.nearest(name, vector, limit)


def _single_stems(text: str) -> frozenset[str]:
    return frozenset(s for s in stems(clean(text)) if " " not in s)


# --- building -----------------------------------------------------------------------------------------------------


def _build(source: IndexSource, place: IndexPlace, folder: Path, progress: Progress) -> None:
    """Build a folder beside the others and rename it when whole; another process may have been quicker."""
    place.root.mkdir(parents=True, exist_ok=True)
    work = place.root / f".building-{folder.name}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    try:
        _fill(source, place, work, folder.name, progress)
        if not (folder / "sealed.json").is_file():
            remove_quietly(folder)  # half a folder is no index
        try:
            work.rename(folder)
        except OSError:
            if not (folder / "sealed.json").is_file():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _drop_old(place.root, keep=folder.name)


def _fill(source: IndexSource, place: IndexPlace, work: Path, mark: str, progress: Progress) -> None:
    work.mkdir(parents=True)
    with open_store(work, place.chroma_url) as client:  # first of all: a server that is away ends it here
        passages = [*source.knowledge.passages(), *source.documents]
        told = source.read_exemplars()
        exemplars = _exemplar_rows(source.knowledge, told)
        progress("Reading the content", 0, 4)
        fitted = Representation().fit([p.text for p in passages] + [t for t, _, _ in exemplars])
        name = embedding.chosen(place.embeddings, place.minilm_dir)
        vectors = _vectors(name, place, fitted, [p.text for p in passages] + [t for t, _, _ in exemplars], progress)
        meaning = _meaning(name, vectors)
        models = TrainedClassifier(fitted, meaning)
        wishes = Wishes.of(passages, fitted, meaning)
        listener = DistressReader(None if name == "builtin" else vectors.rows)
        progress("Learning from the exemplars", 1, 4)
        with ThreadPoolExecutor(max_workers=1) as beside:  # Chroma and the fits leave Python's lock to each other
            placed = beside.submit(_store_vectors, client, vectors, passages, exemplars, mark)
            heard = beside.submit(listener.train, told)
            models.train(source.knowledge, told)
            progress("Placing passages and questions", 2, 4)
            collections = placed.result()
            heard.result()
        with (work / _MODELS).open("wb") as file:
            pickle.dump((models, wishes, listener), file, pickle.HIGHEST_PROTOCOL)
        records = [p.model_dump(mode="json") for p in passages]
        (work / "passages.json").write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
        _seal(work, {"embeddings": name, "collections": collections, "passages": len(passages), "format": FORMAT})
        progress("Ready", 4, 4)


def _load_models(folder: Path) -> tuple[TrainedClassifier, Wishes, DistressReader]:
    """What a build learned. Python's own pickle: joblib's reads a million small objects ten times as slowly."""
    with (folder / _MODELS).open("rb") as file:
        found: tuple[TrainedClassifier, Wishes, DistressReader] = pickle.load(file)  # noqa: S301 - our own, from the data folder
    return found


def _refill(source: IndexSource, place: IndexPlace, folder: Path) -> None:
    """Bring a server the rows that belong to a sealed folder; nothing is learned anew."""
    seal = json.loads((folder / "sealed.json").read_text(encoding="utf-8"))
    models, *_ = _load_models(folder)
    vectors = embedding.make(seal["embeddings"], place.minilm_dir, models.representation)
    passages = [*source.knowledge.passages(), *source.documents]
    with open_store(folder, place.chroma_url) as client:
        _store_vectors(
            client, vectors, passages, _exemplar_rows(source.knowledge, source.read_exemplars()), folder.name
        )


def _vectors(name: str, place: IndexPlace, fitted: Representation, texts: Sequence[str], progress: Progress) -> Any:
    """The embeddings to build with; a model's are slow, so what is needed often is embedded first, and told."""
    made = embedding.make(name, place.minilm_dir, fitted)
    if isinstance(made, embedding.BuiltinEmbeddings):
        return made
    remembering = embedding.Remembering(made)
    for start in range(0, len(texts), _EMBED):
        progress(f"Embedding the content ({start} of {len(texts)} texts)", 0, 4)
        remembering.rows(texts[start : start + _EMBED])
    return remembering


def _meaning(name: str, vectors: Any) -> Callable[[Sequence[str]], Any]:
    """Vectors of meaning, of unit length: the embedding's own, or the table of word vectors beside the built-in one."""
    rows: Callable[[Sequence[str]], Any] = word_vectors.load().rows if name == "builtin" else vectors.rows
    return rows


def _seal(work: Path, seal: dict[str, Any]) -> None:
    with (work / "sealed.json").open("w", encoding="utf-8") as file:
        json.dump(seal, file)
        file.flush()
        os.fsync(file.fileno())


def _exemplar_rows(knowledge: Knowledge, told: Exemplars) -> list[tuple[str, str, str]]:
    """(text, unit, kind) of everything that people say or ask, once each."""
    rows = [(q.question, q.units[0], "question") for q in told.questions]
    rows += [(a, code, "question") for code, part in knowledge.parts.items() for a in part.asks]
    rows += [(a, p.unit, "question") for p in knowledge.passages() for a in p.asks]
    rows += [(m.text, m.primary, "message") for m in told.messages]
    rows += [(u.question, u.reason, "unanswerable") for u in told.unanswerable]
    rows += [(w, code, "words") for code in FRAMEWORK_UNITS for w in knowledge.units[code].everyday_words]
    return list({text: (text, unit, kind) for text, unit, kind in rows}.values())


def _store_vectors(
    client: Any, vectors: Any, passages: Sequence[Passage], exemplars: Sequence[tuple[str, str, str]], mark: str
) -> dict[str, int]:
    counts: dict[str, int] = {}
    for tenant in sorted({EVERYBODY, *(p.tenant for p in passages)}):
        mine = [p for p in passages if p.tenant == tenant]
        texts = [f"{p.title}. {p.heading}. {p.text}" for p in mine]
        metadata = [{"id": p.id, "unit": p.unit, "tenant": p.tenant} for p in mine]
        counts[collection_name(mark, tenant)] = _upsert(client, collection_name(mark, tenant), vectors, texts, metadata)
    texts = [t for t, _, _ in exemplars]
    metadata = [{"id": str(i), "unit": u, "kind": k} for i, (_, u, k) in enumerate(exemplars)]
    counts[collection_name(mark, "exemplars")] = _upsert(
        client, collection_name(mark, "exemplars"), vectors, texts, metadata
    )
    return counts


def _upsert(client: Any, name: str, vectors: Any, texts: list[str], metadata: list[dict[str, Any]]) -> int:
    """Rows of one collection; ids are hashes of place and text, so doing it twice changes nothing."""
    store = client.get_or_create_collection(name, configuration={"hnsw": {"space": METRIC}}, embedding_function=None)
    rows = vectors.rows(texts)
    ids = [hashlib.sha256(f"{m['id']}\0{t}".encode()).hexdigest()[:32] for m, t in zip(metadata, texts, strict=True)]
    for start in range(0, len(texts), _BATCH):
        part = slice(start, start + _BATCH)
        store.upsert(ids=ids[part], embeddings=rows[part], documents=texts[part], metadatas=metadata[part])
    return len(set(ids))


def collection_name(mark: str, tenant: str) -> str:
    """A collection's name: 3 to 63 letters, digits, dots and dashes; workspaces apart by collection, not by filter."""
    return f"{COLLECTION_MARK}{mark}-" + (
        "all" if tenant == EVERYBODY else re.sub(r"[^A-Za-z0-9]", "-", tenant).lower()
    )


def _forget_clients() -> None:
    """Chroma keeps one client a path for the process's life, also one that failed to open; only this drops it."""
    from chromadb.api.shared_system_client import SharedSystemClient  # noqa: PLC0415 - only after damage

    SharedSystemClient.clear_system_cache()


def _lexical(passages: Sequence[Passage]) -> Any:
    index = bm25s.BM25()
    tokens = [stems(clean(f"{p.title} {p.heading} {p.text}")) for p in passages]
    index.index(tokens, show_progress=False)
    return index


def _drop_old(root: Path, keep: str) -> None:
    for left in root.glob(".building-*"):  # of runs that were killed; one under way is younger
        if time.time() - left.stat().st_mtime > _ABANDONED:
            remove_quietly(left)
    sealed = sorted(root.glob("[!.]*/sealed.json"), key=lambda f: f.stat().st_mtime, reverse=True)
    others = [f.parent for f in sealed if f.parent.name != keep]
    for folder in others[_KEEP:]:
        remove_quietly(folder)
