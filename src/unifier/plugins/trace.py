"""Print every call of a hook when ``UNIFIER_TRACE`` is set: its name, the plugin, milliseconds; never arguments."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import pluggy


def trace(hook: str, plugin: str, seconds: float) -> None:
    """Print a call, when that is wanted."""
    if os.environ.get("UNIFIER_TRACE"):
        sys.stderr.write(f"hook {hook} plugin {plugin} {seconds * 1000:.1f} ms\n")


def traced(manager: pluggy.PluginManager, plugin: str) -> None:
    """Let a plugin's manager print its calls, when that is wanted."""
    if not os.environ.get("UNIFIER_TRACE"):
        return
    begun: list[float] = []

    def before(hook: str, impls: Any, arguments: Any) -> None:
        del hook, impls, arguments
        begun.append(time.perf_counter())

    def after(outcome: Any, hook: str, impls: Any, arguments: Any) -> None:
        del outcome, impls, arguments
        trace(hook, plugin, time.perf_counter() - begun.pop())

    manager.add_hookcall_monitoring(before, after)
