"""Bad input gets a clear answer: a status, a code for programs, words for people in their language."""

from __future__ import annotations

import json

import pytest

from support.people import Person, body_of, http_client, later
from support.processes import eventually
from support.refusals import HANGUL, check_error, refusal

GOOD_EVENT = {"title": "점심", "start_time": later(1), "end_time": later(1, 1)}


def without(name: str) -> dict:
    return {key: value for key, value in GOOD_EVENT.items() if key != name}


BAD_EVENTS = {
    "no title": without("title"),
    "no start": without("start_time"),
    "no end": without("end_time"),
    "null title": {**GOOD_EVENT, "title": None},
    "empty title": {**GOOD_EVENT, "title": ""},
    "blank title": {**GOOD_EVENT, "title": " \t\n "},
    "number for a title": {**GOOD_EVENT, "title": 7},
    "object for a title": {**GOOD_EVENT, "title": {"ko": "점심"}},
    "title of 201 characters": {**GOOD_EVENT, "title": "가" * 201},
    "title with NUL": {**GOOD_EVENT, "title": "점\u0000심"},
    "location of 201 characters": {**GOOD_EVENT, "location": "가" * 201},
    "description of 5,001 characters": {**GOOD_EVENT, "description": "가" * 5_001},
    "number for a description": {**GOOD_EVENT, "description": 1},
    "start that is no time": {**GOOD_EVENT, "start_time": "tomorrow"},
    "start as a number": {**GOOD_EVENT, "start_time": 1_700_000_000},
    "start without a zone": {**GOOD_EVENT, "start_time": "2026-01-15T10:00:00"},
    "start on no day": {**GOOD_EVENT, "start_time": "2026-02-30T10:00:00Z"},
    "end before start": {**GOOD_EVENT, "start_time": later(2), "end_time": later(1)},
    "text for participants": {**GOOD_EVENT, "participant_ids": "1,2"},
    "texts in participants": {**GOOD_EVENT, "participant_ids": ["1"]},
    "fractions in participants": {**GOOD_EVENT, "participant_ids": [1.5]},
    "a great many participants": {**GOOD_EVENT, "participant_ids": list(range(1, 5_000))},
    "integers beyond 64 bits": {**GOOD_EVENT, "participant_ids": [2**70]},
}

BAD_JSON = {
    "nothing": b"",
    "an open brace": b"{",
    "a trailing comma": b'{"title":"a",}',
    "single quotes": b"{'title':'a'}",
    "an array": b"[]",
    "a text": b'"title"',
    "null": b"null",
    "two objects": b"{}{}",
    "NaN": b'{"title":NaN}',
    "a lone surrogate": b'{"title":"\\ud800"}',
    "a bare control character": b'{"title":"a\x01"}',
    "depth without end": b'{"a":' + b"[" * 10_000,
    "invalid UTF-8": b'{"title":"\xff\xfe"}',
    "overlong UTF-8": b'{"title":"\xc0\xaf"}',
    "half a character": b'{"title":"\xea\xb0',
    "an exponent beyond measure": b'{"participant_ids":[1e999999]}',
}


@pytest.fixture(scope="module")
def person(world):
    return Person(world.server, "지영").register()


@pytest.fixture(scope="module")
def event(person):
    return person.create_event()


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_a_bad_event_is_refused_and_not_made(person, name):
    before = len(body_of(person.get("/events", limit=100), 200))
    refusal(person.post("/events", **BAD_EVENTS[name]), 400, 422)
    assert len(body_of(person.get("/events", limit=100), 200)) == before


def change_of(name):
    return {key: value for key, value in BAD_EVENTS[name].items() if value != GOOD_EVENT.get(key)}


# A change need not be whole, and participants come and go by routes of their own.
BAD_CHANGES = [name for name in BAD_EVENTS if not name.startswith("no ") and "participant_ids" not in change_of(name)]


@pytest.mark.parametrize("name", BAD_CHANGES)
def test_a_bad_change_is_refused_and_nothing_changes(person, event, name):
    before = person.event(event["id"])
    change = change_of(name)
    refusal(person.patch(f"/events/{event['id']}", **change), 400, 422)
    assert person.event(event["id"]) == before


