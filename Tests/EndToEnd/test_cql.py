"""Chat and history in Cassandra: its node dies, hangs or is not there yet, and nobody who talks notices."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid

import httpx
import pytest

from support.cassandra import Keyspace
from support.people import Person
from support.processes import eventually

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not Keyspace.is_wanted(), reason="needs Cassandra: make e2e CQL=1"),
]

# How long the node stays dead: `make outage` says 60.
OUTAGE = float(os.environ.get("TIMINGLE_E2E_CQL_OUTAGE", "10"))


@pytest.fixture
def node(own_world):
    """The node of all worlds: whatever became of it, it is there again afterwards."""
    yield own_world.keyspace.node
    with_answers(own_world.keyspace)


def with_answers(keyspace: Keyspace) -> None:
    def answers() -> bool:
        try:
            return bool(keyspace.query("SELECT key FROM system.local"))
        except Exception:  # noqa: BLE001 - the driver comes back some time after a node does.
            return False

    eventually(answers, seconds=90, every=0.5)


def two(server) -> tuple[Person, Person, int]:
    creator, guest = Person(server, "지영").register(), Person(server, "민수").register()
    return creator, guest, creator.create_event(guest)["id"]


def readiness(server) -> dict:
    return httpx.get(server.url + "/readyz", timeout=10, trust_env=False, verify=server.tls or False).json()


class Talker(threading.Thread):
    """Says something every few milliseconds, and notes how long each echo took."""

    def __init__(self, room, name: str):
        super().__init__(daemon=True)
        self.room = room
        self.name_ = name
        self.said: list[tuple[str, float]] = []
        self.slowest = 0.0
        self.ends = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            number = 0
            while not self.ends.is_set():
                text = f"{self.name_} {number}"
                start = time.monotonic()
                self.room.send(text)
                self.room.wait_text(text, seconds=20)
                self.slowest = max(self.slowest, time.monotonic() - start)
                self.said.append((text, start))
                number += 1
                time.sleep(0.01)
        except BaseException as failure:  # noqa: BLE001 - told by the test that joins it.
            self.failure = failure


def talk_through(rooms: list, during) -> list[Talker]:
    """Both talk before, while and after `during` runs."""
    talkers = [Talker(room, room.person.name) for room in rooms]
    for talker in talkers:
        talker.start()
    time.sleep(1)
    during()
    time.sleep(1)
    for talker in talkers:
        talker.ends.set()
    for talker in talkers:
        talker.join(30)
        assert talker.failure is None, f"the echoes stopped: {talker.failure}"
        assert not talker.is_alive()
    return talkers


def stored(person: Person, event: int) -> set[str]:
    """What REST has; nothing while it says 503: each thread of the server comes back to the node by itself."""
    if person.get(f"/events/{event}/messages").status_code == 503:
        return set()
    return {item["message"] for item in person.texts(event)}


def assert_all_there_once(world, person: Person, event: int, texts: list[str]) -> None:
    deadline = time.monotonic() + 90
    while missing := set(texts) - stored(person, event):
        some = sorted(missing)[:5]
        assert time.monotonic() < deadline, f"{len(missing)} of {len(texts)} are missing, such as {some}"
        time.sleep(1)
    room = person.whole_room(event, page=200)
    assert [item["seq"] for item in room] == list(range(1, len(room) + 1)), "no gap, in order"
    said = [item["message"] for item in room if item["message_type"] != "system"]
    assert sorted(said) == sorted(texts), "each once"
    # And in the table itself, as any other program reads it.
    rows = world.keyspace.query(
        f"SELECT created_at, message_id, seq, message FROM {{}}.chat_messages_by_event WHERE event_id = {event}"
    )
    assert [row.seq for row in rows] == [item["seq"] for item in room]
    assert [str(row.message_id) for row in rows] == [item["message_id"] for item in room]


def test_the_node_is_killed_under_traffic_and_nobody_who_talks_notices(own_world, node):
    world, server = own_world, own_world.server
    creator, guest, event = two(server)
    assert readiness(server)["checks"]["cql"]["status"] == "up"
    with creator.socket(event) as first, guest.socket(event) as second:

        def outage() -> None:
            node.kill()
            end = time.monotonic() + OUTAGE
            eventually(lambda: readiness(server)["checks"]["cql"]["status"] == "down", seconds=15)
            answer = readiness(server)
            assert answer["status"] == "degraded" and answer["checks"]["cql"]["required"] is False
            assert creator.patch(f"/events/{event}", title="그 사이에").status_code == 200
            time.sleep(max(0.0, end - time.monotonic()))
            node.revive()

        talkers = talk_through([first, second], outage)
        slowest = max(talker.slowest for talker in talkers)
        assert slowest < 2, f"an echo took {slowest:.1f} s"
        texts = [text for talker in talkers for text, _ in talker.said]
        assert [line["message"] for line in first.lines()] == [line["message"] for line in second.lines()]
        assert len(texts) > OUTAGE * 10, "they talked while the node was dead"
    with_answers(world.keyspace)
    assert_all_there_once(world, guest, event, texts)
    eventually(lambda: any(entry["change_type"] == "UPDATED" for entry in guest.history(event)), seconds=30)
    history = guest.history(event)
    assert len({entry["change_id"] for entry in history}) == len(history)
    eventually(lambda: readiness(server)["status"] == "ready", seconds=30)


def test_a_node_that_hangs_does_not_hang_the_chat(own_world, node):
    creator, guest, event = two(own_world.server)
    with creator.socket(event) as first, guest.socket(event) as second:

        def pause() -> None:
            node.pause()
            try:
                time.sleep(8)
            finally:
                node.resume()

        talkers = talk_through([first, second], pause)
        slowest = max(talker.slowest for talker in talkers)
        assert slowest < 5, f"an echo took {slowest:.1f} s"
        texts = [text for talker in talkers for text, _ in talker.said]
    assert_all_there_once(own_world, guest, event, texts)


def test_the_server_comes_up_without_cassandra_and_heals_when_it_comes(make_world):
    world = make_world()
    node = world.keyspace.node
    node.kill()
    try:
        server = world.server.start()
        assert readiness(server)["status"] == "degraded"
        creator, guest = Person(server, "지영").register(), Person(server, "민수").register()
        event = creator.create_event(guest)["id"]
        assert creator.event(event)["id"] == event
        # A room that was never used opens all the same.
        with creator.socket(event) as room:
            room.send("아직 아무도 없네요")
            room.wait_text("아직 아무도 없네요")
    finally:
        node.revive()
    with_answers(world.keyspace)
    eventually(lambda: readiness(server)["status"] == "ready", seconds=30)
    with creator.socket(event) as room:
        room.send("이제 들리나요")
        room.wait_text("이제 들리나요")
    said = ["아직 아무도 없네요", "이제 들리나요"]
    eventually(lambda: [item["message"] for item in guest.texts(event)] == said, seconds=20)
    eventually(lambda: any(entry["change_type"] == "CREATED" for entry in guest.history(event)), seconds=30)


class Publisher:
    """Bytes of one's own into the broker, past everything that would refuse them."""

    def __init__(self, nats):
        self._socket = socket.create_connection(("127.0.0.1", nats.port), timeout=5)
        self._reader = self._socket.makefile("rb")
        assert self._reader.readline().startswith(b"INFO ")
        self._socket.sendall(b'CONNECT {"verbose":false}\r\n')

    def publish(self, subject: str, payload: bytes) -> None:
        self._socket.sendall(b"PUB %s %d\r\n%s\r\nPING\r\n" % (subject.encode(), len(payload), payload))
        while self._reader.readline() != b"PONG\r\n":
            pass


