"""Remember what plugins are, in ``plugins.json`` beside the store, so that a second run starts no process to look."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from unifier import __version__

_MOST: Final = 256
"""Settings of sources that are remembered for a plugin."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a plugin offers: its doors, its connectors as name → summary and schema, and the seconds of its import.

    ``schema`` is that of its settings under ``plugins.use``. ``fault`` and ``mend`` say why it cannot be used; then
    ``broken`` tells what may mend itself, such as a missing library, from what is refused.
    """

    doors: tuple[str, ...] = ()
    connectors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schema: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    fault: str = ""
    mend: str = ""
    broken: bool = False


@dataclass(slots=True)
class Record:
    """The file of descriptions. Without a path, or where it cannot be written, nothing is remembered.

    ``secret`` keys the hashes of settings, which may hold secrets.
    """

    path: Path | None = None
    secret: bytes = b""
    _facts: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._facts = {}
        if self.path is not None:
            with suppress(OSError, ValueError, KeyError, TypeError):  # not there yet, or not ours: all is asked again
                facts = json.loads(self.path.read_text(encoding="utf-8"))
                if facts["made_by"] == _made_by():
                    self._facts = facts["plugins"]

    def known(self, name: str, state: str) -> Description | None:
        """Recall a plugin in this state; None when it is not known."""
        with suppress(KeyError, TypeError):
            if self._facts[name]["state"] == _hash(state):
                body = self._facts[name]["description"]
                return Description(**{**body, "doors": tuple(body["doors"])})
        return None

    def keep(self, name: str, state: str, description: Description) -> None:
        """Remember a plugin that can be used."""
        self._facts[name] = {"state": _hash(state), "description": asdict(description), "judged": []}
        self._write()

    def is_judged(self, name: str, settings: Any) -> bool:
        """Tell whether the plugin was content with these settings of a source."""
        return self._keyed(settings) in self._facts.get(name, {}).get("judged", ())

    def keep_judged(self, name: str, settings: Iterable[Any]) -> None:
        """Remember settings that the plugin was content with."""
        if name in self._facts:
            judged = dict.fromkeys([*self._facts[name]["judged"], *map(self._keyed, settings)])
            self._facts[name]["judged"] = list(judged)[-_MOST:]
            self._write()

    def _keyed(self, settings: Any) -> str:
        text = json.dumps(settings, sort_keys=True, default=str).encode()
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:32]

    def _write(self) -> None:
        if self.path is None:
            return
        with suppress(OSError):  # a full or read-only disk costs time at the next run, and nothing else
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            fresh.write_text(json.dumps({"made_by": _made_by(), "plugins": self._facts}), encoding="utf-8")
            fresh.replace(self.path)


def _made_by() -> str:
    return f"unifier {__version__}, Python {sys.version} in {sys.prefix}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
