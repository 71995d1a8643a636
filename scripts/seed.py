#!/usr/bin/env python3
"""Puts two people, an appointment and a short conversation on a running server, and says what to try.

Everything goes through the real API. Running it again changes nothing that is there already.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import uuid
from pathlib import Path

from demo_client import DEFAULT_STATE, PEOPLE, DemoError, Session, State

TITLE = "머리 커트 예약"
CONVERSATION = [
    ("minsu", "안녕하세요, 내일 커트 예약 확인 부탁드려요."),
    ("jiyoung", "네, 내일 3시로 확정했습니다. 10분 전에 와 주세요!"),
    ("minsu", "주차는 가능한가요?"),
    ("jiyoung", "건물 지하에 2시간 무료예요. 내일 뵐게요 🙂"),
]
# Client ids made from this name are the same in each run: a message is never sent twice.
NAMESPACE = uuid.UUID("6f1ed5a6-6a0e-4d0b-9d0f-6b1c5b0f6a11")


def seed(url: str, state: State) -> tuple[dict[str, Session], dict]:
    sessions = {key: Session(url, person, state).sign_in() for key, person in PEOPLE.items()}
    event = known_event(sessions["jiyoung"], state) or create_event(sessions, state)
    if event["status"] == "PROPOSED":
        event = sessions["jiyoung"].call("POST", f"/events/{event['id']}/confirm")
    if any(participant["status"] == "PENDING" for participant in event["participants"]):
        sessions["minsu"].call("POST", f"/events/{event['id']}/accept")
    for number, (key, text) in enumerate(CONVERSATION):
        client_id = str(uuid.uuid5(NAMESPACE, f"{event['id']}/{number}"))
        sessions[key].call(
            "POST", f"/events/{event['id']}/messages", json={"content": text, "client_message_id": client_id}
        )
    return sessions, event


def known_event(owner: Session, state: State) -> dict | None:
    """The event of an earlier run, unless it is over: then a new one is due."""
    event_id = state.values.get("event_id")
    if not event_id:
        return None
    try:
        event = owner.call("GET", f"/events/{event_id}")
    except DemoError:
        return None
    return event if event["status"] in ("PROPOSED", "CONFIRMED") else None


def create_event(sessions: dict[str, Session], state: State) -> dict:
    # Tomorrow at three in Seoul, as they say below.
    seoul = datetime.timezone(datetime.timedelta(hours=9))
    start = datetime.datetime.now(seoul).replace(hour=15, minute=0, second=0, microsecond=0)
    start += datetime.timedelta(days=1)
    event = sessions["jiyoung"].call(
        "POST",
        "/events",
        json={
            "title": TITLE,
            "location": "서울 마포구 연남동",
            "start_time": start.isoformat(),
            "end_time": (start + datetime.timedelta(hours=1)).isoformat(),
            "participant_ids": [sessions["minsu"].user_id],
        },
    )
    state.values["event_id"] = event["id"]
    state.save()
    return event


def guide(url: str, sessions: dict[str, Session], event: dict) -> str:
    token = sessions["minsu"].token
    return f"""
The demo is ready: {PEOPLE["jiyoung"].name} and {PEOPLE["minsu"].name} have the appointment {event["id"]}, "{event["title"]}".

  Watch them talk:
    .timingle/venv/bin/python scripts/chat.py --demo

  Talk yourself, in two more terminals:
    .timingle/venv/bin/python scripts/chat.py --as minsu
    .timingle/venv/bin/python scripts/chat.py --as jiyoung

  Or by hand (the token lives 15 minutes; `make run` prints a fresh one):
    TOKEN={token}
    curl -H "Authorization: Bearer $TOKEN" {url}/api/v1/events/{event["id"]}
    curl -H "Authorization: Bearer $TOKEN" "{url}/api/v1/events/{event["id"]}/messages?limit=5"
    curl -H "Authorization: Bearer $TOKEN" {url}/api/v1/events/{event["id"]}/history
    curl {url}/readyz
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="where the server is (default: %(default)s)")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="where tokens and the event's id are kept")
    options = parser.parse_args()
    state = State(options.state)
    state.values["url"] = options.url
    try:
        sessions, event = seed(options.url, state)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    state.save()
    print(guide(options.url, sessions, event))
    return 0


if __name__ == "__main__":
    sys.exit(main())
