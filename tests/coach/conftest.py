"""The fixtures of one real index, shared by every test that needs it."""

from tests.coachkit import coach, index, knowledge, place, source, wording

__all__ = ["coach", "index", "knowledge", "place", "source", "wording"]
