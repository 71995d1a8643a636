"""Sockets without a protocol: for clients that do not behave, and for very many that do."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import struct
import time
from pathlib import Path

from support.people import fresh_address
from support.server import Server

GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"


class Raw:
    """One TCP connection to a server, from a loopback address of its own unless told otherwise."""

    def __init__(self, server: Server, address: str | None = None, receive_buffer: int | None = None, seconds: float = 10):
        self.socket = socket.socket()
        self.socket.settimeout(seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.bind((address or fresh_address(), 0))
        self.socket.connect(("127.0.0.1", server.port))

    def send(self, data: bytes) -> "Raw":
        self.socket.sendall(data)
        return self

    def read(self, count: int = 65_536) -> bytes:
        """What is there; nothing at the end, be it a FIN or a reset."""
        with contextlib.suppress(ConnectionResetError):
            return self.socket.recv(count)
        return b""

    def until(self, text: bytes) -> bytes:
        seen = b""
        while text not in seen:
            more = self.read()
            assert more, f"closed after {seen[-300:]!r}"
            seen += more
        return seen

    def rest(self) -> bytes:
        seen = b""
        while more := self.read():
            seen += more
        return seen

    def answer(self, request: bytes = GET) -> int:
        """The status of one request whose answer is short."""
        return int(self.send(request).until(b"\r\n\r\n").split()[1])

    def finish_sending(self) -> "Raw":
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def upgrade(self, path: str, token: str) -> "Raw":
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(
            f"GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        head = self.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return self

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def frame(opcode: int, payload: bytes = b"", final: bool = True) -> bytes:
    """A client's frame, masked by zeros."""
    first = (0x80 if final else 0) | opcode
    count = len(payload)
    if count < 126:
        head = bytes([first, 0x80 | count])
    elif count < 65_536:
        head = bytes([first, 0x80 | 126]) + count.to_bytes(2, "big")
    else:
        head = bytes([first, 0x80 | 127]) + count.to_bytes(8, "big")
    return head + bytes(4) + payload


class Footprint:
    """What the kernel says about a server's process."""

    def __init__(self, server: Server):
        self.path = Path("/proc") / str(server.process.pid)

    @property
    def descriptors(self) -> int:
        return len(os.listdir(self.path / "fd"))

    @property
    def resident_bytes(self) -> int:
        return int((self.path / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def processor_seconds(self) -> float:
        fields = (self.path / "stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, seconds: float) -> float:
        """Processor time a second, over the next so many."""
        before, start = self.processor_seconds, time.monotonic()
        time.sleep(seconds)
        return (self.processor_seconds - before) / (time.monotonic() - start)
