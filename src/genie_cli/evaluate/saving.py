"""The results of an evaluator as files in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from genie_cli.files import require_own, write_atomically


def prepare(out: Path, kind: type[BaseModel]) -> None:
    """Before hours of work: make the folder, and see that nothing but an earlier run's results would be replaced.

    Args:
        kind: of the records that will be saved there.

    Raises:
        OutputError: it cannot be written, or there are other files under these names.
    """
    from genie_cli.files import reraise_as_output_error

    with reraise_as_output_error(out):
        out.mkdir(parents=True, exist_ok=True)
    first, second, *_ = kind.model_fields
    require_own(out / "results.jsonl", f'{{"{first}":')
    require_own(out / "results.csv", f"{first},{second},")


def save(out: Path, kind: type[BaseModel], records: Sequence[BaseModel]) -> None:
    """Write the records as JSON Lines and as CSV, each file whole or not at all."""
    from genie_cli.evaluate.results import comma_separated, lines

    write_atomically(out / "results.jsonl", lines(records).encode())
    write_atomically(out / "results.csv", comma_separated(kind, records).encode())
