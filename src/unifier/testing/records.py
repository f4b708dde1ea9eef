"""Prove what a connector yields: the contract, the same again, times, parse."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from unifier.testing.judge import beside_the_point, listed, plain, refuse, require
from unifier.testing.rig import Heard, Rig, Rigs
from unifier.testing.subject import Subject

_ZONE_RULE: Final = "time_zone"
_GARBAGE: Final[tuple[Any, ...]] = (
    None,
    0,
    -1,
    1e308,
    True,
    "",
    "x",
    "\0",
    "\U00020bb7\u202e",
    [],
    [None],
    {},
    {"": None},
    {"id": {}},
    [[[]]],
)
_ODD_VALUES: Final[tuple[Any, ...]] = (None, "", 0, -1, True, [], {}, "9" * 400, "\0", {"id": 1})
_ROWS: Final = 200


class RecordTests(Subject):
    """Tests of records."""

    def test_every_stream_yields_something(self, heard: dict[str, Heard]) -> None:
        """Nothing is proved of a stream that is empty."""
        empty = [name for name, one in heard.items() if not one.everything and not one.faults]
        empty = [name for name in empty if name not in self.quiet]
        require(
            not empty, f"{listed(empty)} yields nothing", "let the test's system hold some rows, or name it in quiet"
        )

    def test_every_record_keeps_the_contract(self, heard: dict[str, Heard]) -> None:
        """What breaks the contract is quarantined, and lost to the retailer until somebody looks."""
        faults = [
            f"stream {name} {fault['pointer'] or '/'} breaks {fault['rule']} ({fault['reason']})"
            for name, one in heard.items()
            for fault in one.faults
            if fault["rule"] not in {_ZONE_RULE, "rejected"}
        ]
        require(not faults, f"{len(faults)} records are refused: {listed(faults)}", "see `unifier schema KIND`")

    def test_times_say_where_they_are_at_home(self, rig: Rig) -> None:
        """A time without an offset means nothing until the source says its timezone."""
        naive = [
            f"stream {name} {fault['pointer']}"
            for name, one in rig.read().items()
            for fault in one.faults
            if fault["rule"] == _ZONE_RULE
        ]
        require(
            not naive,
            f"times have no offset: {listed(naive)}",
            'write the offset, or document `timezone:` for the source and set timezone = "Asia/Shanghai" in the test',
        )

    def test_a_system_is_read_the_same_twice(self, heard: dict[str, Heard], rigs: Rigs) -> None:
        """A reading is a function of the system: no random ids, no clock, no order of a set."""
        again = rigs.new().read()
        for name, one in heard.items():
            if again[name].texts != one.texts:
                refuse(
                    f"stream {name}: the second reading of the same system differs {_first_difference(one, again[name])}",
                    "make ids and times of what the system says, and yield in a fixed order",
                )

    def test_the_faults_are_the_same_twice(self, heard: dict[str, Heard], rigs: Rigs) -> None:
        """What is rejected today is rejected tomorrow, so that a replay can be judged."""
        again = rigs.new().read()
        for name, one in heard.items():
            same = [(fault["rule"], fault["raw"]) for fault in one.faults]
            other = [(fault["rule"], fault["raw"]) for fault in again[name].faults]
            require(
                same == other, f"stream {name}: other rows are refused at the second reading", "reject by the row only"
            )

    def test_hostile_texts_survive(self, heard: dict[str, Heard], rigs: Rigs) -> None:
        """Names hold anything: rare characters, marks of direction, quotes, SQL. They arrive as they were sent."""
        if any(one.faults for one in heard.values()):
            beside_the_point("records are refused as it is: see test_every_record_keeps_the_contract")
        found = rigs.holding(list(HOSTILE)).read()
        texts = {text for one in found.values() for record in one.everything for text in _texts(record)}
        lost = [ascii(text) for text in HOSTILE if text not in texts]
        require(
            not lost, f"{len(lost)} texts do not arrive as they were sent: {listed(lost)}", "hand texts on unchanged"
        )

    def test_parse_is_pure(self, heard: dict[str, Heard]) -> None:
        """A replay parses kept rows again: the same row gives the same records, and stays as it is."""
        for name, parse, rows in _parsed(heard):
            for row in rows:
                _require_pure(name, parse, row)

    def test_parse_takes_garbage(self, heard: dict[str, Heard]) -> None:
        """Rows come broken. Parse may raise an error, which quarantines the row; it may not end the process."""
        seeded = random.Random(7)  # noqa: S311 - so that a failure comes again
        for name, parse, rows in _parsed(heard):
            for row in [*copy.deepcopy(_GARBAGE), *_broken(rows, seeded)]:
                _require_pure(name, parse, row)


HOSTILE: Final = (
    "\U00020bb7\u91ce\u5bb6 \u7530\u4e2d",
    "O'Brien; DROP TABLE profile; --",
    'say "hi" \\ back',
    "a,b;c\td",
    "\u202ereversed\u202c",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 family",
    "caf\u00e9 and cafe\u0301",
    "\uff46\uff55\uff4c\uff4c\u3000\uff57\uff49\uff44\uff54\uff48",
    "NULL",
    "=1+1",
    "<b>&amp;</b>",
    "zero\u200bwidth",
    "%s {0} ${HOME}",
)
"""Texts that have broken somebody's pipeline."""


