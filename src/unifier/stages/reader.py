"""The process of a source: import one plugin, read, check, write batches beside the store, and say so to the run.

Started as ``python -m unifier.stages.reader IN OUT`` with the numbers of two pipes. The run tells the job, gives a place
for every batch (that is what holds a quick source back), and enters in the ledger what this process has written.
Whatever a plugin does to this process (its folder, its time zone, its ``json``), it does to this process.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from unifier.contract.mending import Unknown
from unifier.contract.profile import Profile
from unifier.errors import RetryLater, UnifierError
from unifier.offers.connector import Chunk, Connector, Stream
from unifier.processes.child import die_with_parent, leave_no_core
from unifier.processes.pipe import Pipe, PipeClosedError
from unifier.redaction import Redaction, told_safely
from unifier.stages.reading import Batch, Reading, Taken

if TYPE_CHECKING:
    import duckdb


def main() -> None:
    """Do the job that comes through the pipe."""
    pipe = Pipe.of(int(sys.argv[1]), int(sys.argv[2]))
    die_with_parent()
    try:
        job, _ = pipe.receive()
    except PipeClosedError:
        return
    redaction = Redaction(job["secrets"])
    try:
        leave_no_core()
        Work(pipe, job).run()
    except PipeClosedError:
        os._exit(0)  # the run is gone or wants no more: nobody is left to tell
    except KeyboardInterrupt:
        os._exit(130)
    except BaseException as error:  # noqa: BLE001 - whatever a plugin raises, its name goes back through the pipe
        pipe.send("failed", _failure(error, job, redaction))
    sys.stdout.flush()


class Work:
    """One source, read stream by stream."""

    def __init__(self, pipe: Pipe, job: Mapping[str, Any]) -> None:
        self.pipe = pipe
        self.job = job
        self.kept: dict[str, list[tuple[int, str]]] = job["inbox"]
        self.profiles: dict[str, Profile] = {}

    def run(self) -> None:
        """Read every stream from its bookmarks; first what an earlier run kept and could not land."""
        import duckdb

        from unifier.plugins.doors import connector_of

        job = self.job
        kind = connector_of(job["plugin"], job["connector"])
        connector = kind(job["config"], Path(job["folder"]), job["settings"])
        _collect_seldom()
        with duckdb.connect(
            config={"threads": 1, "memory_limit": "512MB", "temp_directory": str(Path.cwd())}
        ) as checker:
            checker.execute("SET TimeZone = 'UTC'")
            for stream in () if job["check"] else connector.streams():
                if job["sample"]:
                    self._sample(stream, checker)
                else:
                    self._stream(connector, stream, checker)
        if job["check"]:
            connector.check()
        connector.close()
        for profile in self.profiles.values():
            self.pipe.send("profile", {"kind": profile.kind}, profile.table())
        self.pipe.send("ended", {})

    @property
    def unknown(self) -> Unknown:
        """What becomes of fields that the contract does not have."""
        asked: Unknown = self.job["settings"].get("unknown", "quarantine")
        return asked

    def _stream(self, connector: Connector, stream: Stream, checker: duckdb.DuckDBPyConnection) -> None:
        """Read one stream; what a consuming one yields is kept before it is acknowledged, and only then parsed."""
        job = self.job
        since = job["since"].get(stream.name, {})
        profile = None if job["replay"] is not None else self.profiles.setdefault(stream.kind, Profile(stream.kind))
        reading = Reading(
            stream,
            since,
            job["zone"],
            checker,
            f"source {job['source']}",
            job["at_once"],
            unknown=self.unknown,
            profile=profile,
        )
        if job["replay"] is not None:
            self._parse(reading, job["replay"].get(stream.name, []), word="replayed")
            return
        self._parse(reading, self.kept.get(stream.name, []))
        for what in reading.batches():
            if isinstance(what, Taken):
                numbers = self._ask("taken", {"stream": stream.name, "texts": list(what.texts)})["numbers"]
                connector.acknowledge(what.answers)
                self._parse(reading, zip(numbers, what.texts, strict=True))
            else:
                self._deliver(what)
        if stream.snapshot:
            self.pipe.send("whole", {"stream": stream.name, "kind": stream.kind, "max_vanish": stream.max_vanish})

    def _sample(self, stream: Stream, checker: duckdb.DuckDBPyConnection) -> None:
        """Read the first rows of a stream from its begin and hand them over; what would be consumed is left alone."""
        limit = int(self.job["sample"])
        if stream.consume:
            self.pipe.send("sample", {"stream": stream.name, "kind": stream.kind, "consumes": True, "records": []})
            return
        few = replace(stream, read=lambda since: (_cut(item, limit) for item in stream.read(since)), ordered=False)
        subject = f"source {self.job['source']}"
        reading = Reading(few, {}, self.job["zone"], checker, subject, at_once=limit, unknown=self.unknown)
        left = limit
        for batch in reading.batches():
            if isinstance(batch, Taken):
                continue
            records = json.loads(json.dumps(batch.valid.slice(0, left).to_pylist(), default=str))
            self.pipe.send(
                "sample",
                {"stream": stream.name, "kind": stream.kind, "consumes": False, "records": records},
                batch.faults.slice(0, limit) if batch.faults.num_rows else None,
            )
            left -= batch.read
            if left <= 0:
                break

    def _parse(self, reading: Reading, answers: Iterable[tuple[int, str]], word: str = "answers") -> None:
        """Parse raw rows and deliver them; the last batch says which rows are done with."""
        from unifier.contract.raws import from_raw_text

        listed = list(answers)
        numbers = [number for number, _ in listed]
        last: Batch | None = None
        for batch in reading.parsed([from_raw_text(text) for _, text in listed]):
            if last is not None:
                self._deliver(last)
            last = batch
        if last is not None:
            self._deliver(last, {word: numbers})
        elif numbers:
            self.pipe.send("done", {word: numbers})

    def _ask(self, word: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask the run for something and wait for it; it answers when it has caught up."""
        self.pipe.send(word, body)
        return self.pipe.receive()[0]

    def _deliver(self, batch: Batch, done: Mapping[str, Any] | None = None) -> None:
        """Write a batch where the run says, and tell it."""
        from unifier.store.landing import Place, write_batch

        kind = batch.stream.kind
        given = self._ask("place", {"kind": kind, "rows": batch.read})
        place = Place(given["batch_no"], given["first_no"])
        write_batch(Path(self.job["landing"]), place, self.job["source_no"], kind, batch.valid)
        self.pipe.send(
            "batch",
            {
                "batch_no": place.batch_no,
                "first_no": place.first_no,
                "stream": batch.stream.name,
                "part": batch.part,
                "kind": kind,
                "origin": batch.origin,
                "landed": batch.valid.num_rows,
                "cursor": batch.cursor,
                **(done or {}),
            },
            batch.faults if batch.faults.num_rows else None,
        )


