"""A fault: what is planted where, and which tests should notice it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: what it is called after ``--only``.
        file: below ``src/genie_cli``.
        original: a fragment of the file, which has it exactly once.
        faulty: what is put in its place.
        tests: files of tests, or single tests, as pytest takes them.
    """

    name: str
    file: str
    original: str
    faulty: str
    tests: tuple[str, ...]
