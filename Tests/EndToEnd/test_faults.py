"""What the server depends on goes away: it stays up, says so, and heals without a restart."""

from __future__ import annotations

import pytest

from support.people import Person, body_of
from support.processes import eventually
from support.refusals import refusal

pytestmark = pytest.mark.timeout(180)


def two(server) -> tuple[Person, Person, int]:
    creator, guest = Person(server, "지영").register(), Person(server, "민수").register()
    return creator, guest, creator.create_event(guest)["id"]


def say_until_heard(room, text: str, client_id: str, seconds: float = 40) -> dict:
    """Sends again under the same id until the echo comes, as a client does."""

    def heard():
        room.send(text, client_id)
        try:
            return room.wait_text(text, seconds=2)
        except AssertionError:
            return None

    return eventually(heard, seconds)


def test_the_server_comes_up_without_the_broker_and_heals_when_it_comes(make_world):
    world = make_world()
    world.nats.kill()
    server = world.server.start("/livez")
    creator, guest, event = two(server)
    assert creator.event(event)["status"] == "PROPOSED"
    with creator.socket(event) as room, guest.socket(event) as listener:
        client_id = room.send("들리나요")
        error = room.wait_error()
        assert error["retryable"] is True and error["code"] and error["message"]
        assert room.notices(), "the shipped app's user is told, too"
        assert listener.lines() == [], "nobody is shown what the broker does not hold"
        world.nats.start()
        say_until_heard(room, "들리나요", client_id)
        listener.wait_text("들리나요")
        assert len(listener.lines()) == 1
    eventually(lambda: len(guest.texts(event)) == 1)
    eventually(lambda: any(entry["change_type"] == "CREATED" for entry in guest.history(event)), seconds=20)
    eventually(lambda: server.status("/readyz") == 200)


def test_the_broker_goes_and_comes_back_and_nothing_is_lost_or_doubled(own_world):
    creator, guest, event = two(own_world.server)
    with creator.socket(event) as room, guest.socket(event) as listener:
        room.send("먼저")
        listener.wait_text("먼저")
        own_world.nats.stop()
        client_id = room.send("사이에")
        assert room.wait_error()["retryable"] is True
        body_of(creator.patch(f"/events/{event}", title="바뀐 제목"), 200)
        assert own_world.server.status("/livez") == 200
        own_world.nats.start()
        say_until_heard(room, "사이에", client_id)
        listener.wait_text("사이에")
        room.send("나중에")
        listener.wait_text("나중에")
        assert [line["message"] for line in listener.lines()] == ["먼저", "사이에", "나중에"]
    eventually(lambda: [item["message"] for item in guest.texts(event)] == ["먼저", "사이에", "나중에"], seconds=20)
    eventually(lambda: any(entry["change_type"] == "UPDATED" for entry in guest.history(event)), seconds=20)


def test_a_broker_that_hangs_is_noticed_and_the_message_is_there_once(own_world):
    creator, guest, event = two(own_world.server)
    with creator.socket(event) as room, guest.socket(event) as listener:
        room.send("먼저")
        listener.wait_text("먼저")
        own_world.nats.pause()
        client_id = room.send("매달린 것")
        assert room.wait_error(seconds=30)["retryable"] is True
        assert creator.get(f"/events/{event}").status_code == 200, "the rest is served meanwhile"
        own_world.nats.resume()
        # Whether the first attempt arrived is unknown: the same id makes it one message in any case.
        say_until_heard(room, "매달린 것", client_id)
        room.send("나중에")
        listener.wait_text("나중에")
    eventually(lambda: any(item["message"] == "나중에" for item in guest.texts(event)), seconds=20)
    assert [item["message"] for item in guest.texts(event)] == ["먼저", "매달린 것", "나중에"]


def test_without_redis_requests_are_served_and_refreshing_says_later(own_world):
    creator, guest, event = two(own_world.server)
    own_world.redis.stop()
    answer = creator.post("/auth/refresh", refresh_token=creator.refresh_token)
    refusal(answer, 503)
    assert int(answer.headers["retry-after"]) >= 1
    refusal(Person(own_world.server, "").post("/auth/phone/send", phone="+821012345678"), 503)
    assert creator.event(event)["id"] == event
    with creator.socket(event) as room:
        room.send("레디스 없이")
        room.wait_text("레디스 없이")
    own_world.redis.start()
    eventually(
        lambda: creator.post("/auth/refresh", refresh_token=creator.refresh_token).status_code == 200,
        seconds=20,
        every=0.5,
    )


def test_a_redis_that_hangs_does_not_hang_the_server(own_world):
    creator, _, event = two(own_world.server)
    own_world.redis.pause()
    refusal(creator.post("/auth/refresh", refresh_token=creator.refresh_token), 503)
    assert creator.event(event)["id"] == event
    own_world.redis.resume()
    eventually(
        lambda: creator.post("/auth/refresh", refresh_token=creator.refresh_token).status_code == 200,
        seconds=20,
        every=0.5,
    )


def test_the_server_comes_up_without_redis(make_world):
    world = make_world()
    world.redis.kill()
    server = world.server.start("/livez")
    refusal(Person(server, "").post("/auth/refresh", refresh_token="A" * 43), 503)
    world.redis.start()
    eventually(lambda: server.status("/readyz") == 200, seconds=20)
    Person(server, "민수").register()


def test_a_database_that_is_away_is_503_and_never_401(own_world):
    """Its sessions are cut and it takes no new ones; then it is back."""
    creator, _, event = two(own_world.server)
    database = own_world.database
    database._run(database.administration_url, f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS false')
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'"
    database._run(database.administration_url, cut)
    for answer in [creator.get(f"/events/{event}") for _ in range(3)] + [creator.get("/auth/me")]:
        assert answer.status_code in (200, 503), answer.text
    refusal(creator.patch(f"/events/{event}", title="안 된다"), 503)
    refusal(Person(own_world.server, "").get("/auth/me"), 401)
    eventually(lambda: own_world.server.status("/readyz") == 503)
    assert own_world.server.status("/livez") == 200
    database._run(database.administration_url, f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS true')
    eventually(lambda: own_world.server.status("/readyz") == 200, seconds=20)
    assert creator.event(event)["id"] == event
