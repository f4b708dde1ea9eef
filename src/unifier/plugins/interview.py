"""Ask a plugin what it is, through a process of its own that is started only when the answer is not known yet."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa

from unifier.errors import ConfigError, PluginError, UnifierError, made_again
from unifier.plugins.record import Description, Record
from unifier.plugins.shelf import Plugin
from unifier.plugins.trace import trace
from unifier.processes.process import Limits, Process, Watch, start

EXAMINE: Final = "unifier.plugins.examine"
DEADLINE: Final = Limits(deadline=30.0, silence=30.0)
_AFTERWARDS: Final = 2.0
"""Seconds that a process may take to leave when nothing more is asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A source whose settings a connector is to judge; ``body`` is source, connector, config, settings and folder."""

    source: str
    body: Mapping[str, Any]
    secrets: Sequence[str] = ()


@dataclass(slots=True)
class Interview:
    """A talk with one plugin; ``with`` ends its process, if one had to be started."""

    plugin: Plugin
    record: Record
    folder: Path
    limits: Limits = DEADLINE
    _state: str = field(init=False)
    _process: Process | None = None
    _watch: Watch | None = None
    _described: Description | None = None

    def __post_init__(self) -> None:
        self._state = self.plugin.print

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        self._leave()

    def description(self) -> Description:
        """Say what the plugin offers, or why it cannot be used."""
        if self._described is None:
            self._described = self.record.known(self.plugin.name, self._state) or self._ask()
        return self._described

    def judge(self, asked: Sequence[Asked]) -> dict[str, UnifierError]:
        """Ask which sources cannot be read as they are configured: source → error; others are not named."""
        new = [one for one in asked if not self.record.is_judged(self.plugin.name, one.body)]
        if not new:
            return {}
        if self._process is None:
            described = self._ask()
            if described.fault:
                return {one.source: self.error(described) for one in new}
        secrets = sorted({secret for one in new for secret in one.secrets})
        body = self._talk("judge", {"sources": [dict(one.body) for one in new], "secrets": secrets})
        if "answers" not in body:
            return {one.source: PluginError(self.plugin.label, str(body["fault"]), "tell its author") for one in new}
        wrong = {source: self._made(answer) for source, answer in body["answers"].items() if answer}
        self.record.keep_judged(self.plugin.name, [one.body for one in new if one.source not in wrong])
        return wrong

    def error(self, described: Description) -> PluginError:
        """Make the error of a plugin that cannot be used."""
        label = f"{self.plugin.label} ({self.plugin.distribution})"
        return PluginError(label, described.fault, described.mend or "mend, reinstall or remove it")

    def _ask(self) -> Description:
        """Start the process and let it import the plugin."""
        self._process = start(f"look at {self.plugin.name}", EXAMINE, self.limits, self.folder)
        self._watch = Watch()
        self._watch.processes.append(self._process)
        body = self._talk("examine", {"plugin": self.plugin.told})
        if body["word"] != "described":
            self._leave()
            broken = bool(body.get("broken", True))
            return Description(fault=str(body["fault"]), mend=str(body.get("mend", "")), broken=broken)
        trace("unifier_connectors", self.plugin.name, float(body["asked"]))
        described = Description(tuple(body["doors"]), body["connectors"], body["schema"], float(body["seconds"]))
        self.record.keep(self.plugin.name, self._state, described)
        return described

    def _talk(self, word: str, body: dict[str, Any]) -> dict[str, Any]:
        """Say something and wait for the answer; the death of the process is one too."""
        process = self._process
        if process is None:
            raise PluginError(self.plugin.label, "its process is gone", "run again")
        with suppress(OSError, ValueError):
            process.pipe.send(word, body)
        try:
            answer, _ = process.pipe.receive()
        except (OSError, ValueError, pa.ArrowInvalid):
            return {"word": "dead", "fault": f"it cannot be imported: {process.gone(_AFTERWARDS)}"}
        process.heard()
        return answer

    def _made(self, answer: Mapping[str, str]) -> UnifierError:
        """Make the error again that a connector raised."""
        error = made_again(answer)
        if not isinstance(error, ConfigError):
            error = made_again({**answer, "subject": self.plugin.label})
        return error

    def _leave(self) -> None:
        """End the process: an end of its pipe tells it to go."""
        if self._process is not None:
            self._process.pipe.outgoing.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.popen.wait(_AFTERWARDS)
            self._process.sweep()
            self._process = None
        if self._watch is not None:
            self._watch.close()
            self._watch = None
