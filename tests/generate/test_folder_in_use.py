"""An output folder that another run is using."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from genie_cli.errors import OutputError
from genie_cli.generate.folder import Output
from genie_cli.header import Header
from tests.generate.outputs import HEADER, PLAN, run


class TestInUse:
    def test_by_another_run_of_this_process(self, tmp_path: Path) -> None:
        with Output(tmp_path, HEADER).opened():
            with (
                pytest.raises(OutputError, match=f"is in use by process {os.getpid()} on ") as caught,
                Output(tmp_path, HEADER).opened(),
            ):
                pass
            assert "--out" in caught.value.hint
        with Output(tmp_path, HEADER).opened():  # and now it is free
            pass

    def test_by_another_process_until_it_is_killed(self, tmp_path: Path) -> None:
        program = (
            "import sys; from pathlib import Path; from genie_cli.header import Header; "
            "from genie_cli.generate.folder import Output\n"
            "output = Output(Path(sys.argv[1]), Header(kind='genie.manifest'))\n"
            "with output.opened(): print('ready', flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", program, str(tmp_path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            header = Header(kind="genie.manifest")
            with pytest.raises(OutputError, match=f"process {process.pid} on "), Output(tmp_path, header).opened():
                pass
            process.kill()
            process.wait()
            run(Output(tmp_path, header), PLAN)

    def test_shards_do_not_exclude_each_other(self, tmp_path: Path) -> None:
        one, two, again = (Output(tmp_path, HEADER, f"-{index}-of-2") for index in (1, 2, 1))
        with one.opened(), two.opened(), pytest.raises(OutputError, match="is in use"), again.opened():
            pass

    def test_shards_that_start_together_where_a_whole_run_once_was(self, tmp_path: Path) -> None:
        """Each looks whether the whole run is still at work, and must not take the other's look for it."""
        run(Output(tmp_path, HEADER), PLAN)
        together = Barrier(8)

        def shard(number: int) -> None:
            for _ in range(20):
                together.wait()
                with Output(tmp_path, HEADER, f"-{number}-of-8").opened():
                    pass

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(shard, range(1, 9)))

    def test_errors_in_the_run_are_not_blamed_on_the_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ConnectionError, match="no network"), Output(tmp_path, HEADER).opened():
            raise ConnectionError("no network")
        with Output(tmp_path, HEADER).opened():
            pass
