"""What a refusal looks like, whatever its cause."""

from __future__ import annotations

import re

import httpx

HANGUL = re.compile(r"[가-힣]")


def refusal(answer: httpx.Response, *statuses: int, code: str | None = None, language: str = "ko") -> dict:
    """The error of an answer that must be a readable JSON refusal with one of these statuses."""
    request = answer.request
    context = f"{request.method} {request.url}: {answer.status_code} {answer.text[:500]}"
    assert answer.status_code in statuses, f"{context}: not one of {statuses}"
    assert answer.headers.get("content-type", "").split(";")[0] == "application/json", context
    error = answer.json()["error"]
    check_error(error, code, language, context)
    return error


def check_error(error: dict, code: str | None = None, language: str = "ko", context: str = "") -> None:
    assert isinstance(error["code"], str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", error["code"]), context
    assert isinstance(error["message"], str) and len(error["message"]) >= 4, context
    assert bool(HANGUL.search(error["message"])) == (language == "ko"), f"{context}: not in {language}"
    for leak in ("Swift", "PGRES", "SQLSTATE", "0x", "libpq", 'relation "', "nats:"):
        assert leak not in error["message"], f"{context}: a raw driver error"
    if code is not None:
        assert error["code"] == code, context
