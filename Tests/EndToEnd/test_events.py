"""Appointments: their life, their people, their evidence."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.people import body_of, later
from support.processes import eventually
from support.refusals import refusal


def over(days: float = 2) -> dict:
    """Times of an event that has ended."""
    return {"start_time": later(-days), "end_time": later(-days, 1)}


def test_an_event_has_the_shape_that_the_app_insists_on(people):
    creator, guest = people("지영", "민수")
    event = creator.create_event(guest, description="창가 자리", location="연남동")
    assert isinstance(event["id"], int) and event["creator_id"] == creator.id
    assert event["status"] == "PROPOSED" and event["title"] == "커피 한 잔"
    assert event["description"] == "창가 자리" and event["location"] == "연남동"
    assert event["creator"]["id"] == creator.id and event["creator"]["name"] == "지영"
    [participant] = event["participants"]
    assert participant["id"] == participant["user_id"] == guest.id and participant["name"] == "민수"
    assert participant["status"] == "PENDING" and participant["confirmed"] is False
    assert event["unread_messages"] == 0
    for name in ("start_time", "end_time", "created_at", "updated_at"):
        assert event[name].endswith("Z")
    assert event["invites"]["failed"] == []
    again = creator.event(event["id"])
    assert {key: again[key] for key in again if key in event} == {key: event[key] for key in event if key in again}


def test_who_cannot_be_invited_does_not_fail_the_event(people):
    creator, guest = people("지영", "민수")
    event = creator.create_event(guest, participant_ids=[creator.id, guest.id, guest.id, 8_000_000_000])
    assert [each["id"] for each in event["participants"]] == [guest.id]
    assert event["invites"]["failed"] == [8_000_000_000]


def test_times_with_an_offset_are_kept_in_utc_and_the_past_is_allowed(people):
    [creator] = people("지영")
    event = creator.create_event(start_time="2020-01-15T19:00:00+09:00", end_time="2020-01-15T10:00:00.000Z")
    assert event["start_time"] == event["end_time"] == "2020-01-15T10:00:00.000Z"


def test_the_list_is_newest_start_first_paged_and_filtered(people):
    creator, guest = people("지영", "민수")
    ids = [creator.create_event(guest, start_time=later(day), end_time=later(day, 1))["id"] for day in (3, 1, 2)]
    body_of(creator.post(f"/events/{ids[0]}/cancel"), 200)
    answer = guest.get("/events", limit=2, page=1)
    assert [event["id"] for event in body_of(answer, 200)] == [ids[0], ids[2]]
    assert answer.headers["x-total-count"] == "3"
    assert [event["id"] for event in body_of(guest.get("/events", limit=2, page=2), 200)] == [ids[1]]
    assert body_of(guest.get("/events", limit=2, page=3), 200) == []
    assert [event["id"] for event in body_of(guest.get("/events", status="CANCELED"), 200)] == [ids[0]]
    refusal(guest.get("/events", status="NONSENSE"), 400, 422)


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_both_verbs_change_only_what_is_there(people, verb):
    [creator] = people("지영")
    event = creator.create_event(description="처음", location="연남동")
    changed = body_of(creator.request(verb, f"/events/{event['id']}", json={"title": "저녁", "description": None}), 200)
    assert changed["title"] == "저녁" and changed.get("description") is None and changed["location"] == "연남동"
    assert changed["start_time"] == event["start_time"]
    assert creator.event(event["id"])["title"] == "저녁"


def test_a_change_is_checked_against_what_stays(people):
    [creator] = people("지영")
    event = creator.create_event()
    refusal(creator.patch(f"/events/{event['id']}", end_time=later(-5)), 422)


def test_the_creator_confirms_once(pair):
    creator, guest, event = pair
    confirmed = body_of(creator.post(f"/events/{event['id']}/confirm"), 200)
    assert confirmed["status"] == "CONFIRMED" and confirmed["id"] == event["id"]
    assert confirmed["event_id"] == event["id"] and confirmed["user_id"] == creator.id
    assert confirmed["confirmed"] is True and confirmed["message"]
    refusal(creator.post(f"/events/{event['id']}/confirm"), 409, code="EVENT_ALREADY_CONFIRMED")


def test_of_many_confirmations_at_once_one_wins(people):
    [creator] = people("지영")
    event = creator.create_event()["id"]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: creator.post(f"/events/{event}/confirm").status_code, range(8)))
    assert sorted(statuses) == [200] + [409] * 7
    eventually(lambda: len(creator.history(event)) >= 2)
    assert [entry["change_type"] for entry in creator.history(event)] == ["CONFIRMED", "CREATED"]


def test_a_participant_confirms_only_the_own_participation(people):
    creator, guest, other = people("지영", "민수", "수진")
    event = creator.create_event(guest, other)["id"]
    answer = body_of(guest.post(f"/events/{event}/confirm"), 200)
    assert answer["status"] == "PROPOSED" and answer["user_id"] == guest.id and answer["confirmed"] is True
    states = {each["id"]: each["status"] for each in answer["participants"]}
    assert states == {guest.id: "ACCEPTED", other.id: "PENDING"}


def test_when_all_have_accepted_the_event_is_confirmed(people):
    creator, guest, other = people("지영", "민수", "수진")
    event = creator.create_event(guest, other)["id"]
    body_of(guest.post(f"/events/{event}/accept"), 200)
    assert creator.event(event)["status"] == "PROPOSED"
    body_of(other.post(f"/events/{event}/accept"), 200)
    assert creator.event(event)["status"] == "CONFIRMED"


def test_cancelling_keeps_the_event_and_may_be_repeated(pair):
    creator, guest, event = pair
    canceled = body_of(creator.post(f"/events/{event['id']}/cancel", reason="비가 와서"), 200)
    assert canceled["status"] == "CANCELED" and canceled["message"]
    body_of(creator.post(f"/events/{event['id']}/cancel"), 200)
    body_of(creator.delete(f"/events/{event['id']}"), 200)
    assert guest.event(event["id"])["status"] == "CANCELED"
    refusal(creator.post(f"/events/{event['id']}/confirm"), 409, code="EVENT_ALREADY_CANCELED")
    refusal(creator.patch(f"/events/{event['id']}", title="다시"), 409)
    refusal(creator.post(f"/events/{event['id']}/participants", participant_id=guest.id), 409)


def test_delete_cancels_and_destroys_no_evidence(pair):
    creator, guest, event = pair
    assert creator.delete(f"/events/{event['id']}").status_code == 200
    assert guest.event(event["id"])["status"] == "CANCELED"
    eventually(lambda: [entry["change_type"] for entry in guest.history(event["id"])[:1]] == ["CANCELED"])


def test_done_needs_a_confirmed_event_that_is_over(people):
    [creator] = people("지영")
    future, past = creator.create_event()["id"], creator.create_event(**over())["id"]
    refusal(creator.post(f"/events/{past}/done"), 409)
    body_of(creator.post(f"/events/{past}/confirm"), 200)
    body_of(creator.post(f"/events/{future}/confirm"), 200)
    refusal(creator.post(f"/events/{future}/done"), 409)
    assert body_of(creator.post(f"/events/{past}/done"), 200)["status"] == "DONE"
    for change in ("confirm", "cancel"):
        refusal(creator.post(f"/events/{past}/{change}"), 409)
    refusal(creator.delete(f"/events/{past}"), 409)
    refusal(creator.patch(f"/events/{past}", title="늦었다"), 409)


def test_people_are_added_and_removed(people):
    creator, guest, late = people("지영", "민수", "수진")
    event = creator.create_event(guest)["id"]
    body_of(creator.post(f"/events/{event}/participants", participant_id=late.id), 200, 201)
    assert {each["id"] for each in creator.event(event)["participants"]} == {guest.id, late.id}
    refusal(creator.post(f"/events/{event}/participants", participant_id=late.id), 409)
    refusal(creator.post(f"/events/{event}/participants", participant_id=8_000_000_000), 404)
    refusal(guest.delete(f"/events/{event}/participants/{late.id}"), 403)
    body_of(late.delete(f"/events/{event}/participants/{late.id}"), 200)
    refusal(creator.delete(f"/events/{event}/participants/{late.id}"), 404)
    assert [each["id"] for each in creator.event(event)["participants"]] == [guest.id]


def test_an_answer_may_be_changed(pair):
    creator, guest, event = pair
    body_of(guest.post(f"/events/{event['id']}/confirm-participation"), 200)
    [participant] = creator.event(event["id"])["participants"]
    assert participant["status"] == "ACCEPTED" and participant["confirmed"] is True and participant["confirmed_at"]
    body_of(guest.post(f"/events/{event['id']}/decline"), 200)
    assert creator.event(event["id"])["participants"] == []


def test_the_creator_can_neither_accept_nor_decline_but_is_told_kindly(pair):
    creator, _, event = pair
    assert body_of(creator.post(f"/events/{event['id']}/accept"), 200)["message"]
    assert body_of(creator.post(f"/events/{event['id']}/decline"), 200)["message"]
    assert creator.event(event["id"])["creator_id"] == creator.id


def test_a_body_of_nothing_is_enough_where_none_is_needed(people):
    [creator] = people("지영")
    event = creator.create_event()["id"]
    answer = creator.request(
        "POST", f"/events/{event}/confirm", content=b"", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200


def test_a_slash_at_the_end_is_no_other_address(people):
    [creator] = people("지영")
    assert creator.get("/events/").status_code == 200


def test_every_change_is_evidence_with_who_what_and_when(pair):
    creator, guest, event = pair
    body_of(guest.post(f"/events/{event['id']}/accept"), 200)
    body_of(creator.patch(f"/events/{event['id']}", title="저녁", location="합정"), 200)
    body_of(creator.post(f"/events/{event['id']}/cancel", reason="비가 와서"), 200)
    eventually(lambda: [entry["change_type"] for entry in guest.history(event["id"])[:1]] == ["CANCELED"])
    history = guest.history(event["id"])
    times = [entry["changed_at"] for entry in history]
    assert times == sorted(times, reverse=True), "newest first"
    assert all(entry["event_id"] == event["id"] and entry["actor"]["name"] for entry in history)
    created = history[-1]
    assert created["change_type"] == "CREATED" and json.loads(created["new_value"])["title"] == "커피 한 잔"
    accepted = next(entry for entry in history if entry["change_type"] == "PARTICIPANT_ACCEPTED")
    assert accepted["actor"] == {"id": guest.id, "name": "민수"}
    updates = {entry["field_name"]: entry for entry in history if entry["change_type"] == "UPDATED"}
    # Another place on a confirmed event asks the participants again: that is a change, too.
    assert updates.keys() - {"participants"} == {"title", "location"}
    assert json.loads(updates["title"]["old_value"]) == "커피 한 잔"
    assert json.loads(updates["title"]["new_value"]) == "저녁"
    assert updates["location"]["old_value"] is None and json.loads(updates["location"]["new_value"]) == "합정"
    canceled = history[0]
    assert canceled["actor"]["id"] == creator.id and canceled["metadata"]["reason"] == "비가 와서"
    assert canceled["metadata"]["ip_address"].startswith("127.")


def test_the_history_is_limited(pair):
    creator, _, event = pair
    for number in range(5):
        body_of(creator.patch(f"/events/{event['id']}", title=f"{number}"), 200)
    eventually(lambda: len(creator.history(event["id"])) == 6)
    page = body_of(creator.get(f"/events/{event['id']}/history", limit=2), 200)["history"]
    assert [json.loads(entry["new_value"]) for entry in page] == ["4", "3"]


def test_the_list_of_a_day_a_week_and_a_month_is_the_users_own(people):
    (creator,) = people("지영")
    now = creator.create_event(title="지금", start_time=later(0), end_time=later(0, 1))
    creator.create_event(title="내년", start_time=later(400), end_time=later(400, 1))
    for zone in ("Pacific/Kiritimati", "America/New_York", "UTC"):
        body_of(creator.patch("/users/me", timezone=zone), 200)
        for period in ("today", "week", "month"):
            assert [event["id"] for event in body_of(creator.get("/events", range=period), 200)] == [now["id"]]
    refusal(creator.get("/events", range="year"), 422)
