"""A connector that does one thing wrong at a time, as its config says; without a fault it is a good one.

Its system is a folder: members and visits as lines of JSON, a complete list of stores, a queue of messages.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from unifier import Checkpoint, Connector, Stream, hookimpl, stream
from unifier.errors import AuthError

TOKEN = "hunter2-of-the-till"
CALLS: list[int] = []


def member(row: dict[str, Any]) -> dict[str, Any]:
    """Make a profile of a row."""
    phones = [{"type": "phone", "value": row["mobile"]}] if row.get("mobile") else []
    return {"record_id": row["id"], "observed_at": row["changed"], "name": row["name"], "identifiers": phones}


def eating_member(row: dict[str, Any]) -> dict[str, Any]:
    """Do the same and take the row apart."""
    made = member(row)
    row.pop("mobile", None)
    return made


def counting_member(row: dict[str, Any]) -> dict[str, Any]:
    """Do the same, differently at every call."""
    CALLS.append(1)
    return {**member(row), "city": f"C{len(CALLS)}"} if row.get("odd", True) else member(row)


def quitting_member(row: dict[str, Any]) -> dict[str, Any]:
    """Do the same, and leave the process at a row without an id."""
    if not isinstance(row, dict) or "id" not in row:
        raise SystemExit(1)
    return member(row)


class Hostile(Connector):
    """Members, visits, stores and messages of an invented till."""

    name: ClassVar[str] = "hostile"
    config_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["token"],
        "additionalProperties": False,
        "properties": {"token": {"type": "string", "x-secret": True}, "fault": {"type": "string"}},
    }

    def has(self, fault: str) -> bool:
        """Tell whether a fault is switched on."""
        return bool(self.config.get("fault") == fault)

    def check(self) -> None:
        """Look whether the token is the right one."""
        if self.config["token"] != TOKEN:
            token = f" {self.config['token']}" if self.has("tells a wrong secret") else ""
            raise AuthError("till", f"it refuses the token{token}", "ask its owner for a new one")

    def streams(self) -> list[Stream]:
        """List the streams; perhaps look into the system first."""
        from dataclasses import replace

        if self.has("streams read"):
            self.lines("members")
        parsers = {
            "eats its rows": eating_member,
            "parses by count": counting_member,
            "quits on garbage": quitting_member,
        }
        parser = parsers.get(self.config.get("fault", ""), member)
        listed = [replace(one, parse=parser) if one.parse is member else one for one in Connector.streams(self)]
        if self.has("streams change"):
            CALLS.append(1)
            return listed[: 2 + len(CALLS) % 2]
        return listed

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Read a whole file of the system."""
        return [json.loads(line) for line in (self.folder / name).read_text(encoding="utf-8").splitlines()]

    def each(self, name: str) -> Iterator[dict[str, Any]]:
        """Read a file of the system line by line."""
        if self.has("leaves a file open"):
            CALLS.append(open(self.folder / name, "rb"))  # type: ignore[arg-type]  # noqa: SIM115, PTH123
        if self.has("reads all first"):
            yield from self.lines(name)
            return
        with (self.folder / name).open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    @stream("profile", cursor="changed", ordered=True, overlap="0s", parse=member)
    def members(self, since: Any) -> Iterator[Any]:
        """Yield members by their last change, the fault in between."""
        self.check()
        self._misbehave()
        seen: list[Any] = []
        for number, row in enumerate(self.each("members")):
            if since and (row["changed"] < since or (self.has("reads after") and row["changed"] == since)):
                continue
            if self.has("keeps what it yields"):
                seen.append(dict(row))
            if self.has("raises") and number == 3:
                raise ValueError(f"what about {row['mobile']}")
            yield {**row, **self._bent(row, number)}
        if self.has("goes backwards"):
            yield {"id": "m0", "changed": "2026-01-01T00:00:00Z", "name": "王芳"}

    def _misbehave(self) -> None:
        """Do to the process what the fault says."""
        if self.has("prints its secret"):
            logging.getLogger("till").info("GET /members?token=%s", self.config["token"])
        if self.has("changes folder"):
            os.chdir("/")
        if self.has("changes environment"):
            os.environ["TILL"] = "1"
        if self.has("hangs"):
            time.sleep(600)
        if self.has("writes state"):
            (self.folder / "state.txt").write_text(str(time.time_ns()), encoding="utf-8")

    def _bent(self, row: dict[str, Any], number: int) -> dict[str, Any]:
        """Change a row as the fault says."""
        if self.has("prints people"):
            print(row.get("mobile"))  # noqa: T201 - the fault
        if self.has("ids by chance"):
            return {"id": f"{row['id']}-{time.monotonic_ns()}" if number == 1 else row["id"]}
        if self.has("trims texts"):
            return {"name": row["name"].replace("\u200b", "")}
        if self.has("zone of the machine"):
            return {"name": f"{row['name']} {time.strftime('%H', time.localtime(0))}"}
        if self.has("breaks the contract"):
            return {"name": 7 if number == 1 else row["name"]}
        if self.has("naive times"):
            return {"changed": row["changed"].removesuffix("Z")}
        return {}

    def doors(self) -> list[str]:
        """List the doors that count visits."""
        return ["east", "west"]

    @stream("event", partitions="doors")
    def visits(self, since: Any, door: str) -> Iterator[Any]:
        """Yield the visits of a door, a checkpoint behind each."""
        known = [row for row in self.lines("visits") if row["door"] == door]
        for number, row in enumerate(known):
            if since and number == since and self.has("loses a row on resume"):
                continue
            if number >= (since or 0):
                if self.has("checkpoint too early"):
                    yield Checkpoint(number + 1)
                yield {key: value for key, value in row.items() if key != "door"}
                if not self.has("checkpoint too early"):
                    yield Checkpoint(number + 1)
        if self.has("one bookmark for all") and door == "east":
            self.__class__.read_once = since is not None
        if self.has("versions without time"):
            yield {key: value for key, value in {**known[0], "scene": "door"}.items() if key != "door"}

    read_once: ClassVar[bool] = False

    @stream("store", snapshot=True)
    def stores(self, since: Any) -> Iterator[Any]:
        """Yield every store; perhaps only what is new."""
        for number, row in enumerate(self.lines("stores")):
            if not (self.has("lists changes only") and number < (since or 0)):
                yield row
        if self.has("lists changes only"):
            yield Checkpoint(1)

    def acknowledge(self, batch: Any) -> None:
        """Remove messages from the queue."""
        for row in [] if self.has("never forgets") else batch:
            with suppress(FileNotFoundError):
                (self.folder / "queue" / f"{row['id']}.json").unlink()


