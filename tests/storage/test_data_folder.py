from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.adapters.data_folder import DataFolder
from bot.core.errors import DataFolderInUse, SettingsError

HOLD = """
import sys
from pathlib import Path
from bot.adapters.data_folder import DataFolder
with DataFolder(Path(sys.argv[1])).serve_lock("running the bot"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds the folder until its standard input closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_new_folder_is_private_and_its_places_are_named(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "deep" / "data")
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert folder.database_path == tmp_path / "deep/data/coach.db"
    assert folder.index_root == tmp_path / "deep/data/index"


def test_an_existing_folder_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir(mode=0o755)
    assert stat.S_IMODE(DataFolder(tmp_path / "mounted").path.stat().st_mode) == 0o755


def test_a_folder_that_cannot_be_made_is_told_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="ISP_COACH_DATA_DIR"):
        DataFolder(tmp_path / "file" / "data")


def test_a_second_process_is_told_at_once_who_holds_the_folder(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        started = time.monotonic()
        with (
            pytest.raises(DataFolderInUse, match=rf"process {first.pid}, running the bot"),
            DataFolder(tmp_path).serve_lock("reading in documents"),
        ):
            pass
        assert time.monotonic() - started < 5
        first.communicate("")
    assert first.returncode == 0
    with DataFolder(tmp_path).serve_lock("reading in documents"):
        pass


def test_the_folder_is_free_again_after_its_holder_was_killed(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=30)
    with DataFolder(tmp_path).serve_lock("running the bot"):
        assert (tmp_path / "serving.lock").read_text().splitlines()[1] == "running the bot"


def test_one_process_cannot_hold_the_folder_twice(tmp_path: Path) -> None:
    with (
        DataFolder(tmp_path).serve_lock("running the bot"),
        pytest.raises(DataFolderInUse, match="running the bot"),
        DataFolder(tmp_path).serve_lock("migrating"),
    ):
        pass


def test_the_folder_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), DataFolder(tmp_path).serve_lock("running the bot"):
        raise ZeroDivisionError
    with DataFolder(tmp_path).serve_lock("running the bot"):
        pass
    assert (tmp_path / "serving.lock").read_text() == ""
