"""Clients that are slow, rude, or too many. The listener's own tests have the deadlines in detail."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import time

import pytest

from support.people import Person, http_client
from support.processes import eventually
from support.raw import GET, Footprint, Raw, frame
from support.server import Server, binary, run_command

PROXY_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def proxy_header(client: str, port: int = 4711) -> bytes:
    """Version 2: `client` speaks to 203.0.113.1:443."""
    addresses = bytes(map(int, client.split("."))) + bytes([203, 0, 113, 1])
    return PROXY_SIGNATURE + b"\x21\x11\x00\x0c" + addresses + port.to_bytes(2, "big") + (443).to_bytes(2, "big")


def logged(server: Server, message: str) -> list[dict]:
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"] == message]


def test_descriptors_exhausted_pause_accepting_and_it_comes_back(make_world):
    world = make_world(EVENT_LOOPS="2", POSTGRES_MAX_CONNECTIONS="4")
    server = world.server
    server.descriptors = 400
    server.start()
    person = Person(server, "지영").register()
    room = person.socket(person.create_event()["id"])
    footprint = Footprint(server)
    assert logged(server, "HTTP_MAX_CONNECTIONS is held below the limit on open files")
    # The limit on connections keeps the listener out of trouble; take away what it counted on.
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (footprint.descriptors + 40, 400))
    held = []
    with contextlib.ExitStack() as stack:
        witness = stack.enter_context(Raw(server))
        assert witness.answer() == 200
        # The kernel completes what the listener does not take: these have no answer yet.
        for _ in range(100):
            held.append(stack.enter_context(Raw(server)).send(GET))
        eventually(lambda: logged(server, "accept failed"))
        # It waits a second at a time instead of asking again and again.
        time.sleep(1)
        pauses = len(logged(server, "accept failed"))
        assert footprint.load(2) < 0.10
        assert len(logged(server, "accept failed")) - pauses <= 4
        # Whoever is in goes on.
        assert witness.answer() == 200
        room.send("still here")
        room.wait_lines(1)
        for connection in held[:70]:
            connection.close()
        assert [connection.answer(b"") for connection in held[70:]] == [200] * 30
    room.close()
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (400, 400))
    assert server.status("/livez") == 200


def test_connections_of_one_address_are_limited_and_a_proxys_clients_are_told_apart(make_world):
    world = make_world(
        HTTP_MAX_CONNECTIONS_PER_ADDRESS="3", PROXY_PROTOCOL="on", TRUSTED_PROXIES="127.0.0.1,127.7.0.0/16"
    )
    server = world.server
    start_behind_proxy(server)
    with contextlib.ExitStack() as stack:

        def through_proxy(client: str) -> Raw:
            return stack.enter_context(Raw(server, "127.7.0.1")).send(proxy_header(client))

        served = [through_proxy("192.0.2.1") for _ in range(3)]
        assert [connection.answer() for connection in served] == [200] * 3
        refused = through_proxy("192.0.2.1").until(b"\r\n\r\n")
        assert refused.startswith(b"HTTP/1.1 429 ") and b"Retry-After: " in refused
        assert through_proxy("192.0.2.2").answer() == 200
        served[0].close()
        eventually(lambda: through_proxy("192.0.2.1").answer() == 200)
        # A trusted proxy without a header is closed; a stranger's header is no request.
        assert stack.enter_context(Raw(server, "127.7.0.1")).send(GET).rest() == b""
        assert stack.enter_context(Raw(server, "127.8.0.1")).answer(proxy_header("192.0.2.3") + GET) == 400
        # A client behind the proxy is believed as little as any other.
        spoof = b"GET /api/v1/events HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"
        assert through_proxy("192.0.2.9").answer(spoof) == 401
    eventually(lambda: any(line["metadata"]["address"] == "192.0.2.9" for line in logged(server, "request")))
    assert "6.6.6.6" not in server.log()
    assert world.server.stop() == 0


def start_behind_proxy(server: Server) -> None:
    """`Server.start` asks without a header; the probe, which knows the configuration, asks with one."""
    server.launch([str(binary()), "serve"], {"PATH": os.environ["PATH"], **server.environment})
    eventually(lambda: run_command("healthcheck", environment=server.environment).returncode == 0, seconds=20)


@pytest.mark.timeout(300)
def test_very_many_idle_connections_cost_little(make_world):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    world = make_world(EVENT_LOOPS="2", POSTGRES_MAX_CONNECTIONS="4")
    server = world.server.start()
    person = Person(server, "지영").register()
    event = person.create_event()["id"]
    footprint = Footprint(server)
    with Raw(server) as connection:
        connection.upgrade(f"/api/v1/ws?event_id={event}", person.token)
    time.sleep(0.5)
    sockets = min(10_000, hard // 2 - 600)
    requests = sockets
    descriptors, resident = footprint.descriptors, footprint.resident_bytes
    addresses = [f"127.9.0.{number}" for number in range(1, 9)]
    with contextlib.ExitStack() as stack:
        for number in range(requests):
            connection = stack.enter_context(Raw(server, addresses[number % 8]))
            assert number % 16 or connection.answer() == 200
        eventually(lambda: footprint.descriptors >= descriptors + requests, seconds=20)
        each = (footprint.resident_bytes - resident) / requests
        print(f"{requests} idle HTTP connections: {each:.0f} bytes each")
        assert each < 2 * 1024
        before = footprint.resident_bytes
        for number in range(sockets):
            connection = stack.enter_context(Raw(server, addresses[number % 8]))
            connection.upgrade(f"/api/v1/ws?event_id={event}", person.token)
        each = (footprint.resident_bytes - before) / sockets
        print(f"{sockets} idle WebSockets: {each:.0f} bytes each")
        assert each < 3 * 1024
        assert footprint.load(2) < 0.25
        client = http_client(server)
        start = time.monotonic()
        for _ in range(20):
            assert client.get("/livez").status_code == 200
        assert (time.monotonic() - start) / 20 < 0.05
    eventually(lambda: footprint.descriptors <= descriptors + 8, seconds=30)
    assert server.stop() == 0


def test_memory_stays_within_what_the_limits_promise(make_world):
    world = make_world(
        EVENT_LOOPS="2",
        POSTGRES_MAX_CONNECTIONS="4",
        HTTP_QUEUE_BYTES="65536",
        WS_QUEUE_BYTES="65536",
        HTTP_HEADER_TIMEOUT="60s",
        HTTP_BODY_TIMEOUT="60s",
        WS_READ_TIMEOUT="90s",
    )
    server = world.server.start()
    person = Person(server, "지영").register()
    event = person.create_event()["id"]
    bound = logged(server, "listening")[0]["metadata"]["connection_bytes_max"]
    assert 400_000 < bound < 800_000
    footprint = Footprint(server)
    with Raw(server) as connection:
        connection.upgrade(f"/api/v1/ws?event_id={event}", person.token)
    time.sleep(0.5)
    descriptors, resident = footprint.descriptors, footprint.resident_bytes
    head = b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 16_000
    body = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n" + b"x" * 8_000
    fragment = frame(2, b"x" * 60_000, final=False)
    each = 200
    with contextlib.ExitStack() as stack:
        for sent in (head, body):
            for _ in range(each):
                stack.enter_context(Raw(server)).send(sent)
        for _ in range(each):
            connection = stack.enter_context(Raw(server))
            connection.upgrade(f"/api/v1/ws?event_id={event}", person.token).send(fragment)
        eventually(lambda: footprint.descriptors >= descriptors + 3 * each)
        time.sleep(1)
        grown = footprint.resident_bytes - resident
        print(f"{3 * each} connections at their worst: {grown / 3 / each:.0f} bytes each, {bound} at most")
        # What was sent and cannot be gone, and what was promised.
        assert each * (16_000 + 8_000 + 60_000) * 0.8 < grown < 3 * each * bound
        # Twice what was sent is what growing arrays may cost: the promise is not made true by being large.
        assert grown < 2.5 * each * (16_000 + 8_000 + 60_000)
    eventually(lambda: footprint.descriptors <= descriptors + 8)
    assert server.stop() == 0
