"""The emulator: real sockets, scripted faults, a log of what was asked."""

from __future__ import annotations

import json
from http.client import IncompleteRead
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from unifier.testing import Answer, Emulator

ROWS = [{"id": number, "changed": f"2026-01-0{number}"} for number in range(1, 6)]


def read(url: str, **headers: str) -> Any:
    """Ask for JSON."""
    with urlopen(Request(url, headers=headers), timeout=5) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def test_pages_follow_one_another_from_a_bookmark_on() -> None:
    """That is how most APIs are read."""
    with Emulator() as shop:
        shop.pages("/members", ROWS, 2, since="changed")

        first = read(f"{shop.url}/members?page=1&since=2026-01-03")
        last = read(f"{shop.url}/members?page=2&since=2026-01-03")

    assert ([row["id"] for row in first["rows"]], first["more"]) == ([3, 4], True)
    assert ([row["id"] for row in last["rows"]], last["more"]) == ([5], False)
    assert [asked.query["page"] for asked in shop.log] == ["1", "2"]


def test_faults_stand_in_the_way_once_each() -> None:
    """A client that tries again succeeds."""
    with Emulator() as shop:
        shop.route("/ping", lambda asked: {"path": asked.path})
        shop.fail(Answer.busy(7), Answer.broken(), Answer({"long": "x" * 100}, cut=True))

        with pytest.raises(HTTPError) as busy:
            read(f"{shop.url}/ping")
        with pytest.raises(HTTPError) as broken:
            read(f"{shop.url}/ping")
        with pytest.raises(IncompleteRead):
            read(f"{shop.url}/ping")
        well = read(f"{shop.url}/ping")

    assert (busy.value.code, busy.value.headers["Retry-After"], broken.value.code) == (429, "7", 500)
    busy.value.close()
    broken.value.close()
    assert well == {"path": "/ping"}


def test_scripts_answer_in_turn_and_guards_want_their_header() -> None:
    """Jobs that take a while, and tokens."""
    with Emulator() as shop:
        shop.script("/job", [{"state": "waits"}, {"state": "done"}])
        shop.guard("Authorization", "Bearer t")

        with pytest.raises(HTTPError, match="401") as refused:
            read(f"{shop.url}/job")
        states = [read(f"{shop.url}/job", Authorization="Bearer t")["state"] for _ in range(3)]

    refused.value.close()
    assert states == ["waits", "done", "done"]
