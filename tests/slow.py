"""What takes too long for ./check: it is run where the environment has SLOW_TESTS, as in .ci/nightly."""

from __future__ import annotations

import os

import pytest

ARE_RUN = "SLOW_TESTS" in os.environ
slow = pytest.mark.skipif(not ARE_RUN, reason="slow: set SLOW_TESTS=1 to run it")
