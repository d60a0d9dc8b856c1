"""Fetching the MiniLM model the way Chroma does: its address, its checksum."""

from __future__ import annotations

from pathlib import Path

import httpx
from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

from bot.adapters.embeddings import has_minilm
from bot.core.errors import CoachError

_ARCHIVE_FOLDER = "onnx"  # what Chroma's archive unpacks to


def fetch_minilm(folder: Path) -> None:
    """Put the model's files into `folder`, which has to be named `onnx`. Raises CoachError where it can't be done."""
    if folder.name != _ARCHIVE_FOLDER:
        raise CoachError(f"The model unpacks to a folder named onnx; ISP_COACH_MINILM_DIR names {folder}.")
    model = ONNXMiniLM_L6_V2()
    model.DOWNLOAD_PATH = folder.parent
    try:
        model._download_model_if_not_exists()  # noqa: SLF001 - Chroma fetches at the first embedding only, else
    except (httpx.HTTPError, OSError, ValueError) as error:  # ValueError: the checksum isn't the known one
        raise CoachError(
            "The MiniLM model could not be fetched from here. The coach works without it, on its built-in embeddings. "
            f"Try again where the internet can be reached, or copy model.onnx and tokenizer.json into {folder}."
        ) from error
    if not has_minilm(folder):
        raise CoachError(f"The model was fetched, but its files are not in {folder}.")
