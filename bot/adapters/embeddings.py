"""Embeddings by setting: MiniLM's ONNX file kept open and run unpadded, the built-in ones, or a LangChain provider."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings

from bot.adapters.representation import Representation
from bot.core.errors import SettingsError
from bot.core.text import clean

_MINILM_TOKENS = 256  # what the model was trained to read at most


class BuiltinEmbeddings(Embeddings):
    """Latent semantic dimensions of our own content: offline, small, no download."""

    name = "builtin"

    def __init__(self, representation: Representation) -> None:
        self._representation = representation

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of unit length for texts."""
        return self.rows(texts).tolist()  # type: ignore[no-any-return]  # NumPy's tolist is untyped

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text."""
        return self.embed_documents([text])[0]

    def rows(self, texts: Sequence[str]) -> Any:
        """The same as an array, float32."""
        return self._representation.dense(self._representation.sparse(texts))


class MiniLmEmbeddings(Embeddings):
    """all-MiniLM-L6-v2 from the ONNX file that Chroma keeps, opened once, each text at its own length.

    Chroma's own function opens the model at every call and pads to 256 tokens; the vectors are the same.
    """

    name = "minilm"

    def __init__(self, folder: Path) -> None:
        import onnxruntime  # noqa: PLC0415 - heavy, and only where the model is used
        from tokenizers import Tokenizer  # noqa: PLC0415 - likewise

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MINILM_TOKENS)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of unit length for texts."""
        return self.rows(texts).tolist()  # type: ignore[no-any-return]  # NumPy's tolist is untyped

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text."""
        return self.embed_documents([text])[0]

    def rows(self, texts: Sequence[str]) -> Any:
        """The same as an array, float32. Texts of one length run together, so none is padded."""
        encoded = [self._tokenizer.encode(clean(t) or ".").ids for t in texts]
        out = np.zeros((len(encoded), 384), dtype=np.float32)
        by_length: dict[int, list[int]] = {}
        for i, ids in enumerate(encoded):
            by_length.setdefault(len(ids), []).append(i)
        for places in by_length.values():
            for start in range(0, len(places), 64):
                batch = places[start : start + 64]
                out[batch] = self._run(np.array([encoded[i] for i in batch], dtype=np.int64))
        return out

    def _run(self, ids: Any) -> Any:
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = self._session.run(None, inputs)[0].mean(axis=1)
        return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)


class ProviderEmbeddings(Embeddings):
    """Any embedding model that LangChain knows, by `provider:model`."""

    def __init__(self, name: str) -> None:
        from langchain.embeddings import init_embeddings  # noqa: PLC0415 - only where an operator chose one

        self.name = name
        try:
            self._inner: Any = init_embeddings(name)
        except (ImportError, ValueError) as error:
            raise SettingsError(f"The embedding model “{name}” can't be used: is its package installed?") from error

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors for texts, as the provider gives them."""
        vectors: list[list[float]] = self._inner.embed_documents(texts)
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text."""
        vector: list[float] = self._inner.embed_query(text)
        return vector

    def rows(self, texts: Sequence[str]) -> Any:
        """Vectors of unit length as an array, float32."""
        found = np.array(self.embed_documents(list(texts)), dtype=np.float32)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


class Remembering:
    """Rows of an embedding model, each text embedded once: building an index needs most texts several times."""

    def __init__(self, inner: MiniLmEmbeddings | ProviderEmbeddings) -> None:
        self._inner = inner
        self._known: dict[str, Any] = {}

    def rows(self, texts: Sequence[str]) -> Any:
        """See the model: vectors of unit length as an array, float32."""
        missing = list(dict.fromkeys(t for t in texts if t not in self._known))
        if missing:
            self._known |= zip(missing, self._inner.rows(missing), strict=True)
        return np.stack([self._known[t] for t in texts])


CoachEmbeddings = BuiltinEmbeddings | MiniLmEmbeddings | ProviderEmbeddings


def has_minilm(folder: Path) -> bool:
    """True where the model's two files are there."""
    return all((folder / name).is_file() for name in ("model.onnx", "tokenizer.json"))


def chosen(setting: str, minilm_dir: Path) -> str:
    """Which embeddings a setting means on this machine: "builtin", "minilm" or a provider's name."""
    if setting == "auto":
        return "minilm" if has_minilm(minilm_dir) else "builtin"
    if setting == "minilm" and not has_minilm(minilm_dir):
        raise SettingsError(f"The MiniLM model isn't in {minilm_dir}. `isp-coach setup` fetches it; or set auto.")
    return setting


def identity(name: str, minilm_dir: Path) -> str:
    """What the index fingerprint says of an embedding: another model file, another index."""
    if name != "minilm":
        return name
    with (minilm_dir / "model.onnx").open("rb") as file:
        return f"minilm-{hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"


def make(name: str, minilm_dir: Path, representation: Representation) -> CoachEmbeddings:
    """The embeddings by the name that `chosen` gave."""
    if name == "builtin":
        return BuiltinEmbeddings(representation)
    return MiniLmEmbeddings(minilm_dir) if name == "minilm" else ProviderEmbeddings(name)
