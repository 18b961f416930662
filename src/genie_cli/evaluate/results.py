"""Results as records: JSON Lines and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from pydantic import BaseModel


def lines(records: Sequence[BaseModel]) -> str:
    """JSON Lines."""
    return "".join(record.model_dump_json() + "\n" for record in records)


def comma_separated(kind: type[BaseModel], records: Sequence[BaseModel]) -> str:
    """CSV with a header; the records are of one kind."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(kind.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(record.model_dump() for record in records)
    return text.getvalue()