@pytest.mark.parametrize("name", BAD_JSON)
@pytest.mark.parametrize("path", ["/events", "/auth/phone/send"])
def test_a_body_that_is_no_json_object_is_a_bad_request(person, path, name):
    answer = person.request("POST", path, content=BAD_JSON[name], headers={"Content-Type": "application/json"})
    refusal(answer, 400, 422)


@pytest.mark.parametrize(
    "bad", ["0", "-1", "abc", "1.5", "1e3", "9223372036854775808", "99999999999999999999999", "%00", "１"]
)
@pytest.mark.parametrize("path", ["", "/messages", "/history"])
def test_a_bad_id_is_a_bad_request(person, bad, path):
    refusal(person.get(f"/events/{bad}{path}"), 400, 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": None},
        {"phone": ""},
        {"phone": 1012345678},
        {"phone": "abc"},
        {"phone": "123"},
        {"phone": "+82" + "1" * 40},
        {"phone": "oauth_123"},
        {"phone": "+8210123\u00004567"},
        {"phone": "１２３４５６７８９０"},
        {"phone": ["+821012345678"]},
    ],
    ids=repr,
)
def test_a_bad_phone_is_refused(person, body):
    refusal(person.request("POST", "/auth/phone/send", json=body), 400, 422)


@pytest.mark.parametrize("text", ["", "   ", "가" * 4_001, None, 5, ["a"]], ids=lambda t: repr(t)[:12])
def test_a_bad_text_is_refused_by_rest(person, event, text):
    refusal(person.post(f"/events/{event['id']}/messages", content=text), 400, 422)


@pytest.mark.parametrize(
    "query", [{"limit": "abc"}, {"before": "nonsense"}, {"before": "' OR 1=1 --"}, {"after": "\u0000"}], ids=repr
)
def test_a_bad_query_is_refused(person, event, query):
    refusal(person.get(f"/events/{event['id']}/messages", **query), 400, 422)


@pytest.mark.parametrize("limit", ["0", "-5", "100000", "99999999999999999999"])
def test_a_limit_out_of_range_is_brought_into_it(person, event, limit):
    assert isinstance(person.messages(event["id"], limit=limit), list)


@pytest.mark.parametrize(
    "path", ["/", "/api/v1", "/api/v1/nothing", "/api/v2/events", "/api/v1/events/1/nothing", "/../etc/passwd"]
)
def test_an_unknown_address_is_not_found_in_json(person, path):
    refusal(person.http.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/events"),
        ("PATCH", "/auth/me"),
        ("PUT", "/events/1/confirm"),
        ("GET", "/auth/phone/send"),
        ("TRACE", "/events"),
    ],
)
def test_an_unknown_method_is_not_allowed_and_says_what_is(person, method, path):
    answer = person.request(method, path)
    refusal(answer, 405, 501)
    if answer.status_code == 405:
        assert answer.headers["allow"]


def test_words_are_korean_by_default_and_english_when_asked_for(person):
    for fields, language in (
        ({}, "ko"),
        ({"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8"}, "ko"),
        ({"Accept-Language": "en-US,en;q=0.9"}, "en"),
        ({"Accept-Language": "fr, en;q=0.5, ko;q=0.1"}, "en"),
        ({"Accept-Language": "xx-nonsense;q=abc, ,,"}, "ko"),
    ):
        answer = person.request("POST", "/events", json={}, headers=fields)
        refusal(answer, 400, 422, language=language)
        refusal(person.request("GET", "/events/9000000000", headers=fields), 403, 404, language=language)
        refusal(person.request("GET", "/nothing", headers=fields), 404, language=language)


def test_the_users_own_setting_decides_the_language(people):
    [alice] = people("Alice")
    body_of(alice.patch("/users/me", language="en"), 200)

    def speaks_english() -> bool:
        return not HANGUL.search(alice.get("/events/9000000000").text)

    # Users are cached for some seconds.
    eventually(speaks_english, seconds=10, every=0.5)
    refusal(alice.get("/events/9000000000"), 403, 404, language="en")
    refusal(alice.request("GET", "/events/9000000000", headers={"Accept-Language": "ko"}), 403, 404, language="ko")


