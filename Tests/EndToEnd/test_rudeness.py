"""Connections that are broken off, or drag on, in every phase: each ends, and nothing of it stays."""

from __future__ import annotations

import contextlib
import json
import socket
import time
import uuid

import pytest

from support.people import Person
from support.processes import eventually
from support.raw import GET, Footprint, Raw, frame
from support.server import open_world

POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

# What was sent when the client breaks off.
HTTP_PHASES = {
    "nothing": b"",
    "in the request line": b"GET /liv",
    "in a field": GET[:-8],
    "before the end of the head": GET[:-2],
    "after a request": GET,
    "after a hundred requests": GET * 100,
    "in the second request": GET + GET[:20],
    "before the body": POST + b"Content-Length: 100\r\n\r\n",
    "in the body": POST + b"Content-Length: 100\r\n\r\n{",
    "in a chunk size": CHUNKED + b"5",
    "in a chunk": CHUNKED + b"5\r\nhel",
    "behind a chunk": CHUNKED + b"5\r\nhello",
    "in the last chunk": CHUNKED + b"5\r\nhello\r\n0\r\n",
    "in a trailer": CHUNKED + b"0\r\nX: ",
    "after bytes that are no request": b"\x16\x03\x01\r\n\r\n",
}
WEBSOCKET_PHASES = {
    "upgraded": b"",
    "in a frame's head": frame(1, b"x" * 300)[:3],
    "in a message": frame(1, b"x" * 300)[:50],
    "between fragments": frame(1, b"x" * 30, final=False),
    "in a ping": frame(9, b"x" * 30)[:20],
    "after its close": frame(8, b"\x03\xe8"),
}
ENDINGS = {
    "silence": lambda connection: None,
    "FIN": lambda connection: connection.finish_sending(),
    "reset": lambda connection: connection.reset(),
    "close": lambda connection: connection.close(),
}


@pytest.fixture(scope="module")
def impatient(administration_url):
    """A server with short deadlines, somebody on it, and an appointment's room."""
    with open_world(
        administration_url,
        EVENT_LOOPS="2",
        POSTGRES_MAX_CONNECTIONS="4",
        HTTP_HEADER_TIMEOUT="1s",
        HTTP_BODY_TIMEOUT="1s",
        HTTP_IDLE_TIMEOUT="1s",
        HTTP_WRITE_TIMEOUT="1s",
        HTTP_MIN_READ_RATE="65536",
        WS_PING_INTERVAL="1s",
        WS_READ_TIMEOUT="2s",
        WS_WRITE_TIMEOUT="1s",
    ) as world:
        server = world.server.start()
        person = Person(server, "지영").register()
        event = person.create_event()["id"]
        person.http.close()
        yield server, person, event


@contextlib.contextmanager
def leaves_nothing(server, seconds: float = 12):
    """As many descriptors afterwards as before, and hardly more memory."""
    assert server.status("/livez") == 200
    footprint = Footprint(server)
    descriptors = eventually(lambda: footprint.descriptors)
    resident = footprint.resident_bytes
    yield
    # The drivers may have opened a connection or two meanwhile.
    eventually(lambda: footprint.descriptors <= descriptors + 6, seconds)
    assert footprint.resident_bytes - resident < 16 * 1024 * 1024
    assert server.status("/livez") == 200


@pytest.mark.parametrize("ending", ENDINGS)
def test_whoever_breaks_off_leaves_nothing(impatient, ending):
    server, person, event = impatient
    with leaves_nothing(server), contextlib.ExitStack() as stack:
        connections = []
        for sent in HTTP_PHASES.values():
            connections += [stack.enter_context(Raw(server)).send(sent) for _ in range(10)]
        for sent in WEBSOCKET_PHASES.values():
            for _ in range(10):
                connection = stack.enter_context(Raw(server)).upgrade(f"/api/v1/ws?event_id={event}", person.token)
                connections.append(connection.send(sent))
        for connection in connections:
            # Some are closed by the server already.
            with contextlib.suppress(OSError):
                ENDINGS[ending](connection)
        if ending in ("silence", "FIN"):
            # The server's side ends first: nobody waits for us.
            for connection in connections:
                connection.rest()


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", GET),
        (b"", b"GET / HTTP/1.1\r\nX: " + b"x" * 1000),
        (POST + b"Content-Length: 1000\r\n\r\n", b"x" * 1000),
        (CHUNKED, b"00000005;" + b"x" * 200 + b"\r\n"),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", b"X: " + b"x" * 1000),
    ],
    ids=["request line", "field", "body", "chunk framing", "trailer"],
)
def test_a_byte_now_and_then_does_not_hold_a_connection(impatient, start, drop):
    server, _, _ = impatient
    with Raw(server) as connection:
        begun = time.monotonic()
        connection.send(start)
        with contextlib.suppress(ConnectionError):
            for index in range(len(drop)):
                connection.send(drop[index : index + 1])
                time.sleep(0.2)
                assert time.monotonic() - begun < 4, "still reading"
        assert b"HTTP/1.1 408 " in connection.rest()


def test_a_frame_has_to_come_whole_within_the_read_timeout(impatient):
    server, person, event = impatient
    with Raw(server) as connection:
        connection.upgrade(f"/api/v1/ws?event_id={event}", person.token)
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for byte in frame(1, b"x" * 300):
                connection.send(bytes([byte]))
                time.sleep(0.2)
                assert time.monotonic() - begun < 6, "still reading"


