"""Who may do what: strangers, participants, those who declined, those without a token."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from support.people import Person, body_of, http_client
from support.refusals import refusal

# Every route of an event: method, path below /events/{id}, a good body, and whether the creator alone may.
ROUTES = [
    ("GET", "", None, False),
    ("PATCH", "", {"title": "빼앗은 약속"}, True),
    ("PUT", "", {"title": "빼앗은 약속"}, True),
    ("DELETE", "", None, True),
    ("POST", "/confirm", None, False),
    ("POST", "/cancel", None, True),
    ("POST", "/done", None, True),
    ("POST", "/participants", {"participant_id": 1}, True),
    ("DELETE", "/participants/{guest}", None, False),
    ("POST", "/confirm-participation", None, False),
    ("POST", "/accept", None, False),
    ("POST", "/decline", None, False),
    ("GET", "/history", None, False),
    ("GET", "/messages", None, False),
    ("POST", "/messages", {"content": "안녕하세요"}, False),
]
NAMES = [f"{method} {path or '/'}" for method, path, _, _ in ROUTES]


def call(person: Person, event: dict, method: str, path: str, body):
    guest = event["participants"][0]["id"] if event["participants"] else 1
    return person.request(method, f"/events/{event['id']}{path.format(guest=guest)}", json=body)


@pytest.fixture(scope="module")
def cast(world):
    """Creator, guest, stranger, and an appointment of the first two."""
    creator, guest, stranger = (Person(world.server, name).register() for name in ("지영", "민수", "낯선이"))
    return creator, guest, stranger, creator.create_event(guest)


@pytest.mark.parametrize(("method", "path", "body", "_"), ROUTES, ids=NAMES)
def test_a_stranger_gets_nothing_of_an_event(cast, method, path, body, _):
    creator, _, stranger, event = cast
    before = creator.event(event["id"])
    refusal(call(stranger, event, method, path, body), 403, 404)
    assert creator.event(event["id"]) == before, "and changes nothing"


@pytest.mark.parametrize(("method", "path", "body", "_"), ROUTES, ids=NAMES)
def test_without_a_token_there_is_no_event(cast, method, path, body, _):
    _, _, _, event = cast
    nobody = http_client(cast[0].server)
    answer = nobody.request(method, f"/api/v1/events/{event['id']}{path.format(guest=1)}", json=body)
    refusal(answer, 401, code="AUTH_TOKEN_MISSING")


@pytest.mark.parametrize(("method", "path", "body", "_"), ROUTES, ids=NAMES)
def test_an_event_that_is_not_there_is_not_found(cast, method, path, body, _):
    missing = {"id": 9_000_000_000, "participants": []}
    refusal(call(cast[0], missing, method, path, body), 404, 403)


@pytest.mark.parametrize(
    ("method", "path", "body", "_"), [r for r in ROUTES if r[3]], ids=[n for n, r in zip(NAMES, ROUTES) if r[3]]
)
def test_a_guest_may_not_do_what_is_the_creators(cast, method, path, body, _):
    creator, guest, _, event = cast
    before = creator.event(event["id"])["status"]
    refusal(call(guest, event, method, path, body), 403)
    assert creator.event(event["id"])["status"] == before


def refused_upgrade(person: Person, event_id, **options) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as refused:
        person.socket(event_id, **options)
    return refused.value


@pytest.mark.parametrize("case", ["stranger", "no event", "bad id", "no id", "no token", "bad token"])
def test_a_socket_is_refused_before_the_upgrade(cast, case):
    creator, _, stranger, event = cast
    refused, statuses = {
        "stranger": lambda: (refused_upgrade(stranger, event["id"]), (403, 404)),
        "no event": lambda: (refused_upgrade(creator, 9_000_000_000), (403, 404)),
        "bad id": lambda: (refused_upgrade(creator, "abc"), (400,)),
        "no id": lambda: (refused_upgrade(creator, ""), (400,)),
        "no token": lambda: (refused_upgrade(creator, event["id"], fields={}), (401,)),
        "bad token": lambda: (
            refused_upgrade(creator, event["id"], fields={"Authorization": "Bearer a.b.c"}),
            (401,),
        ),
    }[case]()
    assert refused.response.status_code in statuses, refused.response.body
    assert b'"error"' in refused.response.body and b'"code"' in refused.response.body


def test_who_declined_is_out_of_the_room_the_list_and_the_history(people):
    creator, guest = people("지영", "민수")
    event = creator.create_event(guest)["id"]
    room = guest.socket(event)
    body_of(guest.post(f"/events/{event}/decline"), 200)
    assert room.wait_closed() == 4507, "the open socket ends for good"
    refused = refused_upgrade(guest, event)
    assert refused.response.status_code in (403, 404)
    for path in ("", "/messages", "/history"):
        refusal(guest.get(f"/events/{event}{path}"), 403, 404)
    refusal(guest.post(f"/events/{event}/messages", content="아직 있어요"), 403, 404)
    assert event not in [each["id"] for each in body_of(guest.get("/events"), 200)]
    assert creator.event(event)["participants"] == [], "who declined is no longer shown"


def test_who_was_removed_is_out(people):
    creator, guest = people("지영", "민수")
    event = creator.create_event(guest)["id"]
    room = guest.socket(event)
    body_of(creator.delete(f"/events/{event}/participants/{guest.id}"), 200)
    assert room.wait_closed() == 4507
    refusal(guest.get(f"/events/{event}"), 403, 404)


def test_who_declined_may_be_invited_again(people):
    creator, guest = people("지영", "민수")
    event = creator.create_event(guest)["id"]
    body_of(guest.post(f"/events/{event}/decline"), 200)
    body_of(creator.post(f"/events/{event}/participants", participant_id=guest.id), 200, 201)
    assert guest.event(event)["id"] == event


def test_a_phone_number_is_nobody_elses_business(cast):
    creator, guest, stranger, event = cast
    assert creator.phone not in guest.get(f"/events/{event['id']}").text
    assert guest.phone not in creator.get(f"/events/{event['id']}").text
    assert creator.phone not in stranger.get(f"/users/{creator.id}").text


def test_the_token_may_come_as_a_sub_protocol(cast):
    creator, _, _, event = cast
    room = creator.socket(event["id"], fields={}, subprotocols=("Bearer", creator.token))
    assert room.subprotocol == "Bearer"
    room.send("하위 프로토콜로 왔어요")
    room.wait_text("하위 프로토콜로 왔어요")
    room.close()


def test_a_browser_opens_a_socket_by_a_ticket_that_works_once(cast):
    creator, guest, _, event = cast
    ticket = creator.ticket()
    with creator.socket(event["id"], query=f"&ticket={ticket}", fields={}, subprotocols=()) as room:
        client_id = room.send("티켓으로 왔어요")
        assert room.wait_text("티켓으로 왔어요")["sender_id"] == creator.id
        assert client_id
        with pytest.raises(InvalidStatus) as refused:
            guest.socket(event["id"], query=f"&ticket={ticket}", fields={})
        assert refused.value.response.status_code == 401
    assert ticket not in creator.server.log()


def test_a_ticket_of_a_stranger_opens_nothing(cast):
    _, _, stranger, event = cast
    with pytest.raises(InvalidStatus) as refused:
        stranger.socket(event["id"], query=f"&ticket={stranger.ticket()}", fields={})
    assert refused.value.response.status_code in (403, 404)


def test_without_redis_there_are_no_tickets_but_other_credentials_work(own_world):
    creator = Person(own_world.server, "지영").register()
    event = creator.create_event()
    ticket = creator.ticket()
    own_world.redis.kill()
    refusal(creator.post("/ws/ticket"), 503)
    with pytest.raises(InvalidStatus) as refused:
        creator.socket(event["id"], query=f"&ticket={ticket}", fields={})
    assert refused.value.response.status_code == 503
    creator.socket(event["id"]).close()
