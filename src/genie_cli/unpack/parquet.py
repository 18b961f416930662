"""Parquet as the Hub stores sets of images: a column of structs ``bytes, path``, and one of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genie_cli.errors import UsageError
from genie_cli.files.reading import blaming, open_binary, parse_json
from genie_cli.unpack.labels import Names, label_of, numbered
from genie_cli.unpack.packed import Packed, Picture, refused

INSTALL = "pip install 'genie-cli[export]'"
_KIND = "a Parquet file"
_IMAGES = ("image", "img", "jpg", "png", "webp")
_LABELS = ("label", "labels", "fine_label", "class", "class_name", "category", "target")
_ROWS = 32  # that are in memory at a time
_LARGEST = 1 << 32  # bytes of the columns of a row group


def read(path: Path, asked: str | None) -> Packed:
    """Read the image and label columns of a Parquet file.

    Raises:
        UsageError: it is damaged, has no such columns, or pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise UsageError(f"{path} is Parquet, and reading that needs the package pyarrow", f"install it: {INSTALL}")
    import pyarrow.parquet as pq

    with blaming(path, refused, _KIND), open_binary(path) as file, pq.ParquetFile(file) as parquet:
        schema = parquet.schema_arrow
        features = _features(schema.metadata or {})
        image, label = _image(path, schema, features), _label(path, schema, asked)
        for group in range(parquet.metadata.num_row_groups):
            size = parquet.metadata.row_group(group).total_byte_size
            if not 0 <= size <= _LARGEST:
                raise ValueError(f"a row group of {size:,} bytes")
        total = parquet.metadata.num_rows
        names = _class_names(features.get(label))
    return Packed(_pictures(path, image, label, names), total, f"columns {image} and {label}")


def _pictures(path: Path, image: str, label: str, names: Names) -> Iterator[Picture]:
    import pyarrow.parquet as pq

    number = 0
    with blaming(path, refused, _KIND), open_binary(path) as file, pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(batch_size=_ROWS, columns=[image, label]):
            images, labels = batch.column(image).to_pylist(), batch.column(label).to_pylist()
            for value, known in zip(images, labels, strict=True):
                data = value.get("bytes") if isinstance(value, dict) else value
                if data is None:
                    raise ValueError(f"row {number} has no bytes of an image, but at most the path of one")
                yield Picture(label_of(known, names), data, f"row {number}")
                number += 1


def _features(metadata: Mapping[bytes, bytes]) -> Mapping[str, Any]:
    """What the datasets library has noted about the columns; empty if it has not."""
    try:
        found = parse_json(metadata.get(b"huggingface", b"{}").decode())["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _class_names(feature: Any) -> Names:
    names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
    return numbered(names) if isinstance(names, list) else {}


def _image(path: Path, schema: Any, features: Mapping[str, Any]) -> str:
    import pyarrow as pa

    def is_bytes(kind: Any) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    def is_image(field: Any) -> bool:
        if pa.types.is_struct(field.type):
            place = field.type.get_field_index("bytes")
            return place >= 0 and is_bytes(field.type.field(place).type)
        noted = features.get(field.name)
        is_noted = isinstance(noted, dict) and noted.get("_type") == "Image"
        return is_bytes(field.type) and (is_noted or field.name in _IMAGES)

    found = [field.name for field in schema if is_image(field)]
    known = next((name for name in _IMAGES if name in found), "")
    if not known and len(found) != 1:
        what = "several columns of images, and none is called image" if found else "no column of images"
        raise refused(f"{path} has {what}; it has {_columns(schema)}")
    return known or found[0]


def _label(path: Path, schema: Any, asked: str | None) -> str:
    known = next((name for name in ((asked,) if asked else _LABELS) if name in schema.names), "")
    if not known:
        what = (
            f"no column {asked!r}" if asked else f"none of the columns of labels that are known ({', '.join(_LABELS)})"
        )
        raise refused(f"{path} has {what}; it has {_columns(schema)}", "name the column of labels: --label COLUMN")
    return known


def _columns(schema: Any) -> str:
    from genie_cli.errors import shorten

    return shorten([f"{field.name} ({str(field.type)[:60]})" for field in schema], 12) or "no columns"
