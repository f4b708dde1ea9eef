"""Generate small random worlds: few people, few values, three years, several runs.

A world is what sources deliver and the days of the runs. Values come from pools so small that records meet by every
rule: phones clean, spelled badly, masked or hashed, accounts, member numbers, variants of names; times lie far enough
apart for a number to change hands. ``SETTINGS`` is an ``identity`` section whose limits such a world can reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from cast import LI_QIANG, RECYCLED_PHONE, WANG_FANG
from hypothesis import strategies as st

from unifier.identifiers import md5

Draw = Callable[..., Any]
"""The ``draw`` of a composite strategy."""

SOURCES: Final = ("crm", "pos", "tmall", "wechat")
KINDS: Final = ("profile", "order", "refund", "event", "consent")
PHONES: Final = (WANG_FANG.phone, LI_QIANG.phone, RECYCLED_PHONE)
NAMES: Final = ("王芳", "王芳女士", "王女士", "FANG WANG", "李强", "李小强", "李晓强", "张*", "", None)
BIRTHDAYS: Final = (WANG_FANG.birthday, LI_QIANG.birthday, "--03-08", None, None)
FIRST: Final = datetime(2023, 1, 1, tzinfo=UTC)
DAYS: Final = 3 * 365
SETTINGS: Final[Mapping[str, Any]] = {
    "max_per_person": {"phone": 2},
    "generic_after": {"phone": {"names": 2, "exclusives": 2, "profiles": 6}, "member_no": {"names": 2}},
}


@dataclass(frozen=True)
class Delivery:
    """Records of one kind that one source delivers before a run (the first run is 1)."""

    run: int
    source: str
    kind: str
    records: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class World:
    """All deliveries in order of arrival, and the day of each run."""

    deliveries: tuple[Delivery, ...]
    as_of: tuple[date, ...]


def times() -> st.SearchStrategy[datetime]:
    """Draw a time within three years, on one of few days, so that equal times and long pauses both happen."""
    days = st.one_of(st.integers(0, DAYS // 45).map(lambda n: n * 45), st.integers(0, DAYS))
    return st.builds(lambda day, hour: FIRST + timedelta(days=day, hours=hour), days, st.sampled_from((0, 9, 17)))


def phones() -> st.SearchStrategy[dict[str, Any]]:
    """Draw a phone: clean, spelled badly, two in a field, masked, or hashed."""
    number = st.sampled_from(PHONES)
    spelled = (
        lambda n: ("phone", n),
        lambda n: ("phone", n),
        lambda n: ("phone", f"+86 {n[:3]}-{n[3:7]}-{n[7:]}"),
        lambda n: ("phone", f"{n}/{PHONES[0]}"),
        lambda n: ("phone", f"{n[:3]}****{n[7:]}"),
        lambda n: ("phone_md5", md5(n)),
    )
    return st.builds(lambda n, spell: _named(*spell(n)), number, st.sampled_from(spelled))


def _named(type_: str, value: str, scope: str | None = None) -> dict[str, Any]:
    return {"type": type_, "value": value} | ({"scope": scope} if scope else {})


@st.composite
def identifiers(draw: Draw, most: int) -> list[dict[str, Any]]:
    """Draw the identifiers of one record; each type, scope and value is named once."""
    number = st.sampled_from("123")
    one = st.one_of(
        phones(),
        phones(),
        st.builds(lambda n: _named("unionid", f"oTest000{n}", "shop"), number),
        st.builds(lambda n: _named("member_no", f"M00{n}", "mall"), number),
        st.builds(lambda n: _named("email", f"cast{n}@mail.cn"), number),
    )
    found: list[dict[str, Any]] = draw(
        st.lists(one, max_size=most, unique_by=lambda said: (said["type"], said["value"]))
    )
    verified = draw(st.booleans())  # one for the record: a set that says both of one value is nobody's data
    for said in found:
        said |= {"role": draw(st.sampled_from(("own", "own", "own", "staff", "receiver"))), "verified": verified}
    return found


@st.composite
def profiles(draw: Draw, record_id: str, observed_at: datetime) -> dict[str, Any]:
    """Draw a version of a profile."""
    cards = [{"issuer": "mall", "card_no": draw(st.sampled_from(("C1", "C2"))), "level": "gold"}]
    return {
        "record_id": record_id,
        "observed_at": observed_at,
        "name": draw(st.sampled_from(NAMES)),
        "gender": draw(st.sampled_from(("female", "male", "unknown", None))),
        "birthday": draw(st.sampled_from(BIRTHDAYS)),
        "city": draw(st.sampled_from(("上海", "杭州", "", None))),
        "status": draw(st.sampled_from(("active", "active", "closed", None))),
        "registered_at": draw(st.sampled_from((None, observed_at - timedelta(days=100)))),
        "memberships": draw(st.sampled_from(([], cards))),
        "identifiers": draw(identifiers(4)),
    }


@st.composite
def facts(draw: Draw, kind: str, record_id: str, observed_at: datetime) -> dict[str, Any]:
    """Draw a version of an order, refund, event or consent."""
    at = observed_at - draw(st.sampled_from((timedelta(0), timedelta(days=1))))
    record: dict[str, Any] = {"record_id": record_id, "observed_at": observed_at, "identifiers": draw(identifiers(2))}
    if kind == "order":
        record |= {"ordered_at": at, "amount": draw(st.sampled_from((0, 100, 2500)))}
        record["status"] = draw(st.sampled_from(("paid", "paid", "completed", "placed", "closed")))
        record["paid_at"] = draw(st.sampled_from((None, at + timedelta(hours=1))))
        record["external"] = draw(st.sampled_from((None, None, {"issuer": "mall", "no": "E1"})))
    elif kind == "refund":
        record |= {"refunded_at": at, "amount": 60, "order_id": draw(st.sampled_from(("1", "2")))}
        record["status"] = draw(st.sampled_from(("success", "rejected")))
    elif kind == "event":
        record |= {"happened_at": at, "event_type": "visit"}
    else:
        record |= {"at": at, "purpose": "marketing", "channel": draw(st.sampled_from(("sms", "email")))}
        record["status"] = draw(st.sampled_from(("granted", "granted", "denied", "withdrawn")))
    return record


@st.composite
def versions(draw: Draw, kind: str) -> dict[str, Any]:
    """Draw a version of a record of a kind; one in eight is a tombstone, which says as much as any other version."""
    record_id, observed_at = draw(st.sampled_from("123")), draw(times())
    made = profiles(record_id, observed_at) if kind == "profile" else facts(kind, record_id, observed_at)
    return {**draw(made), "deleted": draw(st.integers(0, 7)) == 0}


@st.composite
def worlds(draw: Draw, runs: int = 3, deliveries: int = 8) -> World:
    """Draw a world: versions arrive in any order of time, some again in the same run, some again in a later one."""
    as_of = sorted(draw(st.lists(times().map(datetime.date), min_size=1, max_size=runs)))
    found: list[Delivery] = []
    for run in sorted(draw(st.lists(st.integers(1, len(as_of)), min_size=1, max_size=deliveries))):
        anywhere = st.tuples(st.sampled_from(SOURCES), st.sampled_from(("profile", "profile", "order", *KINDS)))
        known = [(told.source, told.kind) for told in found]
        source, kind = draw(st.one_of(anywhere, st.sampled_from(known)) if known else anywhere)
        again = _again(found, source, kind)
        fresh = draw(st.lists(versions(kind), min_size=1, max_size=3))
        repeated = draw(st.lists(st.sampled_from(again), max_size=2)) if again else []
        found.append(Delivery(run, source, kind, tuple(draw(st.permutations(fresh + repeated)))))
    return World(tuple(found), tuple(as_of))


def _again(found: Sequence[Delivery], source: str, kind: str) -> list[dict[str, Any]]:
    """List what the source delivered before: as it was, and seen again a day later, an order then completed."""
    told = [
        record for earlier in found if (earlier.source, earlier.kind) == (source, kind) for record in earlier.records
    ]
    changed = {"status": "completed"} if kind == "order" else {}
    return told + [{**record, **changed, "observed_at": record["observed_at"] + timedelta(days=1)} for record in told]
