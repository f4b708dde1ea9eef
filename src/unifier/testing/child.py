"""Run a connector that is under test in a process of its own, and do to it there what life does.

A file beside the test's project names the class; :func:`offered` finds it and wraps what its streams yield: the process
is killed at a given item, rows come twice and in another order, the machine stands in another time zone.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from unifier.offers.connector import Checkpoint, Chunk, Connector, Part, Reject, Stream

SHIM = """\
from unifier import hookimpl
from unifier.testing.child import offered


@hookimpl
def unifier_connectors():
    return offered(__file__)
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to the process: killed when so many items were yielded, or around the n-th acknowledgement.

    ``shuffled`` lets every row come twice, the last one first. ``machine`` is the time zone of the machine.
    """

    at_item: int = 0
    before_acknowledge: int = 0
    after_acknowledge: int = 0
    shuffled: bool = False
    machine: str = ""


def written(kind: type[Connector], folder: Path, fate: Fate) -> Path:
    """Write a plugin file that offers ``kind`` under a fate; return its path."""
    module = sys.modules[kind.__module__]
    told = {
        "path": [entry for entry in sys.path if entry],
        "module": kind.__module__,
        "file": str(Path(str(module.__file__)).resolve()),
        "class": kind.__qualname__,
        "fate": asdict(fate),
    }
    file = folder / "under_test.py"
    file.write_text(SHIM, encoding="utf-8")
    file.with_suffix(".json").write_text(json.dumps(told), encoding="utf-8")
    return file


def offered(file: str) -> list[type[Connector]]:
    """Find the class that is under test and give it its fate; called in the process of the source."""
    told = json.loads(Path(file).with_suffix(".json").read_text(encoding="utf-8"))
    fate = Fate(**told["fate"])
    sys.path.extend(entry for entry in told["path"] if entry not in sys.path)
    if fate.machine:
        os.environ["TZ"] = fate.machine
        time.tzset()
    # What is logged is shown, so that a secret in a log of requests is seen.
    logging.basicConfig(level=logging.INFO)
    kind: type[Connector] = attrgetter(told["class"])(_module(told["module"], Path(told["file"])))
    return [_fated(kind, fate)]


def _module(name: str, file: Path) -> ModuleType:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is not None and spec.origin and Path(spec.origin).resolve() == file:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _fated(kind: type[Connector], fate: Fate) -> type[Connector]:
    """Wrap what a connector yields and acknowledges."""
    yielded = acknowledged = 0

    def streams(self: Connector) -> list[Stream]:
        return [wrapped(stream) for stream in kind.streams(self)]

    def wrapped(stream: Stream) -> Stream:
        def read(since: Mapping[str, str]) -> Iterator[Any]:
            nonlocal yielded
            items = stream.read(since)
            for item in _shuffled(items) if fate.shuffled and not stream.consume else items:
                if not isinstance(item, Part):
                    yielded += 1
                if fate.at_item and yielded == fate.at_item:
                    _die()
                yield item

        return replace(stream, read=read, ordered=stream.ordered and not fate.shuffled)

    def acknowledge(self: Connector, batch: Any) -> None:
        nonlocal acknowledged
        acknowledged += 1
        if acknowledged == fate.before_acknowledge:
            _die()
        kind.acknowledge(self, batch)
        if acknowledged == fate.after_acknowledge:
            _die()

    return type(kind.__name__, (kind,), {"streams": streams, "acknowledge": acknowledge, "__doc__": kind.__doc__})


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _shuffled(items: Iterator[Any]) -> Iterator[Any]:
    """Yield the rows of each partition twice, the last one first; checkpoints and bookmarks come after their rows."""
    rows: list[Any] = []
    after: list[Any] = []
    for item in items:
        if isinstance(item, Part):
            yield from [*rows, *rows[::-1], *after, item]
            rows, after = [], []
        elif isinstance(item, Checkpoint):
            after.append(item)
        elif isinstance(item, Chunk):
            rows.append(replace(item, cursor=None, data=_reversed(item.data)))
            after.append(replace(item, data=[], refused=()))
        elif isinstance(item, pa.Table | pa.RecordBatch):
            rows.append(_reversed(item))
        else:
            rows.extend(item if isinstance(item, list | tuple) and not isinstance(item, Reject) else [item])
    yield from [*rows, *rows[::-1], *after]


def _reversed(data: Any) -> Any:
    if isinstance(data, pa.Table | pa.RecordBatch):
        return data.take(pa.array(range(data.num_rows - 1, -1, -1), pa.int64()))
    return list(data)[::-1]