def test_unknown_fields_are_ignored_and_null_is_absent(person):
    event = body_of(
        person.post("/events", **GOOD_EVENT, password="x", description=None, location=None, participant_ids=None), 201
    )
    assert event.get("description") is None and event["participants"] == []


# Below: what no HTTP library would send.


def raw(server, request: bytes, seconds: float = 10) -> tuple[int, dict[str, str], bytes]:
    """Status, fields and body of the answer to these bytes."""
    with server.connection(seconds) as connection:
        try:
            connection.sendall(request)
        except OSError:
            # It may have answered and closed before it had everything.
            pass
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = connection.recv(65_536)
            assert chunk, f"closed without an answer: {received!r}"
            received += chunk
        head, body = received.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        while len(body) < int(fields.get("content-length", 0)):
            body += connection.recv(65_536)
        return int(lines[0].split(" ")[1]), fields, body


HOST = b"Host: localhost\r\n"
LONG = b"x" * 20_000
RAW = {
    "an oversized field": (b"GET /livez HTTP/1.1\r\n" + HOST + b"X-Long: " + LONG + b"\r\n\r\n", (431,)),
    "too many fields": (b"GET /livez HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n" * 500 + b"\r\n", (431,)),
    "an oversized address": (b"GET /" + LONG + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414,)),
    "an oversized body, announced": (
        b"POST /api/v1/events HTTP/1.1\r\n" + HOST + b"Content-Length: 50000000\r\n\r\n",
        (413, 401),
    ),
    "an oversized body, chunked": (
        b"POST /api/v1/auth/login HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 40,
        (413,),
    ),
    "no Host": (b"GET /livez HTTP/1.1\r\n\r\n", (400,)),
    "nonsense": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", (400,)),
    "a version to come": (b"GET /livez HTTP/3.0\r\n" + HOST + b"\r\n", (400, 505)),
    "a negative length": (b"POST /api/v1/auth/login HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", (400,)),
    "two lengths": (
        b"POST /api/v1/auth/login HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        (400,),
    ),
    "length and chunks": (
        b"POST /api/v1/auth/login HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        (400,),
    ),
    "a field name with a blank": (b"GET /livez HTTP/1.1\r\n" + HOST + b"X Y: 1\r\n\r\n", (400,)),
    "a bad chunk size": (
        b"POST /api/v1/auth/login HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        (400,),
    ),
}


@pytest.mark.parametrize("name", RAW)
def test_malformed_http_is_answered_and_the_server_lives(server, name):
    request, statuses = RAW[name]
    status, fields, body = raw(server, request)
    assert status in statuses, body
    assert fields["content-type"].startswith("application/json")
    check_error(json.loads(body)["error"], context=name)
    assert server.status("/livez") == 200


def test_a_body_beyond_the_limit_is_413_and_the_next_request_is_served(person):
    answer = person.request("POST", "/events", content=b" " * 1_100_000, headers={"Content-Type": "application/json"})
    refusal(answer, 413)
    assert person.get("/auth/me").status_code == 200


def test_requests_in_one_packet_are_answered_in_order(server):
    with server.connection() as connection:
        one = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"
        last = b"GET /nothing HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        connection.sendall(one * 10 + last)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200"] * 10 + [b"404"]


@pytest.mark.parametrize(
    "fields",
    [
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n",
        b"",
    ],
    ids=["no key", "another version", "a bad key", "no upgrade"],
)
def test_a_bad_handshake_is_refused_in_json(person, event, fields):
    token = f"Authorization: Bearer {person.token}\r\n".encode()
    target = f"GET /api/v1/ws?event_id={event['id']} HTTP/1.1\r\n".encode()
    status, _, body = raw(person.server, target + HOST + token + fields + b"\r\n")
    assert status in (400, 426), body
    check_error(json.loads(body)["error"])


def test_public_routes_ignore_a_bad_token(server):
    client = http_client(server, Authorization="Bearer nonsense")
    assert client.get("/health").status_code == 200
    answer = client.post("/api/v1/auth/refresh", json={"refresh_token": "nonsense"})
    refusal(answer, 401)
    refusal(client.post("/api/v1/auth/phone/send", json={}), 400, 422)
