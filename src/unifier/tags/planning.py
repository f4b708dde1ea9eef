"""Plan the configured tags: check them, compile them, put them in order and class."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from unifier.errors import ConfigError
from unifier.expressions import Compiled, Field, Lazy, Namespace, Type, compile  # noqa: A004 - the word of the design
from unifier.expressions.compiler import compile_condition
from unifier.expressions.values import of_column
from unifier.tables import Column, Table, quoted
from unifier.tags.facts import RELATIONS

TimeClass = Literal["record", "clock", "population"]
Lines = Mapping[tuple[str | int, ...], tuple[str, int]]
TIME_CLASSES: Final[tuple[TimeClass, ...]] = ("record", "clock", "population")
RESERVED: Final = frozenset({"person_no", "next_flip", "changed_run", "run_no", "one_id", "as_of"})


@dataclass(frozen=True, slots=True)
class TagDefinition:
    """A tag that was understood.

    ``time`` is ``population`` for tags that rank persons and for tags that read those. ``window`` counts days; ``level`` is 1 more than that of the deepest tag it reads, ``below`` are their hashes.
    """

    name: str
    time: TimeClass
    compiled: Compiled
    body: Mapping[str, Any]
    level: int = 0
    window: int | None = None
    condition: str = ""
    history: bool = False
    below: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """Hash of all that its value depends on."""
        return _hash(
            [
                self.compiled.sql,
                self.compiled.population,
                self.compiled.bands,
                self.window,
                self.condition,
                self.time,
                self.below,
            ]
        )

    @property
    def flips(self) -> tuple[str, ...]:
        """SQL of the days on which it may change without news: over facts when it reads facts, else over the person."""
        if self.window is None:
            return self.compiled.flips
        leaves = f"day + {self.window}"
        case = f"CASE WHEN day > {AS_OF} THEN day WHEN {leaves} > {AS_OF} THEN {leaves} END"
        return (f"min({case}) FILTER (WHERE {self.condition})" if self.condition else f"min({case})",)


AS_OF: Final = "CAST($as_of AS DATE)"


@dataclass(frozen=True, slots=True)
class TagPlan:
    """All tags in the order of the configuration, and the local day of a UTC time as SQL."""

    tags: tuple[TagDefinition, ...]
    day: Callable[[str], str]

    def of(self, time: TimeClass) -> tuple[TagDefinition, ...]:
        """Tags of a time class."""
        return tuple(tag for tag in self.tags if tag.time == time)

    @property
    def relations(self) -> tuple[str, ...]:
        """Relations of facts that are read."""
        return tuple(dict.fromkeys(tag.compiled.relation for tag in self.tags if tag.compiled.relation))

    def hash(self, time: TimeClass) -> str:
        """Hash of the definitions of a time class and of all that they read."""
        below = {"record": ("record",), "clock": ("record", "clock"), "population": TIME_CLASSES}[time]
        return _hash([[tag.name, tag.hash] for tag in self.tags if tag.time in below] + [self.day("at")])


def plan(
    entries: Sequence[Mapping[str, Any]], lines: Lines, golden: Sequence[tuple[str, str]], day: Callable[[str], str]
) -> TagPlan:
    """Plan tags; ``golden`` are name and DuckDB type of the golden fields. Raise ConfigError at the first fault."""
    index = {str(entry["name"]): place for place, entry in enumerate(entries)}
    _check_names(entries, lines, {name for name, _ in golden})
    known = golden_fields(golden)
    done: dict[str, TagDefinition] = {}
    for name in index:
        _define(name, (), _Entries(entries, index, lines), done, known, day)
    return TagPlan(tuple(done[name] for name in index), day)


@dataclass(frozen=True, slots=True)
class _Entries:
    entries: Sequence[Mapping[str, Any]]
    index: Mapping[str, int]
    lines: Lines

    def place(self, name: str, key: str = "name") -> tuple[str, int]:
        at = self.index[name]
        return self.lines.get(("tags", at, key)) or self.lines.get(("tags", at)) or ("tags", at + 1)


def golden_fields(golden: Sequence[tuple[str, str]]) -> dict[str, Field]:
    """Name the golden fields; those of the card also as ``membership.level``."""
    fields: dict[str, Field] = {}
    for name, kind in golden:
        one = Field(name, Type.BIRTHDAY if name == "birthday" else of_column(kind), "golden")
        fields[name] = one
        if name.startswith("membership_"):
            fields[name.replace("_", ".", 1)] = one
    return fields


def _check_names(entries: Sequence[Mapping[str, Any]], lines: Lines, golden: set[str]) -> None:
    seen: set[str] = set()
    for place, entry in enumerate(entries):
        name = str(entry["name"])
        file, line = lines.get(("tags", place, "name")) or ("tags", place + 1)
        if name in seen:
            raise ConfigError(f"{file} line {line}", f"tag {name!r} stands twice", "give it another name")
        if name in golden or name in RESERVED:
            raise ConfigError(f"{file} line {line}", f"tag {name!r} has the name of a field", "give it another name")
        seen.add(name)


def _define(
    name: str,
    chain: tuple[str, ...],
    entries: _Entries,
    done: dict[str, TagDefinition],
    golden: Mapping[str, Field],
    day: Callable[[str], str],
) -> TagDefinition:
    """Define a tag after all tags that it reads."""
    if name in done:
        return done[name]
    file, line = entries.place(name, "value")
    if name in chain:
        circle = " → ".join((*chain[chain.index(name) :], name))
        raise ConfigError(
            f"{file} line {line}", f"tags read one another in a circle: {circle}", "break it at one of them"
        )

    def tag(other: str) -> Field:
        one = _define(other, (*chain, name), entries, done, golden, day)
        return Field(other, one.compiled.type, f"tag:{other}")

    fields = Lazy(golden, tuple(entries.index), tag)
    facts = {relation: one.names(relation) for relation, one in RELATIONS.items()}
    names = Namespace(fields, day, facts, population=True)
    done[name] = _compile(name, entries, names, done)
    return done[name]


def _compile(name: str, entries: _Entries, names: Namespace, done: Mapping[str, TagDefinition]) -> TagDefinition:
    entry = entries.entries[entries.index[name]]
    file, line = entries.place(name, "value")
    window = int(str(entry["window"])[:-1]) if entry.get("window") else None
    free = compile(str(entry["value"]), names, file=file, line=line)
    condition = ""
    for key in ("where", "window"):
        if entry.get(key) and not free.relation:
            where = entries.place(name, key)
            raise ConfigError(
                f"{where[0]} line {where[1]}",
                f"{key} filters facts, and tag {name!r} reads none",
                "put it into the value",
            )
    if entry.get("where"):
        where = entries.place(name, "where")
        condition = compile_condition(
            str(entry["where"]), names, file=where[0], line=where[1], relation=str(free.relation)
        ).sql
    parts = [condition] if condition else []
    if window:
        parts.append(f"day > {AS_OF} - {window} AND day <= {AS_OF}")
    compiled = compile(str(entry["value"]), names, file=file, line=line, within=" AND ".join(parts)) if parts else free
    if entry.get("type") and compiled.type != entry["type"]:
        raise ConfigError(
            f"{file} line {line}", f"tag {name!r} is {compiled.type}, not {entry['type']}", "mend type or value"
        )
    read = [done[one.removeprefix("tag:")] for one in sorted(compiled.reads) if one.startswith("tag:")]
    clock = bool(window or compiled.flips or any(one.time == "clock" for one in read))
    above = [one.name for one in read if one.time == "population"]
    if compiled.population and above:
        raise ConfigError(
            f"{file} line {line}",
            f"tag {name!r} ranks {above[0]!r}, which compares all persons itself",
            "rank what that one ranks",
        )
    time: TimeClass = "population" if compiled.population or above else "clock" if clock else "record"
    if time == "population" and compiled.flips:
        fault = (
            "ranks what changes with the day" if compiled.population else f"reads {above[0]!r} and the day of the run"
        )
        raise ConfigError(f"{file} line {line}", f"tag {name!r} {fault}", "make a tag of what changes, and name that")
    level = 1 + max((one.level for one in read), default=0)
    below = tuple(one.hash for one in read)
    return TagDefinition(name, time, compiled, dict(entry), level, window, condition, bool(entry.get("history")), below)


def tables(tag_plan: TagPlan) -> tuple[Table, ...]:
    """Declare the table of each time class that has tags."""
    declared = []
    for time in TIME_CLASSES:
        tags = [Column(tag.name, tag.compiled.type.column) for tag in tag_plan.of(time)]
        if tags:
            flip = [Column("next_flip", "DATE")] if time == "clock" else []
            head, tail = Column("person_no", "INTEGER"), Column("changed_run", "INTEGER")
            declared.append(Table(f"tag_{time}", f"a person's {time} tags", (head, *tags, *flip, tail), ("person_no",)))
    return tuple(declared)


def columns(tag_plan: TagPlan) -> list[tuple[str, str, str]]:
    """List name, DuckDB type and table of every tag, in the order of the configuration."""
    return [(tag.name, tag.compiled.type.column, f"tag_{tag.time}") for tag in tag_plan.tags]


def _hash(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def selected(tags: Sequence[TagDefinition]) -> str:
    """List the columns of tags for a SELECT."""
    return ", ".join(quoted(tag.name) for tag in tags)
