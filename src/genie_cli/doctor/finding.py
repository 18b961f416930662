"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass

REINSTALL_TORCH = "pip install --force-reinstall torch torchvision"  # both: each torchvision needs a certain torch


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        area: ``"versions"``, ``"device"``, ``"memory"``, ``"precision"``, ``"attention"``, ``"models"``,
            ``"cache"`` or ``"disk"``.
        name: what was checked, such as a package or a folder.
        value: the result, in one line.
        ok: False if genie fails, or is far too slow, because of it.
        remedy: a shell command that fixes it; if ``ok``, one that adds something optional; may be empty.
    """

    area: str
    name: str
    value: str
    ok: bool = True
    remedy: str = ""


def gib(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 2**30:.1f} GiB"
