"""What the demo's programs share: two people, how they sign in, and where their tokens are kept."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_STATE = ROOT / ".timingle" / "run" / "demo.json"
# The code of every phone while the server runs with OTP_TEST_MODE=true.
TEST_CODE = "123456"


@dataclass(frozen=True)
class Person:
    key: str
    name: str
    phone: str


PEOPLE = {
    "minsu": Person("minsu", "민수", "+821055550101"),
    "jiyoung": Person("jiyoung", "지영", "+821055550102"),
}


class DemoError(Exception):
    """Something that the reader can do something about."""


class State:
    """A JSON file that only its owner may read; replaced as a whole."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.values = json.loads(path.read_text())
        except (OSError, ValueError):
            self.values = {}

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replacement = self.path.with_suffix(".new")
        descriptor = os.open(replacement, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self.values, file, indent=2, ensure_ascii=False)
        replacement.replace(self.path)


class Session:
    """One person's signed-in client."""

    def __init__(self, url: str, person: Person, state: State):
        self.url = url.rstrip("/")
        self.person = person
        self.state = state
        self.http = httpx.Client(base_url=self.url + "/api/v1", timeout=30, trust_env=False)
        self.token = ""
        self.user_id = 0

    def sign_in(self) -> "Session":
        """By the refresh token of an earlier run, else by a code: codes are limited to a few a day and phone."""
        accept = self._refreshed() or self._verified()
        self.token = accept["access_token"]
        self.user_id = accept["user"]["id"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        return self

    def request(self, method: str, path: str, **arguments) -> httpx.Response:
        try:
            return self.http.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise DemoError(f"{self.url} does not answer ({error}); is `make run` running?") from error

    def call(self, method: str, path: str, **arguments):
        answer = self.request(method, path, **arguments)
        if answer.is_success:
            return answer.json()
        raise DemoError(f"{method} {path}: {answer.status_code} {answer.text}")

    def _tokens(self) -> dict:
        return self.state.values.setdefault("refresh_tokens", {})

    def _refreshed(self) -> dict | None:
        token = self._tokens().get(self.person.key)
        if not token:
            return None
        # The first token is kept: a child that is never used leaves its parent good, so that several programs may
        # share it.
        answer = self.request("POST", "/auth/refresh", json={"refresh_token": token})
        return answer.json() if answer.is_success else None

    def _verified(self) -> dict:
        code = os.environ.get("TIMINGLE_CODE", TEST_CODE)
        for attempt in (1, 2):
            answer = self.request("POST", "/auth/phone/send", json={"phone": self.person.phone})
            if answer.status_code != 429:
                break
            seconds = int(answer.headers.get("Retry-After", "60"))
            if attempt == 2 or seconds > 70:
                raise DemoError(f"too many codes for {self.person.name}: try again in {seconds} s, or `make reset`")
            print(f"One code a minute: waiting {seconds} s", file=sys.stderr)
            time.sleep(seconds)
        if not answer.is_success:
            raise DemoError(f"no code for {self.person.name}: {answer.status_code} {answer.text}")
        accept = self.call(
            "POST",
            "/auth/phone/verify",
            json={
                "verification_id": answer.json()["verification_id"],
                "code": code,
                "name": self.person.name,
                "language": "ko",
                "timezone": "Asia/Seoul",
            },
        )
        self._tokens()[self.person.key] = accept["refresh_token"]
        self.state.save()
        return accept

    def socket_url(self, event_id: int) -> str:
        return f"ws{self.url.removeprefix('http')}/api/v1/ws?event_id={event_id}"
