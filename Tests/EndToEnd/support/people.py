"""Clients as people have them: a signed-in HTTP client, and sockets in rooms."""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from support.server import Server

_numbers = itertools.count(1)


def fresh_phone() -> str:
    """A Korean mobile number that nobody had before in this run."""
    return f"+8210{20_000_000 + next(_numbers)}"


def fresh_address() -> str:
    """A loopback address that nobody had before: limits per address must not make tests depend on each other."""
    number = next(_numbers)
    return f"127.{1 + number // 60_000 % 200}.{number // 250 % 240}.{1 + number % 250}"


def http_client(server: Server, address: str | None = None, **fields: str) -> httpx.Client:
    return httpx.Client(
        base_url=server.url,
        headers=fields,
        timeout=30,
        trust_env=False,
        transport=httpx.HTTPTransport(verify=server.tls or False, local_address=address or fresh_address()),
    )


def later(days: float = 1, hours: float = 0) -> str:
    moment = datetime.now(timezone.utc) + timedelta(days=days, hours=hours)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def body_of(answer: httpx.Response, *statuses: int):
    """The JSON body of an answer that must have one of these statuses."""
    request = answer.request
    assert answer.status_code in statuses, (
        f"{request.method} {request.url.path}: {answer.status_code}, not {statuses}: {answer.text[:500]}"
    )
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    return answer.json()


