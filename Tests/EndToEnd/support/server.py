"""The real binary on real servers: a world of its own for whoever asks."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from support.processes import ROOT, Database, Nats, Program, Redis, eventually, free_port

JWT_SECRET = "an-end-to-end-test-secret-of-more-than-32-bytes"

# What every server of the tests is told; a world may say otherwise. The limits have tests of their own.
DEFAULTS = {
    "ENV": "development",
    "AUTH_MODE": "strict",
    "OTP_TEST_MODE": "true",
    "LISTEN_ADDRESS": "127.0.0.1",
    "JWT_SECRET": JWT_SECRET,
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "info",
    "RATE_LIMIT_ENABLED": "false",
    "CHAT_RATE_PER_SECOND": "10000",
    "CHAT_RATE_BURST": "100000",
}


def binary() -> Path:
    path = Path(os.environ.get("TIMINGLE_BINARY", ROOT / ".build" / "debug" / "timingle"))
    assert path.exists(), f"{path} is not there: build first, or set TIMINGLE_BINARY"
    return path.resolve()


def run_command(*words: str, environment: dict[str, str], seconds: float = 60) -> subprocess.CompletedProcess:
    """One command of the binary, to its end; only what is given reaches its environment."""
    return subprocess.run(
        [str(binary()), *words],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=ROOT,
    )


class Server(Program):
    """`timingle serve` on a port that stays the same over restarts."""

    def __init__(self, directory: Path, environment: dict[str, str], name: str = "timingle"):
        super().__init__(name, directory)
        self.port = free_port()
        self.environment = {**DEFAULTS, **environment, "PORT": str(self.port)}
        self.url = f"http://127.0.0.1:{self.port}"
        # `ulimit -n`, soft and hard; what the tests themselves have where it is not said.
        self.descriptors: int | None = None

    def start(self, path: str = "/readyz", seconds: float = 20) -> "Server":
        """Ready when `path` says 200: /livez where a dependency is away on purpose."""
        command = [str(binary()), "serve"]
        if self.descriptors:
            command = ["prlimit", f"--nofile={self.descriptors}", *command]
        self.launch(command, {"PATH": os.environ["PATH"], **self.environment})

        def answers() -> bool:
            assert self.is_running, f"the server ended with {self.process.returncode}\n{self.log_tail()}"
            return self.status(path) == 200

        try:
            eventually(answers, seconds)
        except AssertionError as error:
            raise AssertionError(f"{path} did not say 200: {error}\n{self.log_tail()}") from None
        return self

    def restart(self) -> "Server":
        assert self.stop() == 0, f"SIGTERM must end in exit code 0\n{self.log_tail()}"
        return self.start()

    def status(self, path: str) -> int | None:
        """The status of a GET on a connection of its own, or None when nobody answers."""
        try:
            return httpx.get(self.url + path, timeout=5, trust_env=False).status_code
        except httpx.TransportError:
            return None


class World:
    """A database, a Redis, a nats-server and the server between them, of which nobody else knows."""

    def __init__(self, administration_url: str, **environment: str):
        self.directory = Path(tempfile.mkdtemp(prefix="timingle-e2e-"))
        self.database = Database(administration_url, f"timingle_e2e_{secrets.token_hex(6)}")
        self.redis = Redis(self.directory / "redis")
        self.nats = Nats(self.directory / "nats")
        self.environment = {
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self.redis.url,
            "NATS_URL": self.nats.url,
            "NATS_MONITOR_URL": self.nats.monitor_url,
            **environment,
        }
        self.server = Server(self.directory, self.environment)

    def build(self) -> "World":
        """Everything except the server itself, migrated."""
        self.database.create()
        self.redis.start()
        self.nats.start()
        self.migrate("up")
        return self

    def migrate(self, action: str) -> subprocess.CompletedProcess:
        result = run_command("migrate", action, environment={**DEFAULTS, **self.environment})
        assert result.returncode == 0, result.stdout + result.stderr
        return result

    def programs(self) -> list[Program]:
        return [self.server, self.redis, self.nats]

    def tear_down(self) -> None:
        for running in self.programs():
            running.kill()
        self.database.drop()


# Worlds that live now: a failing test shows their logs.
LIVING: list[World] = []


@contextlib.contextmanager
def open_world(administration_url: str, **environment: str) -> Iterator[World]:
    """A world that is built and migrated, and of which nothing is left afterwards. Its server is not started yet."""
    world = World(administration_url, **environment)
    LIVING.append(world)
    try:
        yield world.build()
    finally:
        world.tear_down()
        LIVING.remove(world)
        shutil.rmtree(world.directory, ignore_errors=True)
