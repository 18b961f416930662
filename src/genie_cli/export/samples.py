"""What is exported: the accepted images of a manifest, and photos of one's own."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from genie_cli import provenance
from genie_cli.config import Format
from genie_cli.data import images
from genie_cli.data.folder import list_sources
from genie_cli.data.listing import counted
from genie_cli.errors import FolderError, ImageError, ManifestError, did_you_mean, shorten
from genie_cli.export import columns
from genie_cli.files.reading import look, open_binary, reason
from genie_cli.generate.command import command_for
from genie_cli.jobs import Job, Source
from genie_cli.manifest import Document, Row, Status
from genie_cli.observer import Observer
from genie_cli.oracle.manifests import tell_unfinished
from genie_cli.oracle.verdict import Verdict

_KEY = 20  # hexadecimal digits, as many as a job's id has
_SHORTER = 64  # pixels: a large JPEG is checked at reduced size
_HEAD = 16  # bytes that say what kind of image it is
_BATCH = 4096
_ALIKE = 0.75  # of two names of classes
_KINDS = ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG", "png"), (b"RIFF", "webp"), (b"BM", "bmp"), (b"GIF8", "gif"))
_TIFF = (b"II*\0", b"MM\0*")
_AVIF = b"ftyp"  # from the fifth byte on
_GENERATED = frozenset(kind.value for kind in Format)


@dataclass(frozen=True)
class Sample:
    """One image of the set.

    Attributes:
        key: 20 hexadecimal digits: the job's id, or the start of a photo's SHA-256.
        label: its class.
        path: where it lies now.
        size: in bytes.
        kind: of file, as an extension: ``jpg``.
        job: what it was made for; None: it is a photo.
        source: where the photo lies that it was made from; None if there is none, or it is not there.
        columns: what is known of it, by column; see `columns`.
    """

    key: str
    label: str
    path: Path
    sha256: str
    size: int
    kind: str
    job: Job | None = None
    source: Path | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def read(self) -> bytes:
        """The file's bytes; ImageError if it is missing or has changed."""
        data = images.read_file(self.path)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ImageError(self.path, "has changed: its content is not what it was", "delete it, and make it again")
        return data


def collect(document: Document, photos: Path | None, observer: Observer) -> list[Sample]:
    """The images to export, in the order of their keys: a shuffle that is always the same, since keys are hashes.

    Args:
        photos: folder of one's own photos, one subfolder per class.
        observer: is told what is left out: rejected and repeated images, photos that are broken or in two classes.

    Raises:
        ManifestError: a line is not a row, or no image was made, accepted and selected.
        ImageError: a generated image is missing.
        FolderError: ``photos`` is not a folder of class folders.
    """
    found = list(_generated(document, observer))
    if not found:
        hint = "genie status, genie oracle and genie select say what became of its images"
        raise ManifestError(document.name, 0, "lists no image that was made, accepted and selected", hint)
    tell_unfinished(document.root, observer)
    _warn(found, "-" if document.name == "standard input" else document.name, observer)
    if photos:
        own = _own(photos, observer)
        _tell_classes(found, own, observer)
        found += own
    return sorted(_without_repeats(found, observer), key=lambda sample: sample.key)


def _generated(document: Document, observer: Observer) -> Iterator[Sample]:
    root, rejected, unselected = document.root, 0, 0
    source_root = Path(document.header.source_root) if document.header.source_root else None
    again = command_for(document)
    for row in document.rows():
        if row.status is not Status.MADE:
            continue
        if row.is_rejected:
            rejected += 1
            continue
        if not row.is_accepted:
            unselected += 1
            continue
        yield _of_row(row, root / row.file, _source(row, source_root), again, document.name)
    if rejected:
        observer.found(f"{counted(rejected, 'image')} rejected by genie oracle: left out")
    if unselected:
        observer.found(f"{counted(unselected, 'image')} not selected by genie select: left out")


def _warn(generated: Sequence[Sample], name: str, observer: Observer) -> None:
    """Tell what a person would not want in a data set without knowing it: labels that are wrong, or not checked."""
    number = counted(len(generated), "image")
    if wrong := sum(sample.columns.get("verdict") == Verdict.MISLABELLED for sample in generated):
        names = ",".join(verdict.partition(" ")[0] for verdict in Verdict if verdict is not Verdict.MISLABELLED)
        observer.warning(
            f"{wrong} of the {number} are mislabelled, as genie oracle says, and are exported, too; "
            f"genie select leaves them out with --verdict {names}"
        )
    if unknown := sum("oracle" not in sample.columns for sample in generated):
        observer.warning(
            f"{unknown} of the {number} were not judged, so mislabelled ones may be among them; "
            f"to judge them: genie oracle {shlex.quote(name)} --out judged.jsonl"
        )