class Queue(Hostile):
    """The queue of the till."""

    name: ClassVar[str] = "queue"

    def streams(self) -> list[Stream]:
        """List the messages only."""
        return [one for one in Connector.streams(self) if one.name == "messages"]

    @stream("profile", consume=True, parse=member)
    def messages(self, since: Any) -> Iterator[Any]:
        """Yield messages two at a time."""
        del since
        files = sorted((self.folder / "queue").glob("*.json"))
        for at in range(0, len(files), 2):
            rows = [json.loads(file.read_text(encoding="utf-8")) for file in files[at : at + 2]]
            if self.has("acknowledges by itself"):
                self.acknowledge(rows)
            yield rows


class Open(Hostile):
    """A till whose schema accepts anything."""

    config_schema: ClassVar[Mapping[str, Any]] = {
        **Hostile.config_schema,
        "properties": {"token": {"x-secret": True}, "fault": {"type": "string"}},
    }


class Loose(Hostile):
    """A till whose schema accepts unknown keys."""

    config_schema: ClassVar[Mapping[str, Any]] = {**Hostile.config_schema, "additionalProperties": True}


class Unmarked(Hostile):
    """A till whose token is not marked."""

    config_schema: ClassVar[Mapping[str, Any]] = {
        **Hostile.config_schema,
        "properties": {"token": {"type": "string"}, "fault": {"type": "string"}},
    }


class Needy(Hostile):
    """A till that needs a key it does not require."""

    config_schema: ClassVar[Mapping[str, Any]] = {**Hostile.config_schema, "required": []}

    def streams(self) -> list[Stream]:
        """Ask for the token."""
        return Hostile.streams(self) if self.config["token"] else []


class Unschemed(Hostile):
    """A till whose schema is none."""

    config_schema: ClassVar[Mapping[str, Any]] = {**Hostile.config_schema, "required": "token"}


class Nameless(Hostile):
    """A till with two words for a name."""

    name: ClassVar[str] = "Hostile Till"


class Hidden(Hostile):
    """A till that nobody offers."""

    name: ClassVar[str] = "hidden"


@hookimpl
def unifier_connectors() -> list[type[Connector]]:
    """Offer all but one."""
    return [Hostile, Queue, Open, Loose, Unmarked, Needy, Unschemed, Nameless]
