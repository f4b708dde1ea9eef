"""Draw many small worlds at once from a seed, to live side by side in one store and never meet.

What one store does in a run costs its statements before its rows, so a thousand worlds cost little more than one. The
worlds are those of :mod:`reference.worlds`, but for the drawing: Hypothesis takes 26 ms a world, this takes less than
one. Each world has numbers, accounts and record ids of its own, so that none can touch another.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from reference.worlds import BIRTHDAYS, DAYS, FIRST, KINDS, NAMES, SOURCES, Delivery, World

from unifier.identifiers import md5

PHONES_EACH: Final = 3
MOST: Final = 10_000 // PHONES_EACH
"""How many worlds fit side by side: the numbers that may stand in tests are ten thousand."""

CHANNELS: Final = ("sms", "email")
MOODS: Final = (
    ("profile", "profile", "order", *KINDS),
    ("profile",),
    ("profile", "consent", "consent"),
    ("order", "order", "refund", "profile"),
)
"""What a world is about; one that is about everything says little of each."""

PLACEHOLDER: Final = "微信用户"
"""What WeChat writes where somebody gave no name."""


@dataclass(frozen=True, slots=True)
class Block:
    """Worlds side by side: what each delivers, the days of the runs they share, and whether each run settles once."""

    seed: str
    worlds: tuple[World, ...]
    as_of: tuple[date, ...]
    settles_once: bool

    def delivered(self, run: int, shuffle: random.Random) -> list[tuple[str, str, list[dict[str, Any]]]]:
        """List what arrives before a run, the worlds mixed; of one world a stream keeps its order."""
        streams: dict[tuple[str, str], list[tuple[float, dict[str, Any]]]] = {}
        for world in self.worlds:
            told: dict[tuple[str, str], list[dict[str, Any]]] = {}
            for delivery in world.deliveries:
                if delivery.run == run:
                    told.setdefault((delivery.source, delivery.kind), []).extend(delivery.records)
            for stream, records in told.items():
                places = sorted(shuffle.random() for _ in records)
                streams.setdefault(stream, []).extend(zip(places, records, strict=True))
        return [
            (*stream, [record for _, record in sorted(placed, key=lambda pair: pair[0])])
            for stream, placed in streams.items()
        ]


def block(seed: str, size: int, *, settles_once: bool, runs: int = 3) -> Block:
    """Draw so many worlds, which share the days of their runs; equal seeds give equal worlds."""
    draw = random.Random(seed)
    as_of = tuple(sorted(_time(draw).date() for _ in range(runs)))
    return Block(seed, tuple(_world(_Place(draw, place), as_of) for place in range(size)), as_of, settles_once)


def home(record_id: str) -> int:
    """Tell in which world of its block a record lives."""
    return int(record_id.rpartition("-")[0])


def alone(block: Block, deliveries: Sequence[Delivery]) -> Block:
    """Make a block of one world."""
    return replace(block, worlds=(World(tuple(deliveries), block.as_of),))


def told(world: World) -> list[Delivery]:
    """Take a world apart: one delivery for each version of a record."""
    return [replace(each, records=(record,)) for each in world.deliveries for record in each.records]


def said(deliveries: Sequence[Delivery]) -> list[tuple[int, dict[str, Any]]]:
    """Take deliveries of one record each apart: each identifier, and which of them says it."""
    return [(at, said) for at, each in enumerate(deliveries) for said in each.records[0]["identifiers"]]


def saying(deliveries: Sequence[Delivery], left: Sequence[tuple[int, dict[str, Any]]]) -> list[Delivery]:
    """Put deliveries together again with the identifiers that are left."""
    return [
        replace(each, records=({**each.records[0], "identifiers": [one for place, one in left if place == at]},))
        for at, each in enumerate(deliveries)
    ]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a world lies in its block, and the dice it is drawn with."""

    draw: random.Random
    place: int

    @property
    def phones(self) -> list[str]:
        """Numbers that no other world of the block has."""
        return [f"1990000{PHONES_EACH * self.place + n:04}" for n in range(PHONES_EACH)]

    def one(self, options: Sequence[Any]) -> Any:
        """Choose."""
        return self.draw.choice(options)


