"""One real appointment and a thousand real messages through everything, with a restart in the middle."""

from __future__ import annotations

import threading

import pytest

from support.people import Person
from support.processes import eventually

MESSAGES = 1_000


def exchange(rooms: list, prefix: str, count: int) -> None:
    """Both sides write at the same time, `count` in all."""

    def write(room, name: str) -> None:
        for number in range(count // 2):
            room.send_paced(f"{prefix} {name} {number}")

    writers = [threading.Thread(target=write, args=(room, room.person.name)) for room in rooms]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(90)
        assert not writer.is_alive(), "the echoes stopped"


def strip(message: dict) -> tuple:
    return tuple(message[key] for key in ("message_id", "created_at", "seq", "sender_id", "sender_name", "message"))


@pytest.mark.timeout(240)
def test_two_people_talk_through_a_restart_and_everything_is_there_once_and_in_order(own_world):
    server = own_world.server
    creator = Person(server, "지영").register()
    guest = Person(server, "민수").register()
    event = creator.create_event(guest)
    confirmed = creator.post(f"/events/{event['id']}/confirm")
    assert confirmed.status_code == 200 and confirmed.json()["status"] == "CONFIRMED"

    seen: dict[str, list[dict]] = {creator.name: [], guest.name: []}
    for part in ("before", "after"):
        rooms = [person.socket(event["id"]) for person in (creator, guest)]
        exchange(rooms, part, MESSAGES // 2)
        for room in rooms:
            room.wait_lines(MESSAGES // 2, seconds=60)
        if part == "before":
            server.restart()
            assert [room.wait_closed() for room in rooms] == [1012, 1012]
        for room in rooms:
            seen[room.person.name] += room.lines()
            room.close()

    first, second = ([strip(line) for line in lines] for lines in seen.values())
    assert first == second, "both saw the same, in the same order"
    assert len(first) == MESSAGES and len({line[0] for line in first}) == MESSAGES, "each exactly once"
    for part in ("before", "after"):
        for person in (creator, guest):
            said = [line[5] for line in first if line[5].startswith(f"{part} {person.name} ")]
            assert said == [f"{part} {person.name} {n}" for n in range(MESSAGES // 4)], "in the order of sending"

    eventually(lambda: len(creator.texts(event["id"])) == MESSAGES, seconds=30, every=0.5)
    for person in (creator, guest):
        room = person.whole_room(event["id"], page=170)
        assert [strip(item) for item in room if item["message_type"] != "system"] == first, "REST says the same"
        assert [item["seq"] for item in room] == list(range(1, len(room) + 1)), "one total order without gaps"
        times = [item["created_at"] for item in room]
        assert times == sorted(set(times)), "times rise strictly"

    history = eventually(lambda: len(h := guest.history(event["id"])) >= 2 and h)
    who_did_what = [(entry["change_type"], entry["actor"]["id"], entry["actor"]["name"]) for entry in history]
    assert who_did_what == [("CONFIRMED", creator.id, "지영"), ("CREATED", creator.id, "지영")], "newest first"


def test_what_people_did_before_a_restart_is_there_after_it(own_world):
    server = own_world.server
    creator = Person(server, "지영").register()
    guest = Person(server, "민수").register()
    event = creator.create_event(guest)
    with creator.socket(event["id"]) as room:
        room.send("곧 갈게요")
        said = room.wait_text("곧 갈게요")
    server.restart()
    assert creator.event(event["id"])["title"] == event["title"]
    again = eventually(lambda: guest.texts(event["id"]))
    assert [strip(message) for message in again] == [strip(said)]
    assert guest.post("/auth/refresh", refresh_token=guest.refresh_token).status_code == 200
