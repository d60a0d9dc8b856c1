"""Replicas of the whole bot as processes, as an operator runs them, and what stands before them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.fakes.chroma import free_port
from tests.scale.requests import SECRET, Client

ROOT = Path(__file__).parents[2]


def environment(api_url: str, database_url: str, **more: str) -> dict[str, str]:
    """The settings of a replica: HTTP, many workspaces, one database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ISP_COACH_", "SLACK_"))}
    return (
        kept
        | {
            "ISP_COACH_SLACK_MODE": "http",
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_CLIENT_ID": "111.222",
            "SLACK_CLIENT_SECRET": "a client secret",
            "ISP_COACH_PUBLIC_URL": "https://coach.example.org",
            "ISP_COACH_SLACK_API_URL": api_url,
            "ISP_COACH_DATABASE_URL": database_url,
            "ISP_COACH_MIGRATE_ON_START": "false",
            "ISP_COACH_EMBEDDINGS": "builtin",
            "ISP_COACH_LOG_JSON": "true",
        }
        | more
    )


def command(given: dict[str, str], folder: Path, *arguments: str) -> None:
    """Run `isp-coach …` to its end."""
    env = given | {"ISP_COACH_DATA_DIR": str(folder)}
    program = [sys.executable, "-m", "bot", *arguments]
    done = subprocess.run(program, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


class Replica:
    """One process on a folder of its own; the index may be shared."""

    def __init__(
        self, name: str, folder: Path, given: dict[str, str], *, index: Path | None = None, scripted: bool = False
    ) -> None:
        self._program = ["tests.scale.scripted_replica"] if scripted else ["bot", "run"]
        self.folder = folder / name
        self.folder.mkdir()
        if index is not None:
            (self.folder / "index").symlink_to(index, target_is_directory=True)
        self.port, self.health = free_port(), free_port()
        self._env = given | {
            "ISP_COACH_DATA_DIR": str(self.folder),
            "ISP_COACH_HTTP_PORT": str(self.port),
            "ISP_COACH_HEALTH_PORT": str(self.health),
        }
        self._log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def start(self) -> None:
        """Start it; `wait_ready` says when it can answer."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._program], cwd=ROOT, env=self._env, stdout=log, stderr=log
            )

    def wait_ready(self, seconds: float = 180.0) -> dict[str, Any]:
        """Wait until /readyz says so; its report."""
        deadline = time.monotonic() + seconds
        while True:
            assert self._process is not None
            if self._process.poll() is not None:  # it started while the database was away: begun anew, as Compose does
                assert time.monotonic() < deadline, self.log[-3000:]
                self.start()
            report = self.report()
            if report.get("ready"):
                return report
            assert time.monotonic() < deadline, f"{report} {self.log[-2000:]}"
            time.sleep(0.2)

    def report(self) -> dict[str, Any]:
        """What /readyz says; nothing where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/readyz", timeout=5) as response:
                return dict(json.loads(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return dict(json.loads(error.read()))
        except OSError:
            return {}

    def metric(self, name: str) -> float:
        """A metric's value over all of its labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def memory(self) -> int:
        """Resident bytes."""
        fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        """SIGKILL, by its own id."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def stop(self) -> None:
        """SIGTERM, as an operator stops it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(40)
            except subprocess.TimeoutExpired:
                self.kill()


class Balancer:
    """Sends deliveries round robin, to the next replica where one doesn't answer, and again later, as Slack does."""

    def __init__(self, replicas: list[Replica], *, tries: int = 40, pause: float = 0.5) -> None:
        self._replicas, self._tries, self._pause = replicas, tries, pause
        self._lines = threading.local()
        self._all: list[Client] = []
        self._turn = 0
        self._lock = threading.Lock()
        self.again = 0

    def send(self, body: bytes, sent: dict[str, str]) -> str | None:
        """The words of the acknowledgement once a replica said 200; None where none did."""
        for attempt in range(self._tries):
            replica = self._next()
            try:
                status, words = self._line(replica.port).send(body, sent)
                if status == 200:
                    return words
            except (OSError, http.client.HTTPException):
                pass
            with self._lock:
                self.again += 1
            if attempt >= len(self._replicas) - 1:
                time.sleep(self._pause)
        return None

    def _next(self) -> Replica:
        with self._lock:
            self._turn += 1
            return self._replicas[self._turn % len(self._replicas)]

    def _line(self, port: int) -> Client:
        lines: dict[int, Client] = self._lines.__dict__.setdefault("open", {})
        if port not in lines:
            lines[port] = Client(port)
            with self._lock:
                self._all.append(lines[port])
        return lines[port]

    def close(self) -> None:
        """Hang up."""
        for line in self._all:
            line.close()
