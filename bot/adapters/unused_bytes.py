"""Chroma's vector files without what its memory held before.

It writes the buffers of a small collection out whole when it opens it, parts that hold no vector yet included, and
those are as the allocator gave them: sentences of documents that had been removed came to stand in the files of an
index that never held them. So what no vector uses is overwritten with zeros.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import structlog

log = structlog.get_logger()

_HEADER = struct.Struct("<i4Q")  # version, offset, room for so many vectors, vectors, bytes a vector
_VERSION = 1
_LENGTH = 4  # bytes a vector in length.bin


class _Shape(NamedTuple):
    room: int
    used: int
    size: int


def clear_unused(folder: Path) -> int:
    """Overwrite what no vector uses in all vector files below a folder; how many bytes. One missing is no error."""
    return sum(_clear(header.parent) for header in folder.glob("**/header.bin"))


def _clear(segment: Path) -> int:
    try:
        shape = _shape((segment / "header.bin").read_bytes())
        if shape is None:
            log.warning("chroma.unknown_layout")
            return 0
        return _zero(segment / "data_level0.bin", shape.used * shape.size) + _zero(
            segment / "length.bin", shape.used * _LENGTH
        )
    except FileNotFoundError:  # removed meanwhile
        return 0


def _shape(header: bytes) -> _Shape | None:
    if len(header) < _HEADER.size:
        return None
    version, _, room, used, size = _HEADER.unpack(header[: _HEADER.size])
    return _Shape(room, used, size) if version == _VERSION and used <= room and size > 0 else None


def _zero(path: Path, start: int) -> int:
    """Zeros from a byte on, to the end, where anything else stands there."""
    with path.open("r+b") as file:
        file.seek(start)
        rest = file.read()
        if not rest.strip(b"\0"):
            return 0
        file.seek(start)
        file.write(bytes(len(rest)))
    return len(rest)
