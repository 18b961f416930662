"""Parquet, as the Hub's viewer shows it: images and class labels of the `datasets` library, in shards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from genie_cli.errors import UsageError
from genie_cli.export.croissant import field
from genie_cli.export.form import Content, Form, Json, Linked, Written, groups, shard_names
from genie_cli.export.samples import Sample
from genie_cli.generate.card import Feature
from genie_cli.observer import Observer

INSTALL = "pip install 'genie-cli[export]'"
_NEEDED = ("datasets", "pyarrow")
_MARGIN = 256  # bytes that a row takes beside its image and values


@dataclass(frozen=True)
class Parquet(Form):
    """Parquet files.

    Attributes:
        largest: bytes of a file, at most.
        largest_group: bytes of a row group, at most: what a reader has to load for a single image.
    """

    largest: int = 500_000_000
    largest_group: int = 100_000_000
    data_files = "data/train-*.parquet"

    def check(self, content: Content, observer: Observer) -> None:  # noqa: ARG002
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            raise UsageError(f"--format parquet needs the package {' and '.join(missing)}", f"install it: {INSTALL}")

    def versions(self) -> Mapping[str, str]:
        return {name: version(name) for name in _NEEDED}

    def files(self, content: Content) -> Iterator[Linked | Written]:
        shards = list(groups(content.samples, partial(_weight, content), self.largest))
        for name, samples in zip(shard_names(len(shards), "parquet"), shards, strict=True):
            yield Written(name, len(samples), partial(self._write, content, samples))

    def _write(self, content: Content, samples: list[Sample], file: BinaryIO) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from datasets import ClassLabel, Features, Image, Value

        known = {"image": Image(), "class_label": ClassLabel(names=list(content.classes))}
        columns = {each.name: known.get(each.dtype) or Value(each.dtype) for each in self.features(content)}
        schema = Features(columns).arrow_schema
        numbers = {label: number for number, label in enumerate(content.classes)}
        # As the datasets library writes it: the Hub stores only those chunks anew that differ from an earlier version.
        with pq.ParquetWriter(file, schema, use_content_defined_chunking=True, write_page_index=True) as writer:
            for group in groups(samples, partial(_weight, content), self.largest_group):
                rows = [_row(content, sample, numbers) for sample in group]
                writer.write_table(pa.Table.from_pylist(rows, schema=schema), row_group_size=len(rows))

    def features(self, content: Content) -> tuple[Feature, ...]:
        return (Feature("image", "image", "the image"), *content.features)

    def loading(self, root: Path, content: Content) -> tuple[str, ...]:  # noqa: ARG002
        return (
            f"datasets.load_dataset({str(root)!r}, split='train')",
            f"pandas.read_parquet({str(root / 'data')!r})",
        )

    def croissant(self, digests: Mapping[str, str], content: Content) -> tuple[list[Json], list[Json]]:  # noqa: ARG002
        shards = {"@type": "cr:FileSet", "@id": "shards", "encodingFormat": "application/x-parquet"}
        named = ", ".join(f"{number} {label}" for number, label in enumerate(content.classes))
        as_number = Feature("label", "int64", f"the class, as a number: {named}")
        features = [as_number if each.name == "label" else each for each in self.features(content)]
        fields = [field(each, {"source": _column(each)}) for each in features]
        return [{**shards, "includes": self.data_files}], fields


def _column(feature: Feature) -> Json:
    source: Json = {"fileSet": {"@id": "shards"}, "extract": {"column": feature.name}}
    return source | ({"transform": {"jsonPath": "bytes"}} if feature.dtype == "image" else {})


def _weight(content: Content, sample: Sample) -> int:
    return sample.size + len(json.dumps(content.record(sample))) + _MARGIN


def _row(content: Content, sample: Sample, numbers: Mapping[str, int]) -> Json:
    image = {"bytes": sample.read(), "path": f"{sample.key}.{sample.kind}"}
    return {"image": image, **content.record(sample), "label": numbers[sample.label]}
