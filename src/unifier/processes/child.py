"""Behave as the child of a run: die when it dies, leave no core files."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Final

_LOOK: Final = 0.5
"""Seconds between two looks for the parent."""


def die_with_parent() -> None:
    """Die when the run dies, however it dies: by the kernel where it can, by watching the parent elsewhere."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def leave_no_core() -> None:
    """Leave no core files: they hold what a plugin held."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
