"""Options that take several values."""

from __future__ import annotations


def split(words: list[str] | None) -> list[str] | None:
    """Values given as a,b or repeated."""
    return [part.strip() for word in words for part in word.split(",") if part.strip()] if words else None
