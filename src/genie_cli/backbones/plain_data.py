"""What a checkpoint may hold besides tensors: parsed options, paths and numbers of numpy.

A pickle names the classes that it is made of. Of these few, only `argparse.Namespace` is what is built: the others are
replaced by functions here, which take nothing but text and bytes and call no code of the file's choice.
"""

from __future__ import annotations

import argparse
import re
from itertools import product
from pathlib import PurePath
from typing import Any

_PATHS = ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
_SIMPLE = re.compile(r"[biufSU][0-9]{1,4}")  # numbers and text; no objects, no records


class _Kind:
    """Stands for numpy's dtype: its code, such as ``f8``, and its byte order."""

    def __init__(self, code: object = "", *_: object) -> None:
        self.code, self.order = str(code), "="

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">"):
            self.order = state[1]


def _number(kind: object = None, content: object = b"") -> Any:
    """The plain number or text that a scalar of numpy holds; None for one of another kind."""
    import numpy as np

    if not isinstance(kind, _Kind) or not isinstance(content, bytes) or not _SIMPLE.fullmatch(kind.code):
        return None
    dtype = np.dtype(f"{kind.order}{kind.code}")
    return np.frombuffer(content, dtype)[0].item() if dtype.itemsize == len(content) else None


def _path(*parts: object) -> PurePath:
    return PurePath(*map(str, parts))


def allowed() -> list[Any]:
    """What `torch.serialization.safe_globals` takes: what is built, with the name that it has in a file."""
    return [
        argparse.Namespace,
        (_Kind, "numpy.dtype"),
        *((_number, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
        *((_path, f"{module}.{name}") for module, name in product(("pathlib", "pathlib._local"), _PATHS)),
    ]
