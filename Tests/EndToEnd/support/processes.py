"""The programs under test and around it: each with its log, its death and its port."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parents[3]
VENV_BIN = ROOT / ".timingle" / "venv" / "bin"


# What a program needs to answer after its start on a slow or busy machine.
START_SECONDS = 60

_given_ports: set[int] = set()


def free_port() -> int:
    """Below the range from which outgoing connections take theirs: what is free stays free for a while.

    No port is given twice: a program learns its port long before it listens on it, and comes back to it after its death.
    """
    for _ in range(1_000):
        port = random.randint(12_000, 32_000)
        if port in _given_ports:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given_ports.add(port)
            return port
    raise AssertionError("no free port")


def program(name: str) -> str:
    """From the private environment first: Debian's nats-server is too old to promise what we promise."""
    private = VENV_BIN / name
    found = str(private) if private.exists() else shutil.which(name)
    assert found, f"{name} is not installed: run scripts/services.sh install"
    return found


def eventually(claim, seconds: float = 10, every: float = 0.05):
    """The claim's first true value; an AssertionError with its last answer when time runs out."""
    deadline = time.monotonic() + seconds
    while True:
        value = claim()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s; the last answer was {value!r}"
        time.sleep(every)


class Program:
    """One child process whose output goes to a file."""

    def __init__(self, name: str, directory: Path):
        self.name = name
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log_path = directory / f"{name}.log"
        self.process: subprocess.Popen | None = None

    def launch(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        assert not self.is_running, f"{self.name} runs already"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=ROOT
            )

    def wait_until(self, answers, what: str, seconds: float = START_SECONDS) -> None:
        """Until `answers()` is true; a program that ended or stays silent is told by its log."""

        def claim() -> bool:
            assert self.is_running, f"{self.name} ended with {self.process.returncode}"
            return answers()

        try:
            eventually(claim, seconds)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}\n{self.log_tail()}") from None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        assert self.is_running, f"{self.name} does not run"
        self.process.send_signal(number)

    def pause(self) -> None:
        """Returns when every thread stands still: until then one may still answer what comes now."""
        self.signal(signal.SIGSTOP)
        eventually(self._stands_still, every=0.001)

    def _stands_still(self) -> bool:
        stats = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            # One that has ended meanwhile says nothing either.
            with contextlib.suppress(OSError):
                stats.append((task / "stat").read_text())
        return all(stat.rsplit(")", 1)[1].split()[0] == "T" for stat in stats)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """As the power of a process goes: no last word."""
        if self.is_running:
            self.process.kill()
            self.process.wait(10)

    def stop(self, seconds: float = 30) -> int | None:
        """Asks by SIGTERM; the exit code."""
        if not self.is_running:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} was still there {seconds} s after SIGTERM\n{self.log_tail()}") from None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log().splitlines()[-lines:])


class Redis(Program):
    def __init__(self, directory: Path):
        super().__init__("redis", directory)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> "Redis":
        self.launch(
            [program("redis-server"), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory)]
            + ["--save", "", "--appendonly", "yes"]
        )
        self.wait_until(lambda: self.command("PING") == b"+PONG", "PING was not answered")
        return self

    def command(self, *words: str) -> bytes | None:
        """The first line of the answer, or None when there is none."""
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
                connection.sendall(f"*{len(words)}\r\n{''.join(parts)}".encode())
                return connection.recv(4096).split(b"\r\n")[0]
        return None


class Nats(Program):
    def __init__(self, directory: Path):
        super().__init__("nats", directory)
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.monitor_port = free_port()
        self.monitor_url = f"http://127.0.0.1:{self.monitor_port}"
        self.sync_interval = "always"

    def start(self) -> "Nats":
        configuration = self.directory / "nats.conf"
        # Every key of the jetstream block stands on a line of its own.
        configuration.write_text(
            f'listen: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitor_port}"\n'
            f'jetstream {{\n  store_dir: "{self.directory}/store"\n  sync_interval: {self.sync_interval}\n}}\n'
        )
        self.launch([program("nats-server"), "--config", str(configuration)])
        self.wait_until(self.answers, "no INFO came")
        return self

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                return connection.recv(4096).startswith(b"INFO ")
        return False


class Database:
    """A fresh database on the server that TIMINGLE_TEST_DATABASE_URL names."""

    def __init__(self, administration_url: str, name: str):
        self.administration_url = administration_url
        self.name = name
        self.url = urlunsplit(urlsplit(administration_url)._replace(path=f"/{name}"))

    def create(self) -> "Database":
        self._run(self.administration_url, f'CREATE DATABASE "{self.name}"')
        return self

    def drop(self) -> None:
        self._run(self.administration_url, f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def query(self, sql: str) -> list[str]:
        return self._run(self.url, sql).splitlines()

    @staticmethod
    def _run(url: str, sql: str) -> str:
        result = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PGCONNECT_TIMEOUT": "10"},
        )
        assert result.returncode == 0, result.stderr
        return result.stdout
