"""Where the time goes: sections sum to the total, and profiling changes no image."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.diffusion.clock import OTHER, Clock, Stopwatch, stopwatch
from tests.conftest import Genie, tree

Tree = list[object]
# A run: numbers are seconds that pass, lists are nested sections.
RUNS = st.recursive(st.integers(0, 9), lambda inner: st.lists(inner, max_size=4), max_leaves=20)


class Time:
    now = 0.0

    def read(self) -> float:
        return self.now


def play(run: object, clock: Clock, time: Time, expected: dict[str, float], name: str = OTHER, depth: int = 0) -> None:
    if isinstance(run, int):
        time.now += run
        expected[name] = expected.get(name, 0.0) + run
        return
    assert isinstance(run, list)
    for inner in run:
        section = name if isinstance(inner, int) else f"section {depth}"
        if isinstance(inner, int):
            play(inner, clock, time, expected, section)
        else:
            with clock.section(section):
                play(inner, clock, time, expected, section, depth + 1)


@given(run=st.lists(RUNS))
def test_every_moment_belongs_to_the_innermost_section(run: Tree) -> None:
    time, expected = Time(), dict[str, float]()
    watch = Stopwatch(now=time.read)
    play(run, watch, time, expected)
    total = watch.stop()
    assert sum(watch.seconds.values()) == total == time.now
    assert {name: seconds for name, seconds in watch.seconds.items() if seconds} == {
        name: seconds for name, seconds in expected.items() if seconds
    }


def test_a_section_ends_with_an_error_too() -> None:
    time = Time()
    watch = Stopwatch(now=time.read)

    def broken() -> None:
        time.now += 2
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        watch.timed("read", broken)
    time.now += 3
    watch.stop()
    assert watch.seconds == {"read": 2, OTHER: 3}


def test_the_device_is_waited_for_before_time_is_read() -> None:
    time = Time()

    def finish_queue() -> None:
        time.now += 1  # work that was queued, and takes this long

    watch = Stopwatch(finish_queue, time.read)
    with watch.section("unet"):
        pass
    assert watch.seconds == {OTHER: 1, "unet": 1}


def test_a_stopwatch_for_the_cpu_does_not_synchronize() -> None:
    watch = stopwatch(torch.device("cpu"))
    with watch.section("unet"):
        pass
    assert watch.stop() == sum(watch.seconds.values())
    watch.synchronize()  # waits for nothing


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_stopwatch_for_a_gpu_waits_for_its_work() -> None:
    large = torch.ones(8192, 8192, device="cuda")
    torch.cuda.synchronize()
    watch = stopwatch(torch.device("cuda"))
    with watch.section("unet"):
        for _ in range(10):
            large = large @ large / 8192
    assert torch.cuda.current_stream().query()


def test_a_profile_sums_up_and_changes_no_image(genie: Genie, photos: Path, tmp_path: Path) -> None:
    command = ("generate", "--src-dir", photos, "--targets", "seven")
    plain = genie(*command, "--out", "plain")
    profiled = genie(*command, "--out", "profiled", "--profile")
    assert tree(tmp_path / "plain/train") == tree(tmp_path / "profiled/train")
    assert profiled.stdout.splitlines()[1:] == plain.stdout.splitlines()[1:]
    assert "Where the time went" not in plain.stderr
    lines = dict(re.findall(r"^ *(\w+) +([0-9.]+) +[0-9.]+%", profiled.stderr, re.MULTILINE))
    seconds = {name: float(value) for name, value in lines.items()}
    total = seconds.pop("total")
    assert set(seconds) == {"read", "encode", "unet", "decode", "write", "other"}
    assert sum(seconds.values()) == pytest.approx(total, abs=0.005 * 7)  # each is rounded to 0.01
    assert "leave out --profile" in genie(*command, "--out", "profiled", "--profile", "--dry-run").stderr
    rows = re.search(r"(\d+) rows went through the UNet", profiled.stderr)
    assert rows
    # 9 images in 4 slots are three rounds, of 3 steps each (r = 0.8 of 4 steps), with two rows per slot.
    assert int(rows[1]) == 3 * 3 * 4 * 2
