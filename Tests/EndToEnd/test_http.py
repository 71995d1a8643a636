"""HTTP by the letter where only the bytes on the wire, or a cache between, show it."""

from __future__ import annotations

import json
import time

import pytest

from support.people import Person, http_client
from support.raw import GET, Raw
from support.refusals import HANGUL, refusal
from support.server import open_world

ALLOWED, FOREIGN = "https://app.example", "https://other.example"
HANDSHAKE = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: %b\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture(scope="module")
def server(administration_url, tmp_path_factory):
    """A server that browsers of one origin may call, with the files of a console, and little patience with heads."""
    root = tmp_path_factory.mktemp("console")
    (root / "photo.jpg").write_bytes(b"not looked at")
    (root / "app.js").write_text("let answer = 42;\n" * 200)
    (root / "app.js.gz").write_bytes(b"not looked at")
    with open_world(
        administration_url,
        CORS_ALLOWED_ORIGINS=ALLOWED,
        STATIC_DIR=str(root),
        HTTP_HEADER_TIMEOUT="1s",
        HTTP_IDLE_TIMEOUT="3s",
    ) as world:
        yield world.server.start()


@pytest.fixture(scope="module")
def person(server):
    return Person(server, "지영").register()


@pytest.fixture(scope="module")
def event(person):
    return person.create_event()["id"]


def parts(answer: bytes) -> tuple[int, dict[str, list[str]], bytes]:
    """Status, fields by lower-case name, and whatever follows the head."""
    head, content = answer.split(b"\r\n\r\n", 1)
    status, *lines = head.decode().split("\r\n")
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, value = line.split(": ", 1)
        fields.setdefault(name.lower(), []).append(value)
    return int(status.split()[1]), fields, content


def asked(server, request: bytes) -> tuple[int, dict[str, list[str]], bytes]:
    """The answer to a request that ends its connection."""
    with Raw(server) as connection:
        return parts(connection.send(request).rest())


def handshake(person, event, version: bytes = b"13", http: bytes = b"1.1", more: bytes = b"") -> bytes:
    line = b"GET /api/v1/ws?event_id=%d HTTP/%b\r\nHost: a\r\n" % (event, http)
    return line + b"Authorization: Bearer %b\r\n" % person.token.encode() + HANDSHAKE % version + more + b"\r\n"


def test_an_answer_with_upgrade_says_so_in_connection(server, person, event):
    with Raw(server) as connection:
        head = connection.send(handshake(person, event, version=b"12")).until(b"\r\n\r\n")
        status, fields, _ = parts(head)
        assert status == 426 and fields["upgrade"] == ["websocket"] and fields["sec-websocket-version"] == ["13"]
        assert fields["connection"] == ["Upgrade"]
        assert connection.answer(GET) == 200
    status, fields, content = asked(server, handshake(person, event, version=b"12").replace(b"Upgrade\r\n", b"Upgrade, close\r\n"))
    assert status == 426 and fields["connection"] == ["Upgrade, close"]
    assert json.loads(content)["error"]["code"] == "UPGRADE_REQUIRED"


def test_a_handshake_of_http_1_0_is_refused_as_others_are(server, person, event):
    status, fields, content = asked(server, handshake(person, event, http=b"1.0"))
    assert status == 400 and fields["content-type"] == ["application/json; charset=utf-8"]
    assert len(fields["x-request-id"]) == 1 and fields["connection"] == ["close"]
    error = json.loads(content)["error"]
    assert error["code"] == "BAD_HANDSHAKE" and HANGUL.search(error["message"])
    english = json.loads(asked(server, handshake(person, event, http=b"1.0", more=b"Accept-Language: en\r\n"))[2])
    assert english["error"]["message"] == "a WebSocket needs HTTP/1.1"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"HEAD /" + b"a" * 9_000, 414),
        (b"HEAD /livez HTTP/1.1\nHost: a\r\n\r\n", 400),
        (b"HEAD /livez HTTP/9.9\r\nHost: a\r\n\r\n", 505),
        (b"\r\nHEAD /li", 408),
        (b"HEAD /livez HTTP/1.1\r\nHost", 408),
        (b"HEAD /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", 413),
    ],
    ids=["too long", "bare LF", "version", "too slow", "too slow in a field", "too large"],
)
def test_no_refusal_of_head_has_content(server, request_bytes, status):
    found, fields, content = asked(server, request_bytes)
    assert (found, content) == (status, b"") and int(fields["content-length"][0]) > 0


