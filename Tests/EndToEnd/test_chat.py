"""The room, as the shipped app speaks with it."""

from __future__ import annotations

import time
import uuid

import pytest

from support.people import Person, body_of
from support.processes import eventually
from support.refusals import check_error, refusal


def test_a_message_reaches_everybody_with_the_same_id_and_time(pair):
    creator, guest, event = pair
    with creator.socket(event["id"]) as mine, guest.socket(event["id"]) as theirs:
        mine.send("  안녕하세요 👋  ")
        own, other = mine.wait_text("안녕하세요 👋"), theirs.wait_text("안녕하세요 👋")
    assert own == other
    assert own["event_id"] == event["id"] and own["sender_id"] == creator.id and own["sender_name"] == "지영"
    assert own["message_type"] == "text" and own["is_deleted"] is False
    assert uuid.UUID(own["message_id"]).version == 7
    assert own["created_at"].endswith("Z") and len(own["created_at"]) == len("2026-01-15T10:00:00.000Z")
    assert own.get("sender_profile_url") is None
    stored = eventually(lambda: guest.texts(event["id"]))
    assert [stored[0][key] for key in ("message_id", "created_at", "seq")] == [
        own[key] for key in ("message_id", "created_at", "seq")
    ]


def test_a_frame_without_a_type_is_a_message(pair):
    creator, _, event = pair
    with creator.socket(event["id"]) as room:
        room.send_frame({"message": "형식 없이"})
        room.wait_text("형식 없이")


def test_the_apps_sub_protocol_is_answered(pair):
    creator, _, event = pair
    with creator.socket(event["id"]) as room:
        assert room.subprotocol == "chat"
    with creator.socket(event["id"], subprotocols=()) as room:
        assert room.subprotocol is None


def test_one_person_may_hold_several_sockets(pair):
    creator, guest, event = pair
    rooms = [creator.socket(event["id"]) for _ in range(3)]
    with guest.socket(event["id"]) as theirs:
        theirs.send("모두에게")
        for room in rooms:
            room.wait_text("모두에게")
            room.close()


def test_rooms_do_not_hear_each_other(people):
    creator, guest = people("지영", "민수")
    first, second = creator.create_event(guest)["id"], creator.create_event(guest)["id"]
    with guest.socket(first) as here, guest.socket(second) as there, creator.socket(first) as mine:
        mine.send("여기만")
        here.wait_text("여기만")
        time.sleep(0.3)
        assert there.lines() == []


def test_a_message_by_rest_is_heard_in_the_room_and_a_message_of_the_room_is_read_by_rest(pair):
    creator, guest, event = pair
    with guest.socket(event["id"]) as room:
        posted = body_of(creator.post(f"/events/{event['id']}/messages", content="REST로 보냄"), 201, 200)
        heard = room.wait_text("REST로 보냄")
    assert {key: heard[key] for key in ("message_id", "created_at", "seq")} == {
        key: posted[key] for key in ("message_id", "created_at", "seq")
    }


@pytest.mark.parametrize("way", ["socket", "rest"])
def test_the_same_client_id_is_the_same_message(pair, way):
    creator, guest, event = pair
    client_id = str(uuid.uuid4())
    with guest.socket(event["id"]) as listener:
        if way == "rest":
            body = {"content": "한 번만", "client_message_id": client_id}
            answers = [
                body_of(creator.post(f"/events/{event['id']}/messages", **body), status) for status in (201, 200, 200)
            ]
            assert answers[0] == answers[1] == answers[2]
        else:
            with creator.socket(event["id"]) as room:
                for _ in range(3):
                    room.send("한 번만", client_id)
                room.send("그리고 끝")
                room.wait_text("그리고 끝")
                # Each send is answered, always with the same message; only the sender hears it again.
                echoes = [line for line in room.lines() if line["message"] == "한 번만"]
                assert len(echoes) == 3 and echoes[0] == echoes[1] == echoes[2]
        creator.post(f"/events/{event['id']}/messages", content="마지막")
        listener.wait_text("마지막")
        assert [line["message"] for line in listener.lines()].count("한 번만") == 1
    eventually(lambda: creator.texts(event["id"])[-1:] and creator.texts(event["id"])[-1]["message"] == "마지막")
    assert [item["message"] for item in creator.texts(event["id"])].count("한 번만") == 1


def test_a_reply_names_what_it_answers(pair):
    creator, guest, event = pair
    with creator.socket(event["id"]) as room:
        room.send("몇 시에 볼까요?")
        question = room.wait_text("몇 시에 볼까요?")
        room.send("3시요", reply_to=question["message_id"])
        assert room.wait_text("3시요")["reply_to"] == question["message_id"]


