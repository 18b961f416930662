"""Plans and manifests: JSON Lines, a header and then one row per job.

A plan's rows say what is to be made; a manifest's rows say what became of it. Rows are flat, so that
`jq 'select(.target == "lynx") | .file'` works. Paths in a row never leave the folder that the header names.

Independent of torch.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from genie_cli.errors import ManifestError
from genie_cli.header import SCHEMA, Header, Kind
from genie_cli.jobs import Job, RelativePath


class Status(StrEnum):
    """What became of a job."""

    MADE = "made"
    FAILED = "failed"  # tried, and it did not work; tried again on the next run
    SKIPPED = "skipped"  # not tried, since it makes no sense: a source of the wrong class


_FILE: TypeAdapter[str] = TypeAdapter(RelativePath)
_SLOTS: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0)])
_BLOCK = 1 << 16  # bytes; a journal may be larger than memory
_CUT_OFF = ("its last line is incomplete: the file was cut off", "make it, or copy it, again")
_KNOWN_FIELDS = {"id", "status", "file", "sha256", "slots", "reason", *Job.model_fields}
_in_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class Row:
    """One job and what became of it.

    Attributes:
        file: the image, relative to the manifest's root, and its SHA-256; empty unless made.
        slots: batch size it was made in; exact bytes depend on it.
        reason: why it was not made; empty if it was.
        extra: columns that other commands added, kept as they are.
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

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """Raises ValueError (pydantic's ValidationError is one) for what is not a row."""
        job = Job.model_validate(data)
        if data.get("id", job.id) != job.id:
            raise ValueError(f"id {data['id']} does not belong to this job: the row was edited by hand")
        status = Status(str(data.get("status")))
        if status is Status.MADE or "file" in data:
            _FILE.validate_python(data.get("file", ""))
        return cls(
            job=job,
            status=status,
            file=str(data.get("file", "")),
            sha256=str(data.get("sha256", "")),
            slots=_SLOTS.validate_python(data.get("slots", 0)),
            reason=str(data.get("reason", "")),
            extra={key: value for key, value in data.items() if key not in _KNOWN_FIELDS},
        )


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
    _lines: Iterator[tuple[int, dict[str, Any]]]
    folder: Path = Path()

    @property
    def root(self) -> Path:
        """The folder that the rows' files are relative to; a relative root in the header starts at the folder."""
        return self.folder / (self.header.root or "")

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
    with open_lines(name) as stream:
        path = path_of(name)
        label = "standard input" if str(name) == "-" else str(path)
        yield replace(read(stream, label, kind, whole=True), folder=Path() if str(name) == "-" else path.parent)


@contextmanager
def open_lines(name: str | Path) -> Iterator[TextIO]:
    """The lines of a file, or of standard input for ``"-"``; ManifestError if it cannot be opened."""
    try:
        stream = sys.stdin if str(name) == "-" else path_of(name).open(encoding="utf-8")
    except FileNotFoundError:
        missing = "has no manifest.jsonl" if os.path.isdir(name) else "does not exist"
        raise ManifestError(str(name), 0, missing, "give a manifest, or the folder of a run (--out)") from None
    except OSError as error:
        raise ManifestError(str(name), 0, f"cannot be read: {error.strerror}") from None
    # Not around what is done with the lines: writing them to a closed pipe, for example, is no fault of this file.
    with nullcontext(stream) if stream is sys.stdin else stream:
        yield stream


def path_of(name: str | Path) -> Path:
    """The manifest's own path, where ``name`` may be the folder of a run."""
    path = Path(name)
    return path / "manifest.jsonl" if os.path.isdir(path) else path


def is_pipe(name: str | Path) -> bool:
    """Whether it can be read only once: standard input ("-"), or a pipe such as a shell's <(...)."""
    with suppress(OSError):  # opening it will say why
        return str(name) == "-" or Path(name).is_fifo()
    return False


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
        whole: an incomplete last line is an error when it is reached: the file was cut off. Otherwise it is passed
            over: a killed writer leaves one in a journal, and its job is made again.

    Raises:
        ManifestError: no header, another kind than asked for, or written by a newer genie.
    """
    objects = _objects(lines, name, whole)
    first = next(objects, None)
    if first is None:
        raise ManifestError(name, 0, "is empty", "a plan or manifest starts with a header line")
    with _blaming(name, 1):
        if str(first[1].get("kind")).partition(".")[0] != "genie":
            raise ValueError("is not a genie plan or manifest: its first line is not a header")
        if isinstance(found := first[1].get("schema"), int) and found > SCHEMA:
            raise ValueError(f"was written by a newer genie (schema {found}, this one reads {SCHEMA})")
        header = Header.model_validate(first[1])
        if kind and header.kind != kind:
            raise ValueError(f"is a {header.kind}, expected a {kind}")
    return Document(name, header, objects)


def _objects(lines: Iterable[str], name: str, whole: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _numbered(lines, name, whole):
        if not line.strip():
            continue
        try:
            data = from_json(line)
        except ValueError as error:
            if not line.endswith("\n"):
                if whole:
                    raise ManifestError(name, number, *_CUT_OFF) from None
                return
            raise ManifestError(name, number, f"is not JSON: {error}") from None
        if not isinstance(data, dict):
            raise ManifestError(name, number, "is not a JSON object")
        yield number, data


def _numbered(lines: Iterable[str], name: str, whole: bool) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; what is left of a character that was cut in two counts as an incomplete line."""
    try:
        yield from enumerate(lines, start=1)
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            raise ManifestError(name, 0, "is not UTF-8 text") from None
        if whole:
            raise ManifestError(name, 0, *_CUT_OFF) from None
    except OSError as error:
        raise ManifestError(name, 0, f"cannot be read: {error.strerror}") from None


def drop_torn_line(path: Path) -> None:
    """Remove an incomplete last line from a journal, so that the next row starts on a new line."""
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _BLOCK)
            file.seek(start)
            if (found := file.read(end - start).rfind(b"\n")) >= 0:
                end = start + found + 1
                break
            end = start
        file.truncate(end)
