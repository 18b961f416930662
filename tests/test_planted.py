"""Planted faults fit the source: the script that plants them (`tests.mutants`) takes too long for every check."""

from __future__ import annotations

import pytest

from tests.mutants import FAULTS, ROOT, planted
from tests.planted.fault import Fault


def test_names_are_unique() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_planted_and_its_tests_exist(fault: Fault) -> None:
    source = (ROOT / "src/genie_cli" / fault.file).read_text(encoding="utf-8")
    assert planted(fault, source) != source
    assert all((ROOT / test.partition("::")[0]).exists() for test in fault.tests)
