"""The real binary on real servers: a world of its own for whoever asks."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from support.cassandra import Keyspace
from support.certificates import Certificate
from support.processes import ROOT, START_SECONDS, Database, Nats, Program, Redis, free_port

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


# `make e2e TLS=1`: every server speaks HTTPS and WSS.
OVER_TLS = bool(os.environ.get("TIMINGLE_E2E_TLS"))


@functools.cache
def shared_certificate() -> Certificate:
    directory = Path(tempfile.mkdtemp(prefix="timingle-e2e-tls-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Certificate(directory, "shared")


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
        transport = shared_certificate().environment if OVER_TLS else {}
        self.environment = {**DEFAULTS, **transport, **environment, "PORT": str(self.port)}
        # What clients believe; None for plain text.
        self.tls: ssl.SSLContext | None = None
        if certificate := self.environment.get("TLS_CERT_FILE"):
            self.tls = ssl.create_default_context(cafile=certificate)
        # For a client that reads in one thread and writes in another: Python's ssl (until 3.14) does not guard OpenSSL's
        # session against that, and TLS 1.3's tickets, read while the request is written, now and then lose the request.
        # Seen against Python's own server too, never with one thread, never with TLS 1.2.
        self.threaded_tls: ssl.SSLContext | None = None
        if self.tls:
            self.threaded_tls = ssl.create_default_context(cafile=certificate)
            self.threaded_tls.maximum_version = ssl.TLSVersion.TLSv1_2
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        self.socket_url = f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}"
        # `ulimit -n`, soft and hard; what the tests themselves have where it is not said.
        self.descriptors: int | None = None

    def start(self, path: str = "/readyz", seconds: float = START_SECONDS) -> "Server":
        """Ready when `path` says 200: /livez where a dependency is away on purpose."""
        command = [str(binary()), "serve"]
        if self.descriptors:
            command = ["prlimit", f"--nofile={self.descriptors}", *command]
        self.launch(command, {"PATH": os.environ["PATH"], **self.environment})
        self.wait_until(lambda: self.status(path) == 200, f"{path} did not say 200", seconds)
        return self

    def connection(self, seconds: float = 10) -> socket.socket:
        """Bytes to and from the server, past every HTTP library."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        return self.tls.wrap_socket(plain, server_hostname="127.0.0.1") if self.tls else plain

    def restart(self) -> "Server":
        assert self.stop() == 0, f"SIGTERM must end in exit code 0\n{self.log_tail()}"
        return self.start()

    def status(self, path: str) -> int | None:
        """The status of a GET on a connection of its own, or None when nobody answers."""
        try:
            return httpx.get(self.url + path, timeout=5, trust_env=False, verify=self.tls or False).status_code
        except httpx.TransportError:
            return None


class World:
    """A database, a Redis, a nats-server and the server between them, of which nobody else knows."""

    def __init__(self, administration_url: str, **environment: str):
        self.directory = Path(tempfile.mkdtemp(prefix="timingle-e2e-"))
        self.database = Database(administration_url, f"timingle_e2e_{secrets.token_hex(6)}")
        self.redis = Redis(self.directory / "redis")
        self.nats = Nats(self.directory / "nats")
        # `make e2e CQL=1`: chat and history are in Cassandra.
        self.keyspace = Keyspace(f"timingle_e2e_{secrets.token_hex(6)}") if Keyspace.is_wanted() else None
        self.environment = {
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self.redis.url,
            "NATS_URL": self.nats.url,
            "NATS_MONITOR_URL": self.nats.monitor_url,
            **(self.keyspace.environment if self.keyspace else {}),
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
        if self.keyspace:
            self.keyspace.drop()


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