def _time(draw: random.Random) -> datetime:
    """Draw a time on one of few days, or on any, so that equal times and long pauses both happen."""
    day = 45 * draw.randint(0, DAYS // 45) if draw.random() < 0.5 else draw.randint(0, DAYS)
    return FIRST + timedelta(days=day, hours=draw.choice((0, 9, 17)))


def _world(at: _Place, as_of: tuple[date, ...]) -> World:
    """Draw a world: versions come in any order of time, some again in the same run, some again in a later one."""
    found: list[Delivery] = []
    mood = at.one(MOODS)
    for run in sorted(at.draw.randint(1, len(as_of)) for _ in range(at.draw.randint(1, 8))):
        stream = (at.one(SOURCES), at.one(mood))
        if found and at.draw.random() < 0.5:
            known = at.one(found)
            stream = (known.source, known.kind)
        again = _again(found, *stream)
        records = [_version(at, stream[1]) for _ in range(at.draw.randint(1, 3))]
        records += [at.one(again) for _ in range(at.draw.randint(0, 2) if again else 0)]
        at.draw.shuffle(records)
        found.append(Delivery(run, *stream, tuple(records)))
    return World(tuple(found), as_of)


def _again(found: Sequence[Delivery], source: str, kind: str) -> list[dict[str, Any]]:
    """List what the source delivered before: as it was, and seen again a day later, an order then completed."""
    told = [record for before in found if (before.source, before.kind) == (source, kind) for record in before.records]
    changed = {"status": "completed"} if kind == "order" else {}
    return told + [{**record, **changed, "observed_at": record["observed_at"] + timedelta(days=1)} for record in told]


def _version(at: _Place, kind: str) -> dict[str, Any]:
    """Draw a version of a record; one in eight is a tombstone, which says as much as any other version."""
    seen_at = _time(at.draw)
    record = {
        "record_id": f"{at.place}-{at.one('123')}",
        "observed_at": seen_at,
        "deleted": at.draw.randint(0, 7) == 0,
        "identifiers": _identifiers(at, 4 if kind == "profile" else 2),
    }
    return record | (_profile(at, seen_at) if kind == "profile" else _fact(at, kind, seen_at))


def _identifiers(at: _Place, most: int) -> list[dict[str, Any]]:
    """Draw the identifiers of a record; each type and value is named once, and all are verified or none."""
    verified = at.draw.random() < 0.5
    found = {}
    for _ in range(at.draw.randint(0, most)):
        said = _identifier(at)
        found[said["type"], said["value"]] = {
            **said,
            "role": at.one(("own", "own", "own", "staff", "receiver")),
            "verified": verified,
        }
    return list(found.values())


def _identifier(at: _Place) -> dict[str, Any]:
    """Draw a phone, clean, spelled badly, two in a field, masked or hashed; or an account, a card, an e-mail address."""
    number, n = at.one(at.phones), at.one("123")
    spelled: tuple[dict[str, Any], ...] = (
        {"type": "phone", "value": number},
        {"type": "phone", "value": number},
        {"type": "phone", "value": f"+86 {number[:3]}-{number[3:7]}-{number[7:]}"},
        {"type": "phone", "value": f"{number}/{at.phones[0]}"},
        {"type": "phone", "value": f"{number[:3]}****{number[7:]}"},
        {"type": "phone_md5", "value": md5(number)},
    )
    return dict(
        at.one(
            (
                at.one(spelled),
                at.one(spelled),
                {"type": "unionid", "value": f"oTest{at.place:05}{n}", "scope": "shop"},
                {"type": "member_no", "value": f"M{at.place:05}{n}", "scope": "mall"},
                {"type": "email", "value": f"cast{at.place}.{n}@mail.cn"},
            )
        )
    )


def _profile(at: _Place, observed_at: datetime) -> dict[str, Any]:
    cards = [{"issuer": "mall", "card_no": at.one(("C1", "C2")), "level": "gold"}]
    return {
        "name": at.one((*NAMES, PLACEHOLDER)),
        "gender": at.one(("female", "male", "unknown", None)),
        "birthday": at.one(BIRTHDAYS),
        "city": at.one(("上海", "杭州", "", None)),
        "address": at.one(("南京东路1号", "西湖大道2号", "", None)),
        "acquired": at.one((None, {"scene": "scan"}, {"scene": "live", "store": "S1"})),
        "status": at.one(("active", "active", "closed", None)),
        "registered_at": at.one((None, observed_at - timedelta(days=100))),
        "memberships": at.one(([], cards)),
    }


def _fact(at: _Place, kind: str, observed_at: datetime) -> dict[str, Any]:
    when = observed_at - at.one((timedelta(0), timedelta(days=1)))
    if kind == "order":
        return {
            "ordered_at": when,
            "amount": at.one((0, 100, 2500)),
            "status": at.one(("paid", "paid", "completed", "placed", "closed")),
            "paid_at": at.one((None, when + timedelta(hours=1))),
            "external": at.one((None, None, {"issuer": "mall", "no": f"E{at.place}"})),
            "type": at.one((None, None, None, "sale", "gift_card")),
            "grain": at.one((None, None, None, "receipt", "total")),
            "currency": at.one((None, None, None, "CNY", "USD")),
        }
    if kind == "refund":
        order, status = f"{at.place}-{at.one('12')}", at.one(("success", "rejected"))
        return {"refunded_at": when, "amount": 60, "order_id": order, "status": status}
    if kind == "event":
        return {"happened_at": when, "event_type": "visit"}
    status = at.one(("granted", "granted", "denied", "withdrawn"))
    return {"at": when, "purpose": "marketing", "channel": at.one(CHANNELS), "status": status}
