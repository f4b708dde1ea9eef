"""Try a source: read the first records, check them, show them; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from unifier import app
from unifier.errors import UnifierError
from unifier.stages.extract import Source, job
from unifier.stages.feed import side_by_side


@dataclass(slots=True)
class Attempt:
    """What became of the first records of one stream.

    ``records`` are in the shape of the contract, ``faults`` have row_no, record_id, pointer, rule, reason, raw.
    """

    stream: str
    kind: str
    consumes: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Attempts:
    """What a source yields, by stream, and the error that ended it; ``trace`` is for its author."""

    source: str
    streams: list[Attempt] = field(default_factory=list)
    error: UnifierError | None = None
    trace: str = ""


def attempt(project: app.Project, source: Source, limit: int) -> Attempts:
    """Read up to ``limit`` rows of each stream of a source from its begin, in a process of its own.

    Consuming streams are left alone. What the plugin prints goes to standard error.
    """
    found = Attempts(source.name, error=source.error)
    if source.error:
        return found
    by_name: dict[str, Attempt] = {}
    with side_by_side([job(source, {"sample": limit, "trace": True})], 1, project.folder, echo=True) as arriving:
        for told in arriving:
            if told.word == "sample":
                body = told.body
                one = by_name.setdefault(body["stream"], Attempt(body["stream"], body["kind"], body["consumes"]))
                one.records += body["records"]
                one.faults += told.columns.to_pylist() if told.columns is not None else []
            elif told.word == "failed":
                found.error = told.error
                found.trace = str(told.body.get("trace", ""))
    found.streams = list(by_name.values())
    return found
