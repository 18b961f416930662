"""The end of a command that reads a manifest and makes another one of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from genie_cli.cli._console import point_on, stderr, stdout, wants_lines, write_lines

if TYPE_CHECKING:
    from genie_cli.files.reading import State
    from genie_cli.oracle.judge import Judged
    from genie_cli.oracle.selected import Selected


def deliver(
    found: Judged | Selected,
    drop: bool,
    out: Path | None,
    before: State | None,
    as_json: bool,
    show: Callable[[Console], None],
    following: tuple[str, Sequence[str]] | None,
) -> None:
    """Write the manifest to ``out``, or to stdout if a program reads that, and show what is in it.

    Args:
        drop: leave out the rows of images that are not to be used.
        before: what `manifests.require_writable` found at ``out``.
        show: prints it to a console.
        following: what may come next, and the words of the command that does it with the manifest at ``out``.
    """
    from genie_cli.oracle import manifests

    in_lines = out is None and wants_lines(as_json)
    if out:
        found.write(out, drop, before)
    elif in_lines:
        write_lines(manifests.lines(found.images, found.rows(drop), None))
    show(stderr() if in_lines else stdout())
    if not in_lines:
        stderr().print(f"manifest: {out}" if out else "nothing was written; to keep this: --out FILE", soft_wrap=True)
    if out and following:
        point_on(*following)
