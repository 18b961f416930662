"""Reads an image folder: ``root/<class>/**/<image>``, or a folder of one class.

Files are hashed, not decoded: a broken image fails later, when its jobs run, with a reason. Links are followed, as
other readers of image folders do. Nothing is written.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shlex
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from genie_cli.data.class_words import names_of
from genie_cli.data.dataset import Dataset
from genie_cli.data.images import IMAGE_SUFFIXES, how_to_convert
from genie_cli.data.listing import ARCHIVES, counted
from genie_cli.data.split_folders import odd_classes, require_class_folders
from genie_cli.errors import FolderError
from genie_cli.files.reading import MAX_BYTES, is_text, look, open_binary, reason
from genie_cli.jobs import Source, inside_root
from genie_cli.observer import Observer

HOW_TO_GET = "folder is your own data: a folder with a subfolder of images per class"

_NOT_AN_IMAGE = "does not have the extension of an image file"
_BESIDE = "lies beside the class folders"
_NOT_UTF8 = "has a name that is not valid UTF-8"
_LIKE_A_DRIVE = "has a path that Windows would take for a drive"
_NOT_A_FILE = "is not a regular file"
_BROKEN_LINK = "is a broken link, or has gone"
_LOOP = "is a link that leads back to itself"

_TOO_LARGE = f"has more than {MAX_BYTES:,} bytes"

_LINKED_TOO_OFTEN = "is a folder that too many links lead to"

# A dozen folders, each with a link to each of the others, have a thousand million paths.
_MOST_VISITS = 10_000

_CHUNK = 1 << 20  # bytes
_BATCH = 4096  # files handed to the threads at once: a million waiting futures would take gigabytes

_Identity = tuple[int, int]  # device and inode


@dataclass(frozen=True)
class Listing:
    """The images of a folder, and what was left out.

    Attributes:
        sources: sorted by path; paths are relative to the root, POSIX, and spelled as on disk.
        ignored: relative POSIX path, always printable, and reason, sorted by path. Hidden files and folders are not
            mentioned.
    """

    sources: tuple[Source, ...]
    ignored: tuple[tuple[str, str], ...]


def read(root: Path, *, observer: Observer | None = None) -> Dataset:
    """Read the images that `list_sources` finds; they are both the training and the test split."""
    images = list_sources(root, observer=observer)
    return Dataset(root, images, images, names_of(source.label for source in images))


def scan(root: Path, label: str | None = None, observer: Observer | None = None) -> Listing:
    """Find the images below ``root`` and hash them.

    Args:
        root: holds one folder per class, with images at any depth below it. Images beside these are ignored.
        label: the class of every image below ``root``, in any folder; None: the folders are the classes.
        observer: is told how far it is.

    A class is its folder's name, or ``label``, in Unicode's form NFC: file systems differ in how they spell "é".

    Raises:
        FolderError: ``root`` is not a readable folder, has no usable images, or, without a ``label``, has no image in
            a class folder, or has subfolders that are not classes: see `require_class_folders`.
    """
    images, ignored = _find_classes(root, label)
    sources, unusable = hashed(root, images, observer)
    ignored = sorted([*ignored, *unusable])
    if not sources:
        raise _no_images(root, ignored)
    return Listing(tuple(sorted(sources, key=lambda source: source.path)), tuple(ignored))


def list_sources(root: Path, label: str | None = None, observer: Observer | None = None) -> tuple[Source, ...]:
    """List the images that `scan` finds, and tell an observer what was left out or may be a mistake."""
    observer = observer or Observer()
    listing = scan(root, label, observer)
    if label is None and (warning := odd_classes(root, [source.path for source in listing.sources])):
        observer.warning(warning)
    if label is not None and any("/" in source.path for source in listing.sources):
        observer.found(f"--src-label: images in subfolders count as {label!r}, too")
    observer.left_out([f"{path} {reason}" for path, reason in listing.ignored])
    return listing.sources


def class_names(root: Path, label: str | None = None) -> list[str]:
    """The classes of the images below ``root``, sorted; no image is opened. Arguments and errors as `scan`."""
    return sorted({name for _, name in _find_classes(root, label)[0]})


def _find_classes(root: Path, label: str | None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """`find`, where the subfolders must be classes unless all images are of one."""
    images, ignored = find(root, label)
    if label is None:
        require_class_folders(root, [path for path, _ in images])
    return images, ignored


def find(root: Path, label: str | None = None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """List the images below ``root`` without opening them: (path, class), and what was left out: (path, reason).

    Both lists are in no particular order, and paths are relative to ``root``; those of what was left out are for
    messages, and always printable. Arguments are those of `scan`.

    Raises:
        FolderError: ``root`` is not a readable folder, or, without a ``label``, has images but none in a folder.
    """
    require_folder(root)
    found = list(_files(root))
    images = [path for path, why in found if not why]
    ignored = [(path, why) for path, why in found if why]
    if label is None:
        beside = [path for path in images if "/" not in path]
        images = [path for path in images if "/" in path]
        if beside and not images:
            above = root.absolute().parent if root.name in ("", "..") else root.parent
            raise FolderError(
                f"{root} has {counted(len(beside), 'image')}, but none in a class folder",
                [
                    f"if {root.absolute().name!r} is their class, give the folder above: {shlex.quote(str(above))}",
                    "or, for genie generate, give their class: --src-label NAME",
                ],
            )
        ignored += [(path, _BESIDE) for path in beside]
    own = [path.split("/")[0] if label is None else label for path in images]
    return [(path, unicodedata.normalize("NFC", name)) for path, name in zip(images, own, strict=True)], [
        (_printable(path), why) for path, why in ignored
    ]


def hashed(
    root: Path, images: Sequence[tuple[str, str]], observer: Observer | None = None
) -> tuple[list[Source], list[tuple[str, str]]]:
    """Hash ``images``, (path below ``root``, class): sources in the same order; unreadable files as `find` does."""
    sources, unusable = [], []
    digests = _hash_all(root, [path for path, _ in images])
    with (observer or Observer()).progress("images read", len(images)) as progress:
        for (path, label), (digest, why) in zip(images, digests, strict=True):
            if why:
                unusable.append((_printable(path), why))
            else:
                sources.append(Source(path=path, sha256=digest, label=label))
            progress.advance()
    return sources, unusable


def require_folder(root: Path) -> None:
    """Raise FolderError unless ``root`` is a folder that can be read and searched."""
    try:
        if not (there := look(root)):
            raise FolderError(f"{root} does not exist", "check the spelling of the path")
        if not stat.S_ISDIR(there.st_mode):
            is_archive = root.name.lower().endswith(ARCHIVES)
            hint = "unpack it, and give the folder" if is_archive else f"give its folder: {root.parent}"
            raise FolderError(f"{root} is a file, not a folder", hint)
        with os.scandir(root):
            pass
        os.stat(os.path.join(root, "."))  # a folder may be readable, so that its names are known, but closed
    except OSError as error:
        raise FolderError(f"{root} {_reason(error)}", "check that you may read and search it") from error


def _files(root: Path) -> Iterator[tuple[str, str]]:
    """All files below ``root`` that are not hidden, in no order: relative POSIX path, and "" or why it is no image.

    A folder is among them only if it cannot be read.
    """
    # Each folder waits with its own identity and those above it: a link may lead to a folder that is read elsewhere,
    # but not to one above itself. (With one set for the whole walk, the order would decide which path is kept.)
    waiting: list[tuple[str, frozenset[_Identity]]] = [("", frozenset([_identity(os.stat(root))]))]
    visits: Counter[_Identity] = Counter()
    while waiting:
        folder, within = waiting.pop()
        try:
            names = sorted(os.listdir(os.path.join(root, folder)))
        except OSError as error:
            yield folder, _reason(error)
            continue
        for name in names:
            path = f"{folder}/{name}" if folder else name
            if name.startswith("."):
                continue
            if not is_text(name):
                yield os.fsencode(path).decode("utf-8", "backslashreplace"), _NOT_UTF8
                continue
            inner, why = _look(root, path, within)
            if inner and visits[inner] < _MOST_VISITS:
                visits[inner] += 1
                waiting.append((path, within | {inner}))
            elif inner:
                yield path, _LINKED_TOO_OFTEN
            else:
                yield path, why


def _look(root: Path, path: str, within: frozenset[_Identity]) -> tuple[_Identity | None, str]:
    """What is at ``path``, links followed: the identity of a folder, or None and why the file is no image, or ""."""
    try:
        inside_root(path)
        status = os.stat(os.path.join(root, path))
    except ValueError:
        return None, _LIKE_A_DRIVE
    except OSError as error:
        return None, _reason(error)
    if stat.S_ISDIR(status.st_mode):
        return (None, _LOOP) if _identity(status) in within else (_identity(status), "")
    # Opening a named pipe would wait for a writer.
    if not stat.S_ISREG(status.st_mode):
        return None, _NOT_A_FILE
    suffix = PurePosixPath(path).suffix.lower()
    return None, "" if suffix in IMAGE_SUFFIXES else how_to_convert(suffix) or _NOT_AN_IMAGE


def _hash_all(root: Path, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """`_hash` of each path below ``root``, in their order."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), _BATCH):
            yield from pool.map(_hash, [os.path.join(root, path) for path in paths[start : start + _BATCH]])