@pytest.mark.parametrize("ending", ["close", "FIN"])
def test_what_was_sent_before_leaving_is_said(impatient, ending):
    server, person, event = impatient
    messages = [f"먼저 갈게요 {uuid.uuid4()}" for _ in range(3)]
    packet = b"".join(frame(1, json.dumps({"message": text}).encode()) for text in messages)
    with person.socket(event) as room, Raw(server) as leaving:
        leaving.upgrade(f"/api/v1/ws?event_id={event}", person.token)
        leaving.send(packet + (frame(8, b"\x03\xe8") if ending == "close" else b""))
        if ending == "FIN":
            leaving.finish_sending()
        for text in messages:
            room.wait_text(text)


def test_a_server_that_stood_still_blames_nobody(impatient):
    """Twice the longest silence: nobody was asked in time, and what came meanwhile was not read."""
    server, person, event = impatient
    with contextlib.ExitStack() as stack:
        rooms = [stack.enter_context(person.socket(event)) for _ in range(5)]
        speaker = stack.enter_context(Raw(server)).upgrade(f"/api/v1/ws?event_id={event}", person.token)
        asker = stack.enter_context(Raw(server)).send(GET[:-8])
        server.pause()
        speaker.send(frame(1, '{"message": "들리나요?"}'.encode()))
        asker.send(GET[-8:])
        time.sleep(4)
        server.resume()
        assert asker.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        for room in rooms:
            room.wait_text("들리나요?")
        time.sleep(3)
        rooms[0].send("아직 있어요")
        for room in rooms:
            room.wait_text("아직 있어요")


@pytest.mark.parametrize("reads", [0, 64], ids=["nothing", "a little"])
def test_whoever_reads_too_little_of_its_answers_is_cut_off(impatient, reads):
    server, _, _ = impatient
    with leaves_nothing(server), Raw(server, receive_buffer=4_096) as connection:
        connection.socket.setblocking(False)
        begun = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - begun < 15:
                with contextlib.suppress(BlockingIOError):
                    connection.socket.send(GET * 200)
                with contextlib.suppress(BlockingIOError):
                    if reads:
                        connection.socket.recv(reads)
                time.sleep(0.01)


def test_a_websocket_that_reads_nothing_is_cut_off(impatient):
    server, person, event = impatient
    with leaves_nothing(server), Raw(server, receive_buffer=4_096) as deaf:
        deaf.upgrade(f"/api/v1/ws?event_id={event}", person.token)
        deaf.socket.setblocking(False)
        ping = frame(9, b"x" * 125) * 100
        begun = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - begun < 15:
                with contextlib.suppress(BlockingIOError):
                    deaf.socket.send(ping)
                time.sleep(0.001)


def test_a_flood_of_requests_is_answered_in_order(impatient):
    server, _, _ = impatient
    with leaves_nothing(server), Raw(server) as connection:
        sent = [uuid.uuid4().hex for _ in range(3_000)]
        requests = b"".join(
            f"GET /livez HTTP/1.1\r\nHost: a\r\nX-Request-Id: {name}\r\n\r\n".encode() for name in sent
        )
        answers = exchange(connection, requests, b"X-Request-Id: ", len(sent))
        order = [line.split(b": ")[1].decode() for line in answers.split(b"\r\n") if line.startswith(b"X-Request-Id")]
        assert order == sent


def test_a_flood_of_pings_is_answered_while_it_is_read(impatient):
    server, person, event = impatient
    with leaves_nothing(server), Raw(server) as connection:
        connection.upgrade(f"/api/v1/ws?event_id={event}", person.token)
        pongs = exchange(connection, frame(9, b"ping-ping") * 20_000, b"\x8a\x09ping-ping", 20_000)
        assert pongs.count(b"\x8a\x09ping-ping") == 20_000
        connection.send(frame(8, b"\x03\xe8"))
        assert b"\x88\x02\x03\xe8" in connection.rest()


def exchange(connection: Raw, data: bytes, answer: bytes, count: int) -> bytes:
    """Sends and reads at once, until `count` answers are there."""
    connection.socket.setblocking(False)
    seen = bytearray()
    left = memoryview(data)
    deadline = time.monotonic() + 30
    while left or seen.count(answer) < count:
        with contextlib.suppress(BlockingIOError):
            if left:
                left = left[connection.socket.send(left[:65_536]) :]
        with contextlib.suppress(BlockingIOError):
            while more := connection.socket.recv(65_536):
                seen += more
        assert time.monotonic() < deadline, f"{seen.count(answer)} of {count} answers"
    connection.socket.settimeout(10)
    return bytes(seen)


def test_heads_and_chunks_are_bounded(impatient):
    server, _, _ = impatient
    with leaves_nothing(server), contextlib.ExitStack() as stack:

        def status(request: bytes) -> int:
            return stack.enter_context(Raw(server)).answer(request)

        # 16 KiB of field lines, framing included.
        room = 16 * 1024 - len(b"Host: a\r\nX: \r\n")
        assert status(b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * room + b"\r\n\r\n") == 200
        assert status(b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (room + 1) + b"\r\n\r\n") == 431
        assert status(b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * 99 + b"\r\n") == 200
        assert status(b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * 100 + b"\r\n") == 431
        # Framing is counted: a body of single bytes costs five times its length.
        tiny = stack.enter_context(Raw(server)).send(CHUNKED)
        with contextlib.suppress(ConnectionError, socket.timeout):
            tiny.send(b"1\r\nx\r\n" * 100_000)
        assert tiny.until(b"\r\n\r\n").split()[1] in (b"400", b"413")