def _tell_classes(generated: Sequence[Sample], own: Sequence[Sample], observer: Observer) -> None:
    """A class that has no photos may be spelled otherwise there."""
    known = sorted({sample.label for sample in own})
    if lacking := sorted({sample.label for sample in generated} - set(known)):
        near = next((f" ({label!r}{near})" for label in lacking if (near := did_you_mean(label, known, _ALIKE))), "")
        observer.found(f"generated images, but no photos, of {shorten(lacking)}{near}")


def _of_row(row: Row, path: Path, source: Path | None, again: str, name: str) -> Sample:
    if not row.sha256:
        raise ManifestError(name, 0, f"the row of {row.file} has no sha256")
    kind = path.suffix.removeprefix(".").lower()
    if kind not in _GENERATED:
        raise ImageError(path, f"is not a file that genie generates: {', '.join(sorted(_GENERATED))}")
    size = _size(path, f"make it again: {again}")
    return Sample(row.job.id, row.job.target, path, row.sha256, size, kind, row.job, source, columns.of_row(row))


def _source(row: Row, root: Path | None) -> Path | None:
    if root is None or row.job.source is None:
        return None
    path = root / row.job.source.path
    try:
        return path if look(path) else None
    except OSError:
        return None


def _size(path: Path, hint: str) -> int:
    try:
        found = look(path)
    except OSError as error:
        raise ImageError(path, f"cannot be read: {reason(error)}") from None
    if found is None:
        raise ImageError(path, "does not exist", hint)
    return found.st_size


def _own(root: Path, observer: Observer) -> list[Sample]:
    """The photos of a folder that can be decoded; those that genie made belong to a manifest, and are left out."""
    try:
        sources = list_sources(root, observer=observer)
    except FolderError as error:
        hint = "export needs a subfolder per class" if "--src-label" in error.hint else error.hint
        raise FolderError(error.lines, hint) from None
    kept: list[Sample] = []
    left_out: list[str] = []
    with observer.progress("photos looked at", len(sources)) as progress, ThreadPoolExecutor() as pool:
        for start in range(0, len(sources), _BATCH):
            batch = sources[start : start + _BATCH]
            for source, kind in zip(batch, pool.map(lambda one: _kind(root / one.path, one), batch), strict=True):
                if isinstance(kind, ImageError):
                    left_out.append(f"{source.path} {kind.reason}")
                else:
                    kept.append(_photo(root, source, kind))
                progress.advance()
    observer.left_out(left_out)
    return kept


def _kind(path: Path, source: Source) -> str | ImageError:
    """What kind of image a photo is, whatever its name says; or why it is not exported."""
    try:
        images.read(path, source.sha256, _SHORTER)
        if _is_generated(path):
            return ImageError(path, "was made by genie: export its manifest")
        with open_binary(path) as file:
            head = file.read(_HEAD)
    except ImageError as error:
        return error
    except OSError as error:
        return ImageError(path, f"cannot be read: {reason(error)}")
    if head.startswith(_TIFF):
        return "tif"
    if head[4:8] == _AVIF:
        return "avif"
    return next((kind for start, kind in _KINDS if head.startswith(start)), "ppm")


def _is_generated(path: Path) -> bool:
    try:
        provenance.read(path)
    except ImageError:
        return False
    return True


def _photo(root: Path, source: Source, kind: str) -> Sample:
    path = root / source.path
    known = columns.of_photo(source)
    return Sample(source.sha256[:_KEY], source.label, path, source.sha256, path.stat().st_size, kind, columns=known)


def _without_repeats(found: Iterable[Sample], observer: Observer) -> list[Sample]:
    """Of files with the same content the first, unless they are of different classes: then none."""
    by_content: dict[str, list[Sample]] = {}
    for sample in found:
        by_content.setdefault(sample.sha256, []).append(sample)
    torn = [same for same in by_content.values() if len({sample.label for sample in same}) > 1]
    kept = [same[0] for same in by_content.values() if len({sample.label for sample in same}) == 1]
    observer.left_out([_of_two_classes(same) for same in torn])
    repeated = sum(map(len, by_content.values())) - len(kept) - sum(map(len, torn))
    if repeated:
        observer.found(f"{counted(repeated, 'image')} with the same content and class as another: exported once")
    _require_different_keys(kept)
    return kept


def _of_two_classes(same: Sequence[Sample]) -> str:
    where = [PurePosixPath(sample.columns.get("photo") or sample.path).as_posix() for sample in same]
    return f"{where[0]} is in several classes: {', '.join(sorted({sample.label for sample in same}))}"


def _require_different_keys(kept: Iterable[Sample]) -> None:
    known: dict[str, Sample] = {}
    for sample in kept:
        other = known.setdefault(sample.key, sample)
        if other is not sample:
            raise ImageError(sample.path, f"and {other.path} are two images of one job", "leave one row out")