def _hash(path: str) -> tuple[str, str]:
    """A file's SHA-256, hexadecimal, and ""; or "" and why it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open_binary(path) as file:
            left = MAX_BYTES
            while chunk := file.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    return "", _TOO_LARGE
                digest.update(chunk)
    except OSError as error:
        return "", _reason(error)
    return digest.hexdigest(), ""


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino


def _reason(error: OSError) -> str:
    known = {errno.ENOENT: _BROKEN_LINK, errno.ELOOP: _LOOP}
    return known.get(error.errno or 0, f"cannot be read: {reason(error)}")


def _printable(path: str) -> str:
    """A path for messages: what does not print, such as a line break or an escape sequence, is spelled out."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in path)


def _no_images(root: Path, ignored: Sequence[tuple[str, str]]) -> FolderError:
    """The error for a folder without sources: the number of other files, and the first image that cannot be used."""
    unusable = [(path, why) for path, why in ignored if why != _NOT_AN_IMAGE]
    others = counted(len(ignored) - len(unusable), "file")
    message = f"{root} has no images that can be used, and {others} of other kinds"
    if unusable:
        path, why = unusable[0]
        more = f" (and {len(unusable) - 1} more left out)" if len(unusable) > 1 else ""
        message += f"; {path} {why}{more}"
    return FolderError(message, f"images are files whose names end in {', '.join(sorted(IMAGE_SUFFIXES))}")
