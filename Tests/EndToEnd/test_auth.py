"""Who somebody is: codes, tokens, their rotation and their end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from support.people import Person, body_of, fresh_phone, http_client
from support.refusals import refusal
from support.server import JWT_SECRET, open_world


def refresh(person: Person, token: str):
    return person.post("/auth/refresh", refresh_token=token)


def test_a_code_makes_an_account_once_and_signs_in_afterwards(server):
    phone = fresh_phone()
    sent = body_of(Person(server, "", phone).post("/auth/phone/send", phone=phone), 200)
    assert sent["verification_id"] and sent["expires_at"].endswith("Z") and sent["message"]
    proof = {"verification_id": sent["verification_id"], "code": "123456"}
    person = Person(server, "민수", phone)
    first = body_of(person.post("/auth/phone/verify", **proof, name="민수"), 200, 201)
    assert first["is_new_user"] is True
    assert first["expires_in"] == 900 and isinstance(first["expires_in"], int)
    assert first["name"] == "민수" and first["phone"] == phone and first["id"] == first["user"]["id"]
    assert first["role"] == "USER" and first["is_active"] is True and first["created_at"].endswith("Z")
    refusal(person.post("/auth/phone/verify", **proof), 400, 401, 404)


def test_register_and_login_need_a_code_in_strict_mode(server):
    person = Person(server, "민수")
    refusal(person.post("/auth/register", phone=person.phone, name="민수"), 400, 401, 403, 422)
    refusal(person.post("/auth/login", phone=person.phone), 400, 401, 403, 422)
    sent = body_of(person.post("/auth/phone/send", phone=person.phone), 200)
    proof = {"verification_id": sent["verification_id"], "code": "123456"}
    person.keep(body_of(person.post("/auth/register", phone=person.phone, name="민수", **proof), 201))
    assert body_of(person.get("/auth/me"), 200)["name"] == "민수"


def test_a_proof_for_another_phone_proves_nothing(server):
    mine, theirs = Person(server, "민수"), Person(server, "지영").register()
    sent = body_of(mine.post("/auth/phone/send", phone=mine.phone), 200)
    proof = {"verification_id": sent["verification_id"], "code": "123456"}
    refusal(mine.post("/auth/login", phone=theirs.phone, **proof), 400, 401, 403, 422)


def test_a_wrong_code_is_refused_and_guessing_ends(server):
    person = Person(server, "민수")
    sent = body_of(person.post("/auth/phone/send", phone=person.phone), 200)
    answers = [
        person.post("/auth/phone/verify", verification_id=sent["verification_id"], code=f"{number:06}")
        for number in range(5)
    ]
    refusal(answers[0], 400, code="AUTH_PHONE_VERIFICATION_FAILED")
    assert all(answer.status_code in (400, 429) for answer in answers)
    refusal(person.post("/auth/phone/verify", verification_id=sent["verification_id"], code="123456"), 400, 429)


def test_a_code_is_sent_once_a_minute(server):
    person = Person(server, "민수")
    body_of(person.post("/auth/phone/send", phone=person.phone), 200)
    answer = person.post("/auth/phone/send", phone=person.phone)
    refusal(answer, 429)
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_me_is_the_same_by_both_names(people):
    [person] = people("민수")
    me = body_of(person.get("/auth/me"), 200)
    assert me == body_of(person.get("/users/me"), 200)
    assert me["id"] == person.id and me["phone"] == person.phone and me["language"] == "ko"


def test_a_profile_is_changed_in_parts(people):
    [person] = people("민수")
    changed = body_of(person.patch("/users/me", name="김민수", timezone="Asia/Seoul", interests=["커피"]), 200)
    assert changed["name"] == "김민수" and changed["timezone"] == "Asia/Seoul" and changed["interests"] == ["커피"]
    assert body_of(person.get("/users/me"), 200)["name"] == "김민수"
    for wrong in ({"timezone": "Mars/Olympus"}, {"name": "가" * 500}, {"name": ""}, {"interests": "커피"}):
        refusal(person.patch("/users/me", **wrong), 400, 422)


def test_the_scheme_is_read_in_any_case(people):
    [person] = people("민수")
    for scheme in ("bearer", "BEARER", "Bearer  "):
        answer = person.request("GET", "/auth/me", headers={"Authorization": f"{scheme} {person.token}"})
        assert answer.status_code == 200, scheme


# Refreshing.


def test_a_refresh_brings_a_pair_and_leaves_the_parent_good_until_its_child_is_used(people):
    [person] = people("민수")
    parent = person.refresh_token
    first = body_of(refresh(person, parent), 200)
    assert first["access_token"] and first["refresh_token"] != parent
    # The shipped app keeps the parent for ever.
    again = body_of(refresh(person, parent), 200)
    person.keep(again)
    assert body_of(person.get("/auth/me"), 200)["id"] == person.id


def test_a_retired_token_that_comes_back_ends_the_whole_family(people):
    [person] = people("민수")
    parent = person.refresh_token
    child = body_of(refresh(person, parent), 200)["refresh_token"]
    grandchild = body_of(refresh(person, child), 200)["refresh_token"]
    refusal(refresh(person, parent), 401)
    for token in (child, grandchild):
        refusal(refresh(person, token), 401)


def test_another_login_is_another_family(make_world):
    world = make_world(AUTH_MODE="compat")
    server = world.server.start()
    person = Person(server, "민수")
    first = body_of(person.post("/auth/register", phone=person.phone, name="민수"), 201)
    second = body_of(person.post("/auth/login", phone=person.phone), 200)
    child = body_of(refresh(person, first["refresh_token"]), 200)["refresh_token"]
    body_of(refresh(person, child), 200)
    refusal(refresh(person, first["refresh_token"]), 401)
    assert refresh(person, second["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 5_000, "../../etc", "토큰"])
def test_an_unknown_refresh_token_is_refused(people, token):
    [person] = people("민수")
    refusal(refresh(person, token), 401, 400, 422)


def test_logout_ends_refreshing_but_not_the_access_token(people):
    [person] = people("민수")
    assert body_of(person.post("/auth/logout"), 200)["message"]
    refusal(refresh(person, person.refresh_token), 401)
    assert person.get("/auth/me").status_code == 200, "it lives until it expires"
    refusal(http_client(person.server).post("/api/v1/auth/logout"), 401)


# Access tokens: each rule of RFC 8725 has a unit test; these are the ones a client can see.


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def signed(header: str, claims: dict) -> str:
    body = f"{header}.{encode(json.dumps(claims).encode())}"
    return f"{body}.{encode(hmac.new(JWT_SECRET.encode(), body.encode(), hashlib.sha256).digest())}"


def with_token(person: Person, token: str):
    return person.request("GET", "/auth/me", headers={"Authorization": f"Bearer {token}"})


def test_an_access_token_says_who_and_how_long(people):
    [person] = people("민수")
    header, claims, _ = person.token.split(".")
    assert json.loads(decode(header))["alg"] == "HS256" and json.loads(decode(header))["kid"]
    claims = json.loads(decode(claims))
    assert claims["iss"] == "timingle" and claims["sub"] == str(person.id) and claims["user_id"] == person.id
    assert claims["exp"] - claims["iat"] == 900


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 1_600_000_000, "iat": 1_599_999_100, "nbf": 1_599_999_100},
        {"nbf": 4_000_000_000},
        {"iss": "somebody"},
        {"exp": "soon"},
        {"exp": 1e308},
        {"exp": None},
        {"user_id": -1, "sub": "-1"},
    ],
    ids=lambda change: ",".join(f"{k}={v}" for k, v in change.items()),
)
def test_a_token_with_bad_claims_is_refused_though_signed_well(people, change):
    [person] = people("민수")
    header, claims, _ = person.token.split(".")
    good = json.loads(decode(claims))
    assert with_token(person, signed(header, good)).status_code == 200, "the same claims, signed again, are good"
    error = refusal(with_token(person, signed(header, {**good, **change})), 401)
    assert error["code"] in ("AUTH_TOKEN_EXPIRED", "AUTH_TOKEN_INVALID")
    if change.get("exp") == 1_600_000_000:
        assert error["code"] == "AUTH_TOKEN_EXPIRED"


def test_a_token_without_a_good_signature_is_refused(people):
    [person] = people("민수")
    header, claims, signature = person.token.split(".")
    none = encode(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    other = encode(hashlib.sha256(b"other").digest())
    for token in (
        f"{none}.{claims}.",
        f"{none}.{claims}.{signature}",
        f"{header}.{claims}.",
        f"{header}.{claims}.{other}",
        f"{header}.{claims}",
        f"{header}.{claims}.{signature}.x",
        f"{header}.{claims}.{signature}=",
        f"{header}.{encode(b'{}')}.{signature}",
        "x" * 10_000,
        "..",
    ):
        refusal(with_token(person, token), 401, 431, code=None)


# The shipped app: no code, a phone number alone.


@pytest.fixture(scope="module")
def compat(administration_url):
    with open_world(administration_url, AUTH_MODE="compat") as world:
        yield world.server.start()


def test_in_compat_mode_a_phone_alone_registers_and_signs_in(compat):
    person = Person(compat, "민수")
    first = body_of(person.post("/auth/register", phone=person.phone, name="민수", password="ignored"), 201)
    second = body_of(person.post("/auth/register", phone=person.phone, name="다른 이름"), 200, 201)
    assert second["id"] == first["id"] and second["name"] == "민수", "the stored name stays"
    third = body_of(person.post("/auth/login", phone=person.phone), 200)
    assert third["user"]["id"] == first["id"]
    person.keep(third)
    assert person.get("/users/me").status_code == 200


def test_in_compat_mode_an_unknown_phone_does_not_log_in(compat):
    refusal(Person(compat, "").post("/auth/login", phone=fresh_phone()), 401)


def test_a_phone_is_the_same_in_each_spelling(compat):
    person = Person(compat, "민수")
    local = "0" + person.phone.removeprefix("+82")
    spellings = [person.phone, local, f"{local[:3]}-{local[3:7]}-{local[7:]}", f" ({local[:3]}) {local[3:]} "]
    ids = {body_of(person.post("/auth/register", phone=each, name="민수"), 200, 201)["id"] for each in spellings}
    assert len(ids) == 1


def test_an_account_that_was_verified_once_is_not_opened_by_its_number(compat):
    person = Person(compat, "민수").register()
    refusal(Person(compat, "", person.phone).post("/auth/login", phone=person.phone), 400, 401, 403, 409, 422)
    refusal(
        Person(compat, "", person.phone).post("/auth/register", phone=person.phone, name="도둑"),
        400,
        401,
        403,
        409,
        422,
    )


def test_requests_are_limited_by_address_and_user_and_say_how_far(make_world):
    limits = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_AUTH_MAX_REQUESTS": "10", "RATE_LIMIT_MAX_REQUESTS": "15"}
    server = make_world(**limits).server.start()
    person = Person(server, "민수").register()
    answers = [person.get("/auth/me") for _ in range(20)]
    assert answers[0].headers["x-ratelimit-limit"] == "15"
    assert [answer.status_code for answer in answers].count(200) == 15
    refusal(answers[-1], 429, code="RATE_LIMIT_EXCEEDED")
    assert int(answers[-1].headers["retry-after"]) >= 1
    stranger = Person(server, "")
    statuses = [stranger.post("/auth/refresh", refresh_token="A" * 43).status_code for _ in range(15)]
    assert statuses.count(401) == 10 and statuses[-1] == 429
    assert Person(server, "").post("/auth/refresh", refresh_token="A" * 43).status_code == 401, (
        "another address is free"
    )
