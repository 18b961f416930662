"""Manifests as JSON, and the columns that an oracle adds to them."""

from __future__ import annotations

import json
from typing import Any

Lines = list[dict[str, Any]]


def parsed(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines()]


def said(text: str) -> Lines:
    """The columns of the rows, below the header."""
    return [row["oracle"] for row in parsed(text)[1:]]