@pytest.mark.parametrize("length", [1, 4_000])
def test_the_shortest_and_the_longest_text_pass(pair, length):
    creator, _, event = pair
    with creator.socket(event["id"]) as room:
        room.send("가" * length)
        assert len(room.wait_text("가" * length)["message"]) == length


BAD_FRAMES = {
    "empty text": {"type": "message", "message": ""},
    "blank text": {"type": "message", "message": " \n\t "},
    "4,001 characters": {"type": "message", "message": "가" * 4_001},
    "no text": {"type": "message"},
    "text of another type": {"type": "message", "message": 12},
    "NUL": {"type": "message", "message": "a\u0000b"},
    "bad client id": {"type": "message", "message": "안녕", "client_message_id": "not-a-uuid"},
    "bad reply": {"type": "message", "message": "안녕", "reply_to": "not-a-uuid"},
    "another room": {"type": "message", "message": "안녕", "event_id": 1_234_567},
    "a system line": {"type": "system", "message": "나는 서버다"},
    "unknown type": {"type": "dance"},
    "type of another type": {"type": 5, "message": "안녕"},
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_bad_frame_is_told_to_its_sender_alone_and_the_socket_lives(pair, name):
    creator, guest, event = pair
    with creator.socket(event["id"]) as room, guest.socket(event["id"]) as listener:
        room.send_frame(BAD_FRAMES[name])
        error = room.wait_error()
        assert isinstance(error["code"], str) and error["message"]
        room.send("그래도 이어집니다")
        listener.wait_text("그래도 이어집니다")
        assert [line["message"] for line in listener.lines()] == ["그래도 이어집니다"]
        assert listener.errors() == [] and listener.notices() == []


@pytest.mark.parametrize(
    "payload", ["{", "[]", '"text"', "null", "", '{"type":"message","message":"a"}{}', "[" * 5_000]
)
def test_a_frame_that_is_no_json_object_is_an_error_and_the_socket_lives(pair, payload):
    creator, _, event = pair
    with creator.socket(event["id"]) as room:
        room.send_raw(payload, text=True)
        check_error(room.wait_error())
        room.send("살아 있음")
        room.wait_text("살아 있음")


def test_the_apps_user_is_told_of_a_refusal_in_the_room(pair):
    """The shipped app shows nothing but messages: a refusal comes as a line, too, which is stored nowhere."""
    creator, _, event = pair
    with creator.socket(event["id"]) as room:
        room.send("가" * 4_001)
        notice = room.wait(lambda: room.notices() and room.notices()[0])
        assert notice["message_type"] == "system" and notice["sender_id"] == 0 and notice["sender_name"] == "timingle"
        assert uuid.UUID(notice["message_id"]) and notice["message"]
    assert notice["message_id"] not in [item["message_id"] for item in creator.whole_room(event["id"])]


@pytest.mark.parametrize(
    ("payload", "as_text", "code"),
    [(b"\x00\x01", None, 1003), ("x" * 70_000, None, 1009), (b'{"message":"\xff\xfe"}', True, 1007)],
    ids=["binary", "too big", "invalid UTF-8"],
)
def test_what_no_client_should_send_closes_the_socket_with_its_code(pair, payload, as_text, code):
    creator, guest, event = pair
    room = creator.socket(event["id"])
    with guest.socket(event["id"]) as listener:
        room.send_raw(payload, text=as_text)
        assert room.wait_closed() == code
        listener.send("우리는 괜찮아요")
        listener.wait_text("우리는 괜찮아요")


def test_a_close_is_answered_at_once(pair):
    creator, _, event = pair
    room = creator.socket(event["id"])
    begun = time.monotonic()
    room.close()
    assert room.wait_closed() == 1000 and time.monotonic() - begun < 2


def test_typing_is_not_kept(pair):
    creator, guest, event = pair
    with creator.socket(event["id"]) as room:
        room.send_frame({"type": "typing"})
        room.send("다 썼어요")
        room.wait_text("다 썼어요")
    eventually(lambda: guest.texts(event["id"]))
    assert [item["message"] for item in guest.texts(event["id"])] == ["다 썼어요"]


def test_a_reconnect_with_a_position_brings_what_was_missed_once_and_in_order(pair):
    creator, guest, event = pair
    with guest.socket(event["id"]) as room:
        room.send("본 것")
        seen = room.wait_text("본 것")
    missed = [f"놓친 것 {number}" for number in range(5)]
    with creator.socket(event["id"]) as room:
        for text in missed:
            room.send(text)
        room.wait_lines(5)
        eventually(lambda: len(creator.texts(event["id"])) == 6)
        with guest.socket(event["id"], query=f"&since={seen['message_id']}") as again:
            room.send("지금 것")
            again.wait_text("지금 것")
            assert [line["message"] for line in again.lines()] == [*missed, "지금 것"]


def test_a_connect_without_a_position_brings_nothing_old(pair):
    creator, guest, event = pair
    body_of(creator.post(f"/events/{event['id']}/messages", content="옛날 것"), 201, 200)
    with guest.socket(event["id"]) as room:
        room.send("새 것")
        room.wait_text("새 것")
        assert [line["message"] for line in room.lines()] == ["새 것"]


def test_pages_go_backwards_without_a_gap_or_a_double(pair):
    creator, guest, event = pair
    with creator.socket(event["id"]) as room:
        for number in range(25):
            room.send(f"{number}")
        room.wait_lines(25)
    eventually(lambda: len(guest.texts(event["id"])) == 25)
    newest = guest.messages(event["id"], limit=7)
    assert len(newest) == 7 and newest[0]["message"] == "24", "newest first"
    older = guest.messages(event["id"], limit=7, before=newest[-1]["message_id"])
    assert [item["seq"] for item in newest + older] == list(range(newest[0]["seq"], newest[0]["seq"] - 14, -1))
    newer = guest.messages(event["id"], after=older[0]["message_id"])
    assert {item["message_id"] for item in newer} >= {item["message_id"] for item in newest}


def test_a_quiet_room_is_an_empty_array_or_its_system_lines(people):
    [creator] = people("지영")
    event = creator.create_event()["id"]
    assert all(item["message_type"] == "system" for item in creator.messages(event))


def test_changes_of_the_event_are_lines_in_the_room(pair):
    creator, guest, event = pair
    with guest.socket(event["id"]) as room:
        body_of(creator.post(f"/events/{event['id']}/confirm"), 200)
        line = room.wait(
            lambda: next((f for f in room.frames if f.get("message_type") == "system" and f.get("seq")), None)
        )
    assert line["sender_id"] == 0 and line["message"]
    eventually(lambda: sum(item["message_type"] == "system" for item in guest.whole_room(event["id"])) >= 2)


def test_a_canceled_event_is_read_only(pair):
    creator, guest, event = pair
    room = guest.socket(event["id"])
    room.send("취소 전")
    room.wait_text("취소 전")
    body_of(creator.post(f"/events/{event['id']}/cancel"), 200)
    refusal(guest.post(f"/events/{event['id']}/messages", content="취소 후"), 409, code="EVENT_READ_ONLY")
    if room.close_code is None:
        room.send("취소 후")
        room.wait_error()
    eventually(lambda: guest.texts(event["id"]))
    assert [item["message"] for item in guest.texts(event["id"])] == ["취소 전"], "what was said stays readable"
    room.close()


def test_unread_messages_are_counted_and_reading_them_ends_it(pair):
    creator, guest, event = pair
    for number in range(3):
        body_of(creator.post(f"/events/{event['id']}/messages", content=f"{number}"), 201, 200)
    eventually(lambda: guest.event(event["id"])["unread_messages"] == 3)
    eventually(lambda: creator.event(event["id"])["unread_messages"] == 0)  # One's own are read.
    assert len([item for item in guest.messages(event["id"]) if item["message_type"] != "system"]) == 3
    eventually(lambda: guest.event(event["id"])["unread_messages"] == 0)


def test_what_came_over_a_socket_is_read(pair):
    creator, guest, event = pair
    with guest.socket(event["id"]) as room:
        body_of(creator.post(f"/events/{event['id']}/messages", content="보이죠?"), 201, 200)
        room.wait_text("보이죠?")
        eventually(lambda: len(creator.texts(event["id"])) == 1)
        # While the room is open the position follows.
        eventually(lambda: guest.event(event["id"])["unread_messages"] == 0)
        body_of(creator.post(f"/events/{event['id']}/messages", content="그럼 이만"), 201, 200)
        room.wait_text("그럼 이만")
    # And it is brought up to the last message when the room is left.
    body_of(creator.post(f"/events/{event['id']}/messages", content="혼잣말"), 201, 200)
    eventually(lambda: len(creator.texts(event["id"])) == 3)
    eventually(lambda: guest.event(event["id"])["unread_messages"] == 1, seconds=5)


def test_a_flood_is_refused_politely_and_ends(make_world):
    world = make_world(CHAT_RATE_PER_SECOND="10", CHAT_RATE_BURST="20")
    server = world.server.start()
    creator, guest = Person(server, "지영").register(), Person(server, "민수").register()
    event = creator.create_event(guest)["id"]
    with creator.socket(event) as room, guest.socket(event) as listener:
        for number in range(60):
            room.send(f"{number}")
        error = room.wait_error()
        assert error["code"] and error.get("retryable", True)
        time.sleep(2.5)
        room.send("천천히")
        listener.wait_text("천천히")
        assert 20 <= len(listener.lines()) <= 50, "the burst passes, the flood does not"
        assert room.close_code is None
