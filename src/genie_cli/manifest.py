"""Plans and manifests: JSON Lines, a header and then one row per job.

A plan's rows say what is to be made; a manifest's rows say what became of it. Rows are flat, so that
`jq 'select(.target == "lynx") | .file'` works. Paths in a row never leave the folder that the header names.

Independent of torch.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genie_cli.errors import ManifestError, UsageError
from genie_cli.files.json_lines import objects, open_lines
from genie_cli.files.reading import is_folder, look, reason
from genie_cli.header import SCHEMA, Header, Kind
from genie_cli.jobs import Job, inside_root
from genie_cli.judgement import COLUMN, Judgement
from genie_cli.selection import SELECTED, Selection


class Status(StrEnum):
    """What became of a job."""

    MADE = "made"
    FAILED = "failed"  # tried, and it did not work; tried again on the next run
    SKIPPED = "skipped"  # not tried, since it makes no sense: a source of the wrong class


Numbered = tuple[int, dict[str, Any]]  # a line's number, from 1, and its content
_in_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class Row:
    """One job and what became of it.

    Attributes:
        file: the image, relative to the manifest's root, and its SHA-256; empty unless made.
        slots: batch size it was made in; exact bytes depend on it.
        reason: why it was not made; empty if it was.
        extra: columns that other commands added, kept as they are; see `judgement` and `selection`.
    """

    job: Job
    status: Status
    file: str = ""
    sha256: str = ""
    slots: int = 0
    reason: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        own = {"status": self.status.value, "file": self.file, "sha256": self.sha256, "slots": self.slots}
        own["reason"] = self.reason
        return _line(self.job, {key: value for key, value in own.items() if value}, self.extra)

    @cached_property
    def judgement(self) -> Judgement | None:
        """What an oracle said of the image; None if none has seen it."""
        said = self.extra.get(COLUMN)
        return None if said is None else Judgement.model_validate(said)

    def judged(self, judgement: Judgement) -> Row:
        """The row with this judgement."""
        return replace(self, extra={**self.extra, COLUMN: judgement.column()})

    @cached_property
    def selection(self) -> Selection | None:
        """Whether `genie select` selected the image; None if it was not asked."""
        said = self.extra.get(SELECTED)
        return None if said is None else Selection.model_validate(said)

    def marked(self, selection: Selection) -> Row:
        """The row with this selection."""
        return replace(self, extra={**self.extra, SELECTED: selection.column()})

    @property
    def is_rejected(self) -> bool:
        """Whether an oracle has seen the image, and did not accept it."""
        return self.judgement is not None and not self.judgement.accepted

    @property
    def is_accepted(self) -> bool:
        """Whether the image is to be used, as no oracle rejected it, and no selection left it out."""
        return not self.is_rejected and (self.selection is None or self.selection.selected)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """Raises ValueError (pydantic's ValidationError is one) for what is not a row."""
        job = Job.model_validate(data)
        if data.get("id", job.id) != job.id:
            raise ValueError(f"id {data['id']} does not belong to this job: the row was edited by hand")
        said = _Outcome.model_validate(data)
        if said.status is Status.MADE or "file" in data:
            inside_root(said.file)
        return cls(
            job=job,
            status=said.status,
            file=said.file,
            sha256=said.sha256,
            slots=said.slots,
            reason=said.reason,
            extra={key: value for key, value in data.items() if key not in _KNOWN_FIELDS},
        )


class _Outcome(BaseModel):
    """The columns of a row, besides its job's."""

    model_config = ConfigDict(strict=True)

    status: Annotated[Status, Field(strict=False)]
    file: str = ""
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    slots: Annotated[int, Field(ge=0)] = 0
    reason: str = ""
    oracle: Judgement | None = None
    select: Selection | None = None


_KNOWN_FIELDS = {"id", *_Outcome.model_fields, *Job.model_fields} - {COLUMN, SELECTED}


def lines_of(header: Header, rows: Iterable[str], count: int | None) -> Iterator[str]:
    """A whole plan or manifest.

    Args:
        rows: its lines, as `plan_line` or `Row.line` makes them.
        count: how many.
    """
    yield header.line(count)
    yield from rows


def plan_line(job: Job) -> str:
    """A job as a row of a plan."""
    return _line(job, {}, {})


def _line(job: Job, own: Mapping[str, Any], extra: Mapping[str, Any]) -> str:
    row = {"id": job.id, **own, **job.model_dump(mode="json"), **extra}
    return _in_json(row) + "\n"


@dataclass(frozen=True)
class Document:
    """An open plan or manifest: its header, and its rows, read as they are asked for.

    Attributes:
        name: what errors call it.
        folder: the folder that it lies in; for standard input the working directory.
    """

    name: str
    header: Header
    _lines: Iterator[Numbered]
    folder: Path = Path()

    @property
    def root(self) -> Path:
        """The folder that the rows' files are relative to; a relative root in the header starts at the folder."""
        return self.folder / (self.header.root or "")

    def require_images(self) -> None:
        """Raise UsageError if the images are probes, which stand for no image of their jobs."""
        if self.header.settings.probe:
            raise UsageError(
                f"{self.name} has probes: previews that --probe made, to choose a noise ratio by",
                "make the images: the same genie generate without --probe, into another --out",
            )

    def jobs(self) -> Iterator[Job]:
        """The jobs, of a plan or of a manifest.

        Raises:
            ManifestError: a line is not a job, or its source's path leaves the root.
        """
        for number, data in self._lines:
            with _blaming(self.name, number):
                job = Job.model_validate(data)
            yield job

    def only(self, ids: Collection[str]) -> Document:
        """The same with these jobs alone; a row without an id is left out."""
        return replace(self, _lines=((number, data) for number, data in self._lines if data.get("id") in ids))

    def rows(self) -> Iterator[Row]:
        """The rows of a manifest; raises ManifestError as `jobs` does."""
        for number, data in self._lines:
            with _blaming(self.name, number):
                row = Row.from_json(data)
            yield row


@contextmanager
def opened(name: str | Path, kind: Kind | None = None) -> Iterator[Document]:
    """A plan or manifest by its path, by the folder of a run, or, as ``"-"``, on standard input.

    Raises:
        ManifestError: it cannot be read, or see `read`.
    """
    path = path_of(name)
    with open_lines(path) as stream:
        label = "standard input" if str(name) == "-" else str(path)
        yield replace(read(stream, label, kind, whole=True), folder=Path() if str(name) == "-" else path.parent)


def path_of(name: str | Path) -> Path:
    """The manifest's own path, where ``name`` may be the folder of a run.

    Raises:
        ManifestError: what is there cannot be found out, or is a folder without a manifest.
    """
    try:
        if str(name) == "-" or not is_folder(name):
            return Path(name)
        path = Path(name) / "manifest.jsonl"
        if not look(path):
            hint = "give a manifest, or the folder of a run (--out) that has ended: genie status says whether it has"
            raise ManifestError(str(name), 0, "has no manifest.jsonl", hint)
    except OSError as error:
        raise ManifestError(str(name), 0, f"cannot be read: {reason(error)}") from None
    return path


class _blaming:  # noqa: N801 - reads as a verb
    """Turns what pydantic says about a line into a ManifestError that names the line."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValidationError):
            problems = "; ".join(dict.fromkeys(_explain(problem) for problem in error.errors()))
            raise ManifestError(self.name, self.number, problems) from None
        if isinstance(error, ValueError):
            raise ManifestError(self.name, self.number, str(error)) from None


def _explain(problem: Any) -> str:
    """One of pydantic's errors in plain words."""
    where = ".".join(map(str, problem["loc"])) or "the row"
    if problem["type"] == "missing":
        return f"{where} is missing"
    if problem["type"] == "value_error":
        return f"{where}: {problem['msg'].removeprefix('Value error, ')}"
    return f"{where} cannot be {json.dumps(problem['input'], default=str)}"


def read(lines: Iterable[str], name: str, kind: Kind | None = None, *, whole: bool = False) -> Document:
    """Read the header of an open file, or of other lines with their line breaks, and prepare to read the rows.

    Args:
        whole: an incomplete last line is an error when it is reached, as are fewer rows than the header says: the file
            was cut off. Otherwise both are passed over: a killed writer leaves them, and the jobs are made again.

    Raises:
        ManifestError: no header, another kind than asked for, or written by a newer genie.
    """
    rows = objects(lines, name, whole)
    first = next(rows, None)
    if first is None:
        raise ManifestError(name, 0, "is empty", "a plan or manifest starts with a header line")
    with _blaming(name, 1):
        if str(first[1].get("kind")).partition(".")[0] != "genie":
            raise ValueError("is not a genie plan or manifest: its first line is not a header")
        if type(found := first[1].get("schema")) is int and found > SCHEMA:
            raise ValueError(f"was written by a newer genie (schema {found}, this one reads {SCHEMA})")
        header = Header.model_validate(first[1])
        if kind and header.kind != kind:
            raise ValueError(f"is a {header.kind}, expected a {kind}")
    return Document(name, header, _counted(rows, name, header.rows) if whole else rows)


def _counted(rows: Iterator[Numbered], name: str, count: int | None) -> Iterator[Numbered]:
    """The rows; at their end it is checked that they are as many as the header says."""
    found = 0
    for row in rows:
        found += 1
        yield row
    if count not in (None, found):
        raise ManifestError(
            name,
            0,
            f"has {found} rows, and its first line says {count}: it was cut off, or edited",
            'make it, or copy it, again; if you took some rows on purpose, take "rows" out of its first line',
        )
