#!/usr/bin/env python3
"""A small chat in the terminal: sign in as somebody, see an appointment's room, write lines.

Two of these in two terminals are two people in one appointment. --demo plays both sides and ends.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import threading
import time
import uuid
from pathlib import Path

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from demo_client import DEFAULT_STATE, PEOPLE, DemoError, Person, Session, State

COLORS = sys.stdout.isatty() and "NO_COLOR" not in os.environ
DEMO = [
    ("minsu", "지금 출발했어요. 20분쯤 걸릴 것 같아요."),
    ("jiyoung", "네, 천천히 오세요. 자리 준비해 둘게요."),
    ("minsu", "감사합니다! 혹시 펌도 같이 될까요?"),
    ("jiyoung", "오늘은 뒤에 예약이 있어서 커트만 가능해요."),
    ("minsu", "그럼 펌은 다음에 할게요. 이따 봬요 👋"),
]


def paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLORS else text


def line_of(message: dict, user_id: int) -> str:
    clock = paint(local(message["created_at"]).strftime("%H:%M:%S"), "2")
    if message.get("message_type") == "system":
        return f"{clock}  {paint('· ' + message['message'], '2')}"
    own = message["sender_id"] == user_id
    return f"{clock}  {paint(message['sender_name'], '1;36' if own else '1;33')}  {message['message']}"


class Room:
    """One person's socket in one room."""

    def __init__(self, session: Session, event_id: int):
        self.session = session
        self.event_id = event_id
        self.seen: set[str] = set()
        self.socket: ClientConnection | None = None

    def open(self) -> "Room":
        """Opens the socket before the room is read: nothing falls between the two, and what comes twice is dropped."""
        try:
            self.socket = connect(
                self.session.socket_url(self.event_id),
                additional_headers={"Authorization": f"Bearer {self.session.token}"},
                subprotocols=["chat"],
                compression=None,
                proxy=None,
                open_timeout=15,
            )
        except InvalidStatus as error:
            body = error.response.body.decode(errors="replace")
            raise DemoError(f"the room is closed to us: {error.response.status_code} {body}") from error
        except OSError as error:
            raise DemoError(f"cannot connect: {error}") from error
        return self

    def latest(self, limit: int) -> list[dict]:
        page = self.session.call("GET", f"/events/{self.event_id}/messages", params={"limit": limit})
        return [message for message in reversed(page) if self.is_new(message)]

    def is_new(self, message: dict) -> bool:
        fresh = message["message_id"] not in self.seen
        self.seen.add(message["message_id"])
        return fresh

    def send(self, text: str) -> None:
        frame = {"type": "message", "message": text, "client_message_id": str(uuid.uuid4())}
        self.socket.send(json.dumps(frame, ensure_ascii=False))

    def messages(self):
        """Messages as they come; frames that are none (typing, errors, receipts) are left out."""
        for text in self.socket:
            frame = json.loads(text)
            if "message_id" in frame and "sender_id" in frame and self.is_new(frame):
                yield frame


def choose_event(session: Session, wanted: int | None, state: State) -> dict:
    if wanted:
        return session.call("GET", f"/events/{wanted}")
    known = state.values.get("event_id")
    events = session.call("GET", "/events", params={"limit": 20})
    if not events:
        raise DemoError("there is no appointment yet: run scripts/seed.py first")
    for event in events:
        if event["id"] == known:
            return event
    if len(events) == 1 or not sys.stdin.isatty():
        return events[0]
    for number, event in enumerate(events, 1):
        print(f"  {number}  {event['title']}  {paint(event['status'], '2')}  {event['start_time']}")
    answer = input("Which appointment? ").strip()
    if not answer.isdigit() or not 1 <= int(answer) <= len(events):
        raise DemoError("that is none of them")
    return events[int(answer) - 1]


def local(time_text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(time_text.replace("Z", "+00:00")).astimezone()


def header(event: dict) -> str:
    names = [event["creator"]["name"]] + [participant["name"] for participant in event["participants"]]
    return paint(f"{event['title']}  {event['status']}  {local(event['start_time']):%Y-%m-%d %H:%M %Z}  {', '.join(names)}", "1")


def chat(session: Session, event: dict) -> None:
    room = Room(session, event["id"]).open()
    print(header(event))
    print(paint("Write a line and press Enter; Ctrl-D leaves.", "2"))
    for message in room.latest(20):
        print(line_of(message, session.user_id))

    def listen() -> None:
        try:
            for message in room.messages():
                print("\r" + line_of(message, session.user_id), flush=True)
        except ConnectionClosed as end:
            code = end.rcvd.code if end.rcvd else 1006
            print(paint(f"The server closed the room ({code}).", "31"), flush=True)
            os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    try:
        for line in sys.stdin:
            if line.strip():
                room.send(line.strip())
        # Echoes of the last lines, when they came from a pipe.
        time.sleep(0.5)
    except KeyboardInterrupt:
        pass
    room.socket.close()


def demo(url: str, state: State, wanted: int | None) -> None:
    sessions = {key: Session(url, person, state).sign_in() for key, person in PEOPLE.items()}
    event = choose_event(sessions["minsu"], wanted, state)
    rooms = {key: Room(session, event["id"]).open() for key, session in sessions.items()}
    print(header(event))
    for message in rooms["minsu"].latest(10):
        print(line_of(message, sessions["minsu"].user_id))
    for room in rooms.values():
        room.latest(50)
    incoming = {key: room.messages() for key, room in rooms.items()}
    for key, text in DEMO:
        rooms[key].send(text)
        # Both see it before the next line is written.
        for reader, messages in incoming.items():
            message = next(message for message in messages if message["message"] == text)
            if reader == "minsu":
                print(line_of(message, sessions["minsu"].user_id), flush=True)
        time.sleep(0.8 if COLORS else 0)
    for room in rooms.values():
        room.socket.close()
    print(paint("Each line was seen by both, in this order.", "2"))


def person(text: str) -> Person:
    """One of the two, or `+8210…:Name` for anybody."""
    if text in PEOPLE:
        return PEOPLE[text]
    phone, _, name = text.partition(":")
    if not phone.lstrip("+").isdigit():
        raise argparse.ArgumentTypeError(f"one of {', '.join(PEOPLE)}, or +8210…:Name")
    return Person(phone, name or phone[-4:], phone)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--as", dest="person", type=person, default=PEOPLE["minsu"], help="minsu, jiyoung or +8210…:Name"
    )
    parser.add_argument("--event", type=int, help="the appointment's id (default: the demo's)")
    parser.add_argument("--url", help="where the server is (default: where `make run` put it)")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="where tokens are kept")
    parser.add_argument("--demo", action="store_true", help="play both sides for a few lines, then end")
    options = parser.parse_args()
    state = State(options.state)
    url = options.url or state.values.get("url", "http://127.0.0.1:8080")
    try:
        if options.demo:
            demo(url, state, options.event)
        else:
            session = Session(url, options.person, state).sign_in()
            chat(session, choose_event(session, options.event, state))
    except (DemoError, ConnectionClosed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
