"""The process that looks at a plugin: import it, say what it offers, judge the settings of sources.

Started as ``python -m unifier.plugins.examine IN OUT`` with the numbers of two pipes. It answers ``described`` or
``refused``, then ``judged`` for every question about sources, until the pipe closes. An import that ends this process
harms nobody else.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pluggy

from unifier.errors import PluginError, UnifierError
from unifier.offers.connector import Connector
from unifier.plugins.doors import connectors, doors, imported, registered
from unifier.processes.child import die_with_parent, leave_no_core
from unifier.processes.pipe import Pipe, PipeClosedError
from unifier.redaction import Redaction, told_safely


def main() -> None:
    """Answer what comes through the pipe."""
    pipe = Pipe.of(int(sys.argv[1]), int(sys.argv[2]))
    die_with_parent()
    leave_no_core()
    try:
        plugin = pipe.receive()[0]["plugin"]
        offered = _describe(pipe, plugin)
        while offered is not None:
            question, _ = pipe.receive()
            redaction = Redaction(question["secrets"])
            answers = {one["source"]: _judged(offered, one, redaction) for one in question["sources"]}
            pipe.send("judged", {"answers": answers})
    except PipeClosedError:
        return  # the run wants no more


def _describe(pipe: Pipe, plugin: Mapping[str, str]) -> dict[str, type[Connector]] | None:
    """Import the plugin and say what it is; return its connectors, None when it cannot be used."""
    name, begun = plugin["name"], time.perf_counter()
    try:
        module = imported(plugin)
        manager = registered(module, name)
        asked = time.perf_counter()
        offered = connectors(manager, name)
        body = _body(manager, module, offered)
        json.dumps(body)
    except PluginError as error:
        pipe.send("refused", {"fault": error.fault, "mend": error.mend, "broken": False})
        return None
    except BaseException as error:  # noqa: BLE001 - whatever an import raises is told, not raised
        fault = f"it left with exit code {error.code}" if isinstance(error, SystemExit) else told_safely(error)
        pipe.send("refused", {"fault": f"it cannot be imported: {Redaction()(fault)}", "mend": "", "broken": True})
        return None
    ended = time.perf_counter()
    pipe.send("described", {**body, "seconds": asked - begun, "asked": ended - asked})
    return offered


def _body(manager: pluggy.PluginManager, module: Any, offered: Mapping[str, type[Connector]]) -> dict[str, Any]:
    return {
        "doors": doors(manager, module),
        "schema": dict(getattr(module, "unifier_config_schema", {"type": "object", "additionalProperties": False})),
        "connectors": {
            name: {"summary": _first_line(one), "schema": dict(one.config_schema)} for name, one in offered.items()
        },
    }


def _first_line(connector: type[Connector]) -> str:
    return (connector.__doc__ or "").strip().partition("\n")[0]


def _judged(offered: Mapping[str, type[Connector]], one: Mapping[str, Any], redaction: Redaction) -> dict[str, Any]:
    """Ask a connector which streams a source has; an empty answer says that it can tell."""
    try:
        connector = offered[one["connector"]](one["config"], Path(one["folder"]), one["settings"])
        list(connector.streams())
    except UnifierError as error:
        told = {"subject": error.subject, "fault": error.fault, "mend": error.mend}
        return {"class": type(error).__name__, **{name: redaction(text) for name, text in told.items()}}
    except BaseException as error:  # noqa: BLE001 - whatever a connector raises is told, not raised
        fault = redaction(f"streams() raised {told_safely(error)}")
        return {"class": "PluginError", "subject": "", "fault": fault, "mend": "tell its author"}
    return {}


if __name__ == "__main__":
    main()