def _texts(value: Any) -> Iterator[str]:
    """List all texts inside a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _first_difference(one: Heard, other: Heard) -> str:
    if len(one.texts) != len(other.texts):
        return f"({len(one.texts)} records, then {len(other.texts)})"
    at = next(number for number, pair in enumerate(zip(one.texts, other.texts, strict=True)) if pair[0] != pair[1])
    mine, yours = one.everything[at], other.everything[at]
    fields = [field for field in mine if plain({"": mine[field]}) != plain({"": yours.get(field)})]
    return f"(first in record {at + 1}, fields {listed(fields)})"


def _parsed(heard: Mapping[str, Heard]) -> list[tuple[str, Callable[[Any], Any], list[Any]]]:
    found = [(name, one.stream.parse, one.rows()[:_ROWS]) for name, one in heard.items() if one.stream.parse]
    if not found:
        beside_the_point("no stream has a parse function")
    return found


def _outcome(parse: Callable[[Any], Any], row: Any) -> str:
    try:
        made = parse(row)
        if made is not None and not isinstance(made, Mapping | list | tuple):
            return repr(made)
        return repr([plain(record) if isinstance(record, Mapping) else record for record in _several(made)])
    except Exception as error:  # noqa: BLE001 - a row that cannot be parsed is quarantined, whatever is raised
        return type(error).__name__
    except BaseException as error:  # noqa: BLE001 - SystemExit and its like end the process of the source
        return refuse(f"parse raises {type(error).__name__} on a broken row", "raise errors, never end the process")


def _several(made: Any) -> list[Any]:
    if made is None:
        return []
    return list(made) if isinstance(made, list | tuple) else [made]


def _require_pure(name: str, parse: Callable[[Any], Any], row: Any) -> None:
    before = copy.deepcopy(row)
    first = _outcome(parse, row)
    require(
        repr(row) == repr(before),
        f"stream {name}: parse changes the row that it is given",
        "build a new dict; never pop",
    )
    second = _outcome(parse, copy.deepcopy(before))
    require(
        first == second, f"stream {name}: parse answers differently at the second call", "keep nothing between calls"
    )


def _broken(rows: list[Any], seeded: random.Random) -> list[Any]:
    """Break rows: leave out a key, put something odd in its place."""
    broken: list[Any] = []
    for row in rows[:20]:
        if isinstance(row, Mapping):
            for key in row:
                broken.append({name: value for name, value in row.items() if name != key})
                broken.append({**copy.deepcopy(dict(row)), key: seeded.choice(_ODD_VALUES)})
    return broken