class Person:
    """Somebody with a phone."""

    def __init__(self, server: Server, name: str, phone: str | None = None):
        self.server = server
        self.name = name
        self.phone = phone or fresh_phone()
        self.address = fresh_address()
        self.http = http_client(server, self.address)
        self.id = 0
        self.token = ""
        self.refresh_token = ""

    def register(self, **profile: str) -> "Person":
        """By a code, as strict mode wants it."""
        sent = body_of(self.post("/auth/phone/send", phone=self.phone), 200)
        proof = {"verification_id": sent["verification_id"], "code": "123456"}
        return self.keep(body_of(self.post("/auth/phone/verify", **proof, name=self.name, **profile), 200, 201))

    def keep(self, tokens: dict) -> "Person":
        self.id = tokens["user"]["id"]
        self.token = tokens["access_token"]
        self.refresh_token = tokens["refresh_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        return self

    def request(self, method: str, path: str, **arguments) -> httpx.Response:
        return self.http.request(method, "/api/v1" + path, **arguments)

    def get(self, path: str, **query) -> httpx.Response:
        return self.request("GET", path, params=query)

    def post(self, path: str, **body) -> httpx.Response:
        return self.request("POST", path, json=body or None)

    def patch(self, path: str, **body) -> httpx.Response:
        return self.request("PATCH", path, json=body)

    def delete(self, path: str) -> httpx.Response:
        return self.request("DELETE", path)

    # What most tests need in one word.

    def create_event(self, *guests: "Person", **fields) -> dict:
        event = {
            "title": "커피 한 잔",
            "start_time": later(1),
            "end_time": later(1, 1),
            "participant_ids": [guest.id for guest in guests],
            **fields,
        }
        return body_of(self.post("/events", **event), 201)

    def event(self, event_id: int) -> dict:
        return body_of(self.get(f"/events/{event_id}"), 200)

    def messages(self, event_id: int, **query) -> list[dict]:
        """One page, newest first."""
        return body_of(self.get(f"/events/{event_id}/messages", **query), 200)

    def whole_room(self, event_id: int, page: int = 100) -> list[dict]:
        """Every item, oldest first, by paging backwards with a message id as the cursor."""
        items: list[dict] = []
        query: dict = {"limit": page}
        while True:
            found = self.messages(event_id, **query)
            items += found
            if len(found) < page:
                return items[::-1]
            query["before"] = found[-1]["message_id"]

    def texts(self, event_id: int) -> list[dict]:
        return [item for item in self.whole_room(event_id) if item["message_type"] != "system"]

    def history(self, event_id: int) -> list[dict]:
        return body_of(self.get(f"/events/{event_id}/history"), 200)["history"]

    def ticket(self) -> str:
        """For one socket, as a browser asks for it."""
        return body_of(self.post("/ws/ticket"), 200)["ticket"]

    def socket(self, event_id: int, **options) -> "Chat":
        return Chat(self, event_id, **options)


class Chat:
    """A socket in one room; a thread keeps everything that comes, in order."""

    def __init__(
        self, person: Person, event_id: int, query: str = "", fields: dict | None = None, subprotocols=("chat",)
    ):
        self.person = person
        self.event_id = event_id
        self.frames: list[dict] = []
        self._lines: list[dict] = []
        self._sent = 0
        self._own = 0
        self.close_code: int | None = None
        self._changed = threading.Condition()
        self._connection = connect(
            f"{person.server.socket_url}/api/v1/ws?event_id={event_id}{query}",
            additional_headers={"Authorization": f"Bearer {person.token}"} if fields is None else fields,
            subprotocols=list(subprotocols) or None,
            compression=None,
            ssl=person.server.threaded_tls,
            proxy=None,
            open_timeout=15,
            close_timeout=5,
            ping_interval=None,
            max_queue=None,
            source_address=(person.address, 0),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Chat":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    def _read(self) -> None:
        try:
            while True:
                frame = self._connection.recv()
                with self._changed:
                    self._keep(json.loads(frame))
                    self._changed.notify_all()
        except ConnectionClosed as end:
            with self._changed:
                self.close_code = end.rcvd.code if end.rcvd else 1006
                self._changed.notify_all()

    def _keep(self, frame: dict) -> None:
        self.frames.append(frame)
        if self.is_message(frame) and frame.get("message_type", "text") != "system":
            self._lines.append(frame)
            self._own += frame["sender_id"] == self.person.id

    def send(self, text: str, client_id: str | None = None, **more) -> str:
        """The client id under which it was sent."""
        client_id = client_id or str(uuid.uuid4())
        self._sent += 1
        self.send_frame({"type": "message", "message": text, "client_message_id": client_id, **more})
        return client_id

    def send_paced(self, text: str, client_id: str | None = None, ahead: int = 32) -> str:
        """As fast as the echoes come back: at most `ahead` without one. A server bounds what it holds for a socket."""
        self.wait(lambda: self._sent - self._own < ahead, seconds=30)
        return self.send(text, client_id)

    def send_frame(self, frame: dict) -> None:
        self._connection.send(json.dumps(frame, ensure_ascii=False))

    def send_raw(self, payload: str | bytes, text: bool | None = None) -> None:
        self._connection.send(payload, text=text)

    def close(self) -> None:
        self._connection.close()
        self._reader.join(10)

    # What came. A message has all the members that the shipped app insists on; another frame lacks at least one.

    @staticmethod
    def is_message(frame: dict) -> bool:
        needed = {"event_id", "created_at", "message_id", "sender_id", "sender_name", "message"}
        return needed <= frame.keys()

    def lines(self) -> list[dict]:
        """Messages by people, in the order in which they came."""
        with self._changed:
            return list(self._lines)

    def notices(self) -> list[dict]:
        """Lines of the server for this socket alone: they are stored nowhere."""
        with self._changed:
            return [f for f in self.frames if self.is_message(f) and f["sender_id"] == 0 and not f.get("seq")]

    def errors(self) -> list[dict]:
        """Error frames, flat: what they say may stand in `data` or `error`."""
        with self._changed:
            found = [f for f in self.frames if f.get("type") == "error" and not self.is_message(f)]
        return [
            {**f, **(f.get("data") or {}), **(f["error"] if isinstance(f.get("error"), dict) else {})} for f in found
        ]

    def wait(self, claim, seconds: float = 10):
        """Until the claim is true of what came; its value."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (value := claim()):
                left = deadline - time.monotonic()
                # After the end nothing more comes.
                assert left > 0 and self.close_code is None, (
                    f"not within {seconds} s; closed with {self.close_code}, the last frames: {self.frames[-5:]}"
                )
                self._changed.wait(left)
            return value

    def wait_lines(self, count: int, seconds: float = 10) -> list[dict]:
        return self.wait(lambda: len(self._lines) >= count and self.lines(), seconds)

    def wait_text(self, text: str, seconds: float = 10) -> dict:
        return self.wait(lambda: next((line for line in self.lines() if line["message"] == text), None), seconds)

    def wait_error(self, count: int = 1, seconds: float = 15) -> dict:
        return self.wait(lambda: len(self.errors()) >= count and self.errors()[count - 1], seconds)

    def wait_closed(self, seconds: float = 15) -> int:
        return self.wait(lambda: self.close_code, seconds)
