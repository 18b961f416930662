"""What a packed file is read as: pictures with the names of their classes, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from genie_cli.errors import UsageError

LAYOUTS = "genie unpack --help has the layouts that are read"


def refused(message: str, hint: str = LAYOUTS) -> UsageError:
    """The error for a file that cannot be unpacked."""
    return UsageError(message, hint)


@dataclass(frozen=True)
class Picture:
    """One image.

    Attributes:
        label: its class.
        data: the bytes of an image file, or an array of pixels in any layout that `images` knows.
        place: where it is in its file, for messages: "row 7".
    """

    label: str
    data: bytes | NDArray[Any]
    place: str


@dataclass(frozen=True)
class Packed:
    """A packed file that can be read.

    Attributes:
        pictures: read as they are asked for; may raise UsageError.
        total: how many there are; None if that is not known before the end.
        layout: what kind of file it is, in words.
    """

    pictures: Iterator[Picture]
    total: int | None
    layout: str
