"""An output folder that another run is using."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from genie_cli.errors import OutputError
from genie_cli.generate.folder import Output
from genie_cli.generate.locks import workers
from genie_cli.header import Header
from tests.generate.outputs import HEADER, PLAN, refuse, run


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

    @pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
    @pytest.mark.filterwarnings("ignore:flock not supported")
    def test_on_a_file_system_without_locks(self, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fcntl.flock", refuse(number))
        with Output(tmp_path, HEADER).opened():
            assert workers(tmp_path / ".genie") == [f"process {os.getpid()} on {platform.node()}"]
            with pytest.raises(OutputError, match="is in use by process"), Output(tmp_path, HEADER).opened():
                pass
        assert workers(tmp_path / ".genie") == []
        one, two = (Output(tmp_path, HEADER, f"-{index}-of-2") for index in (1, 2))
        with one.opened(), two.opened(), pytest.raises(OutputError, match="in use"), Output(tmp_path, HEADER).opened():
            pass
        run(Output(tmp_path, HEADER), PLAN)

    @pytest.mark.filterwarnings("ignore:flock not supported")
    def test_a_killed_run_does_not_hold_a_folder_without_locks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = (
            "import errno, fcntl, os, sys; from pathlib import Path; from genie_cli.header import Header\n"
            "from genie_cli.generate.folder import Output\n"
            "def flock(*_): raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))\n"
            "fcntl.flock = flock\n"
            "with Output(Path(sys.argv[1]), Header(kind='genie.manifest')).opened(): os._exit(9)"
        )
        assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 9
        monkeypatch.setattr("fcntl.flock", refuse(errno.ENOLCK))
        run(Output(tmp_path, Header(kind="genie.manifest")), PLAN)

    def test_errors_in_the_run_are_not_blamed_on_the_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ConnectionError, match="no network"), Output(tmp_path, HEADER).opened():
            raise ConnectionError("no network")
        with Output(tmp_path, HEADER).opened():
            pass
