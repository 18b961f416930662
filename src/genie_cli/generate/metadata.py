"""The metadata of image folders, in a form in which the `datasets` library takes them for what they are.

Its reader infers the types of JSON Lines: a class called "2023-05-01" becomes a time, whatever the dataset card says,
and a column that is null in the first 10 MiB becomes one without values. Where that would happen, the metadata are
Parquet, which states its types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import Any, BinaryIO

from genie_cli.generate.card import Feature
from genie_cli.observer import Observer

LINES, TABLE = "metadata.jsonl", "metadata.parquet"
FIRST_PART = 10 << 20  # bytes, from which types are inferred
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T].*)?", re.DOTALL)
_GROUP = 10_000  # rows


def is_like_a_time(text: str | None) -> bool:
    """Whether a text would be taken for a time if the others of its column are like this."""
    return text is not None and _TIME.fullmatch(text) is not None


def can_be_table() -> bool:
    """Whether Parquet can be written: pyarrow comes with `datasets`, which is an extra."""
    return find_spec("pyarrow") is not None


def warn_of_times(labels: Iterable[str], observer: Observer) -> None:
    """Say it if `datasets` would take a class for a time, since its metadata cannot be Parquet here."""
    found = next(filter(is_like_a_time, labels), None)
    if found and not can_be_table():
        observer.warning(
            f"load_dataset would take the class {found!r} for a time: for metadata that keep it text, install pyarrow "
            "(pip install 'genie-cli[export]') and run this again"
        )


def write_table(records: Iterable[Mapping[str, Any]], features: Sequence[Feature], file: BinaryIO) -> None:
    """Write records as Parquet.

    Args:
        features: their columns; that of the label has text, of which the card makes classes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"class_label": pa.string(), "string": pa.string(), "float64": pa.float64(), "int64": pa.int64()}
    schema = pa.schema([(each.name, {**kinds, "bool": pa.bool_()}[each.dtype]) for each in features])
    with pq.ParquetWriter(file, schema) as writer:
        for group in _groups(iter(records)):
            writer.write_table(pa.Table.from_pylist([dict(record) for record in group], schema=schema))


def line_of(record: Mapping[str, Any]) -> str:
    """A record as a line of JSON Lines."""
    return json.dumps(record, ensure_ascii=False) + "\n"


def _groups(records: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    while group := list(islice(records, _GROUP)):
        yield group