def _cut(item: Any, limit: int) -> Any:
    """Take the first rows of what an author yields at once."""
    if isinstance(item, Chunk):
        return replace(item, data=_cut(item.data, limit), refused=item.refused[:limit])
    if isinstance(item, pa.Table | pa.RecordBatch):
        return item.slice(0, limit)
    return item[:limit] if isinstance(item, list | tuple) else item


def _failure(error: BaseException, job: Mapping[str, Any], redaction: Redaction) -> dict[str, Any]:
    """Say what stopped a source, without anything that may be a secret or a person's."""
    if isinstance(error, UnifierError):
        told = {"class": type(error).__name__, "subject": error.subject, "fault": error.fault, "mend": error.mend}
        after = error.after if isinstance(error, RetryLater) else 0.0
        return {name: redaction(text) for name, text in told.items()} | {"after": after}
    plugin = job["plugin"]
    return {
        "class": "PluginError",
        "subject": f"plugin {plugin['name']} {plugin['version']}".strip(),
        "fault": redaction(f"it raised {told_safely(error)}{_where(error)}"),
        "mend": f"`unifier try {job['source']}` shows more; tell its author",
        "after": 0.0,
        "trace": redaction("".join(traceback.format_exception(error))) if job.get("trace") else "",
    }


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" in {frames[-1].filename.rpartition('/')[2]} line {frames[-1].lineno}" if frames else ""


def _collect_seldom() -> None:
    """Let the garbage collector come by once a page and not a hundred times: each time it walks through every dict."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


if __name__ == "__main__":
    main()