def dead_letters(world) -> int:
    answer = httpx.get(world.nats.monitor_url + "/jsz?streams=1", timeout=5, trust_env=False).json()
    streams = [stream for account in answer["account_details"] for stream in account["stream_detail"]]
    return sum(stream["state"]["messages"] for stream in streams if stream["name"] == "CHAT_DEADLETTER")


def test_poison_goes_to_the_dead_letters_and_what_follows_flows(own_world):
    creator, guest, event = two(own_world.server)
    with creator.socket(event) as room:
        room.send("먼저")
        before = room.wait_text("먼저")
        publisher = Publisher(own_world.nats)
        poison = {**before, "seq": before["seq"] + 1, "ordinal": 2, "message_id": str(uuid.uuid4())}
        poison.pop("client_id", None)
        publisher.publish(f"chat.message.{event}", b"no item at all")
        publisher.publish(f"chat.message.{event}", json.dumps({**poison, "message": "a\u0000b"}).encode())
        publisher.publish(f"chat.message.{event}", json.dumps({**poison, "message": "가" * 30_000}).encode())
        eventually(lambda: dead_letters(own_world) == 3, seconds=20)
        room.send("나중에")
        room.wait_text("나중에")
    eventually(lambda: [item["message"] for item in guest.texts(event)] == ["먼저", "나중에"], seconds=20)
    assert len(own_world.keyspace.query(f"SELECT seq FROM {{}}.chat_messages_by_event WHERE event_id = {event}")) == len(
        guest.whole_room(event)
    )


def test_what_is_derived_is_kept_where_other_programs_read_it(own_world):
    creator, guest, event = two(own_world.server)
    keyspace = own_world.keyspace
    with creator.socket(event) as room:
        for number in range(3):
            room.send(f"하나 {number}")
        room.wait_lines(3)
        room.send_frame({"type": "typing"})

        def typing() -> list:
            return keyspace.query(f"SELECT user_id, user_name FROM {{}}.typing_indicators WHERE event_id = {event}")

        assert [tuple(row) for row in eventually(typing)] == [(creator.id, "지영")]

        def counts() -> dict[int, int]:
            found = {}
            for person in (creator, guest):
                where = f"event_id = {event} AND user_id = {person.id}"
                rows = keyspace.query(f"SELECT count FROM {{}}.unread_message_counts WHERE {where}")
                found[person.id] = rows[0].count if rows else 0
            return found

        def unread(count: int) -> bool:
            return counts() == {creator.id: 0, guest.id: count}

        eventually(lambda: unread(3), seconds=20)
    guest.messages(event)
    eventually(lambda: unread(0), seconds=20)
    activity = keyspace.query(f"SELECT event_id, message_id FROM {{}}.chat_messages_by_user WHERE user_id = {creator.id}")
    said = [item["message_id"] for item in reversed(creator.texts(event))]
    assert [(row.event_id, str(row.message_id)) for row in activity] == [(event, message_id) for message_id in said]
    eventually(lambda: typing() == [], seconds=20)


def test_history_says_where_a_change_came_from(own_world):
    creator, guest, event = two(own_world.server)
    creator.patch(f"/events/{event}", title="새 이름")
    eventually(lambda: len(guest.history(event)) >= 2, seconds=20)
    rows = own_world.keyspace.query(f"SELECT * FROM {{}}.event_history WHERE event_id = {event}")
    assert [row.change_type for row in rows][-1] == "CREATED", "newest first"
    assert all(row.ip_address == creator.address and row.user_agent for row in rows)
