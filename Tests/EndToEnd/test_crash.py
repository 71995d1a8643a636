"""kill -9 of the server in the middle of everything: what was echoed is there, and nothing is there twice."""

from __future__ import annotations

import json
import threading
import uuid

import pytest
from websockets.exceptions import ConnectionClosed

from support.people import Person
from support.processes import eventually


class Writer(threading.Thread):
    """Writes until the socket breaks, and remembers under which client id."""

    def __init__(self, room, prefix: str):
        super().__init__(daemon=True)
        self.room = room
        self.prefix = prefix
        self.sent: dict[str, str] = {}

    def run(self) -> None:
        for number in range(100_000):
            # A message may leave without our hearing of it: the id is noted first.
            client_id = str(uuid.uuid4())
            self.sent[client_id] = f"{self.prefix} {number}"
            try:
                self.room.send_paced(self.sent[client_id], client_id)
            except (ConnectionClosed, AssertionError):
                # The server is gone, while sending or while waiting for echoes.
                return


def without_gaps(person: Person, event: int) -> list[dict]:
    """The whole room, which has a place for each number."""
    room = person.whole_room(event, page=200)
    assert [item["seq"] for item in room] == list(range(1, len(room) + 1))
    return room


@pytest.mark.timeout(240)
def test_every_echoed_message_survives_kill_nine_and_none_is_doubled_by_sending_again(own_world):
    server = own_world.server
    people = [Person(server, "지영").register(), Person(server, "민수").register()]
    event = people[0].create_event(people[1])["id"]
    echoed: list[str] = []

    for turn in range(3):
        rooms = [person.socket(event) for person in people]
        writers = [Writer(room, f"{turn} {room.person.name}") for room in rooms]
        for writer in writers:
            writer.start()
        rooms[0].wait_lines(150, seconds=30)
        server.kill()
        for room, writer in zip(rooms, writers, strict=True):
            room.wait_closed()
            writer.join(10)
        server.start()

        # Whatever either socket saw counts, in the order in which it saw it.
        longer = max((room.lines() for room in rooms), key=len)
        shorter = min((room.lines() for room in rooms), key=len)
        ids = [line["message_id"] for line in longer]
        assert [line["message_id"] for line in shorter] == ids[: len(shorter)], "both saw the same order"
        echoed += ids

        # Ready means that what the broker acknowledged is stored: the very first pages have it, each item in its place.
        room = without_gaps(people[0], event)
        assert set(echoed) <= {item["message_id"] for item in room}

        # Nobody knows what became of the rest: the client sends it again under the same ids.
        answered = {line.get("client_id") or line.get("client_message_id") for line in longer}
        again = [(key, text) for writer in writers for key, text in writer.sent.items() if key not in answered]
        for person, writer in zip(people, writers, strict=True):
            mine = [(key, text) for key, text in again if key in writer.sent]
            with person.socket(event) as room:
                for client_id, text in [*mine[:40], (str(uuid.uuid4()), f"end of turn {turn} {person.name}")]:
                    room.send(text, client_id)
                room.wait_text(f"end of turn {turn} {person.name}", seconds=30)
                # Whether it was stored before or is new: each send has its answer.
                answers = {line.get("client_id") or line.get("client_message_id") for line in room.lines()}
                assert {client_id for client_id, _ in mine[:40]} <= answers

    room = without_gaps(people[0], event)
    assert any(item["message"] == "end of turn 2 민수" for item in room)
    ids = [item["message_id"] for item in room]
    assert len(ids) == len(set(ids))
    texts = [item["message"] for item in room if item["message_type"] != "system"]
    assert len(texts) == len(set(texts)), "sent twice, there once"
    order = {message_id: place for place, message_id in enumerate(ids)}
    places = [order[message_id] for message_id in echoed]
    assert places == sorted(places), "the history keeps the order that was shown"


def test_changes_of_an_event_survive_kill_nine_with_their_history_once(own_world):
    server = own_world.server
    creator = Person(server, "지영").register()
    event = creator.create_event()["id"]
    for number in range(20):
        assert creator.patch(f"/events/{event}", title=f"제목 {number}").status_code == 200
    server.kill()
    server.start()
    assert creator.event(event)["title"] == "제목 19"
    eventually(lambda: len(creator.history(event)) >= 21, seconds=20)
    history = creator.history(event)
    assert len({entry["change_id"] for entry in history}) == len(history) == 21
    assert [json.loads(entry["new_value"]) for entry in history[:-1]] == [f"제목 {n}" for n in reversed(range(20))]