def test_empty_lines_begin_no_request(server):
    # Its answer is a head alone.
    head = GET.replace(b"GET", b"HEAD")
    with Raw(server) as connection:
        assert connection.answer(head + b"\r\n") == 200
        time.sleep(1.5)
        assert connection.answer(b"\r\n" + head) == 200
        begun = time.monotonic()
        connection.send(b"\r\n")
        time.sleep(1.5)
        # Neither an answer to nothing, nor more time than without them.
        assert connection.send(b"\r\n\r").rest() == b""
        assert 2 < time.monotonic() - begun < 5
    with Raw(server) as connection:
        assert connection.answer(head + b"\r\n") == 200
        assert parts(connection.send(b"G").rest())[0] == 408
    assert asked(server, b"\r\n" * 1_000)[0] == 400


def test_caches_are_told_what_hangs_on_origin(server, person):
    with http_client(server, Authorization=f"Bearer {person.token}") as client:
        for origin in [{}, {"Origin": FOREIGN}, {"Origin": ALLOWED}]:
            for path in ["/livez", "/api/v1/auth/me", "/api/v1/nothing", "/console/nothing", "/console/photo.jpg"]:
                answer = client.get(path, headers=origin)
                assert answer.headers.get_list("vary") == ["Origin"], (path, origin)
                allowed = answer.headers.get("access-control-allow-origin")
                assert allowed == (ALLOWED if origin.get("Origin") == ALLOWED else None)
            script = client.head("/console/app.js", headers=origin)
            assert script.headers.get_list("vary") == ["Accept-Encoding, Origin"]
            again = client.head("/console/app.js", headers={**origin, "If-None-Match": script.headers["etag"]})
            assert again.status_code == 304 and again.headers.get_list("vary") == ["Accept-Encoding, Origin"]
            preflight = client.options("/api/v1/events", headers={**origin, "Access-Control-Request-Method": "POST"})
            assert preflight.headers.get_list("vary") == ["Origin"]
        for number in range(8):
            person.create_event(title=f"점심 {number}")
        long = client.get("/api/v1/events")
        assert long.headers["content-encoding"] == "gzip"
        assert long.headers.get_list("vary") == ["Origin, Accept-Encoding"]


@pytest.mark.parametrize("length", [2**63 - 1, 2**63, 2**64, 10**40], ids=str)
def test_a_length_beyond_all_measure_is_too_large(server, length):
    status, fields, content = asked(server, POST + b"Content-Length: %d\r\n\r\n" % length)
    assert status == 413 and fields["connection"] == ["close"]
    assert json.loads(content)["error"]["code"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 99999999999999999999x",
        b"Content-Length: +99999999999999999999",
        b"Content-Length: 99999999999999999999\r\nContent-Length: 99999999999999999999",
        b"Content-Length: 99999999999999999999\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_length_that_is_none_is_a_bad_request(server, fields):
    assert asked(server, POST + fields + b"\r\n\r\n")[0] == 400


def test_trailers_beyond_their_limit_are_fields_too_large(server):
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    status, fields, content = asked(server, chunked + b"X: " + b"x" * 5_000)
    assert status == 431 and fields["connection"] == ["close"]
    assert json.loads(content)["error"]["code"] == "HEADERS_TOO_LARGE"


@pytest.mark.parametrize(
    ("text", "korean", "english"),
    [
        ('{"a":' + "[" * 40, "32단계", "nested deeper than 32"),
        ('{"a":[' + "1," * 11_000 + "1]}", "10000개", "more than 10000 values"),
        ('{"a":1e999}', "5바이트", "the number at byte 5"),
        ('{"a":1,"a":2}', "7바이트", "the name at byte 7 comes twice"),
        ('{"a":1,}', "7바이트", "unexpected character at byte 7"),
        ('{"a":', "끝", "it ends too early"),
    ],
    ids=["depth", "values", "number", "name", "character", "end"],
)
def test_refused_json_is_told_why_in_both_languages(person, text, korean, english):
    for language, words in [("ko", korean), ("en", english)]:
        fields = {"Content-Type": "application/json", "Accept-Language": language}
        answer = person.request("POST", "/events", content=text.encode(), headers=fields)
        error = refusal(answer, 400, code="INVALID_JSON", language=language)
        assert words in error["message"]


@pytest.mark.parametrize("number", ["1e-400", "%d.0000000000000000000001", "%d.5", "0.1e1.0"])
def test_what_only_rounds_to_an_integer_is_no_id(person, event, number):
    other = Person(person.server, "민수").register()
    text = number % other.id if "%" in number else number
    fields = {"Content-Type": "application/json"}
    content = f'{{"user_id":{text}}}'.encode()
    refusal(person.request("POST", f"/events/{event}/participants", content=content, headers=fields), 400, 422)
    exact = f'{{"user_id":{other.id}.0e0}}'.encode()
    answer = person.request("POST", f"/events/{event}/participants", content=exact, headers=fields)
    assert answer.status_code in (200, 201), answer.text
