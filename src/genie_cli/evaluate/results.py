"""Results as records, and as files that are recognized as genie's.

    out/results.jsonl           one record per line
    out/results.csv             the same records
    out/comparisons.jsonl, .csv     paired differences, likewise
    out/.genie/results.json     the SHA-256 of every results file that genie has written, or was about to write

The hash is listed before the file is written, so that a run that is killed in between can be repeated. A file whose
hash is not listed was written or edited by a person or another program, and is never replaced.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from genie_cli.errors import OutputError
from genie_cli.files.cells import escape_cell
from genie_cli.files.folders import make_own_folder, require_own_folder
from genie_cli.files.reading import look, open_binary, reason, sha256_of
from genie_cli.files.writing import write_atomically

RESULTS, COMPARISONS = "results", "comparisons"  # stems of the files of records, and of those of paired differences
RECORD_FILES, COMPARISON_FILES = ((f"{stem}.jsonl", f"{stem}.csv") for stem in (RESULTS, COMPARISONS))
_MAX_BYTES = 1 << 26  # of the marker, which gets some hundred bytes longer with each run
_LARGEST = 1 << 30  # of a results file; a larger one is not genie's, and would be read for minutes
_HINT = "choose another --out, or move the file away and run the same command again"


class _Marker(BaseModel):
    """The content of the marker: the hashes of each file that genie has written, by its name."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    kind: Literal["genie.results"] = "genie.results"
    files: dict[str, list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]]


def lines(records: Sequence[Any]) -> str:
    """Records, which are pydantic dataclasses, as JSON Lines."""
    return "".join(TypeAdapter(type(record)).dump_json(record).decode() + "\n" for record in records)


def comma_separated(kind: type[Any], records: Sequence[Any]) -> str:
    """Records as CSV with a header line; text that a spreadsheet would take for a formula is escaped.

    Args:
        kind: the dataclass of the records.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(kind)], lineterminator="\n")
    writer.writeheader()
    for record in records:
        cells = asdict(record).items()
        writer.writerow({name: escape_cell(cell) if isinstance(cell, str) else cell for name, cell in cells})
    return text.getvalue()


def files_of(kind: type[Any], records: Sequence[Any], stem: str = RESULTS) -> dict[str, str]:
    """The files of records, ``stem.jsonl`` and ``stem.csv``: name to text."""
    return {f"{stem}.jsonl": lines(records), f"{stem}.csv": comma_separated(kind, records)}


def require_own(out: Path, texts: Mapping[str, str | None]) -> None:
    """Check, before hours of work, that no file would be replaced that is not genie's.

    Args:
        out: the folder of the results; need not exist.
        texts: names of the files that will be written there, with their contents where these are known already. A
            file that has that content already is accepted, even if genie did not write it.

    Raises:
        OutputError: a file was not written by genie, or has been edited since; or it is a link, or cannot be read.
    """
    require_own_folder(_marker(out).parent)
    listed = _listed(out)
    for name, text in texts.items():
        found = _hash_of(out / name)
        if found and found not in listed.get(name, ()) and (text is None or found != _sha256(text)):
            raise OutputError(f"{out / name} was not written by genie, or has been edited since", _HINT)


def write(out: Path, texts: Mapping[str, str]) -> None:
    """Write results files, each completely or not at all; the folder is created if need be.

    Args:
        texts: file names to contents.

    Raises:
        OutputError: see `require_own`; or the folder cannot be written.
    """
    require_own(out, texts)
    listed = {name: list(hashes) for name, hashes in _listed(out).items()}
    for name, text in texts.items():
        hashes = listed.setdefault(name, [])
        if _sha256(text) not in hashes:
            hashes.append(_sha256(text))
    make_own_folder(_marker(out).parent)
    content = _Marker(files=listed).model_dump_json(indent=1) + "\n"
    write_atomically(_marker(out), content.encode(), follow=False)
    for name, text in texts.items():
        write_atomically(out / name, text.encode(), follow=False)


def _marker(out: Path) -> Path:
    return out / ".genie" / "results.json"


def _listed(out: Path) -> dict[str, list[str]]:
    """The hashes in the folder's marker by file name; none if there is no marker."""
    marker = _marker(out)
    try:
        with open_binary(marker, follow=False) as file:
            content = file.read(_MAX_BYTES)
        return _Marker.model_validate_json(content).files
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise OutputError(f"{marker} cannot be read: {reason(error)}", _HINT) from None
    except ValueError:  # pydantic's, too
        raise OutputError(f"{marker} is not a list of genie's results files", _HINT) from None


def _hash_of(path: Path) -> str:
    """The SHA-256 of a file; empty if there is none, and no hash if it is larger than any that genie writes."""
    try:
        found = look(path)
        if found and found.st_size > _LARGEST:
            return "too large"
        return sha256_of(path, follow=False)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {reason(error)}", _HINT) from None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
