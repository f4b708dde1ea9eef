"""Write raw rows as text that keeps what they are, and read them back: for quarantine, inbox and replay."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

_BYTES: Final = "$bytes"


def raw_text(raw: Any) -> str:
    r"""Write a raw row as JSON; bytes become ``{"$bytes": "<base64>"}``, what JSON does not know becomes its text.

    >>> raw_text({"name": "王芳"}), raw_text(b"\xff")
    ('{"name": "王芳"}', '{"$bytes": "/w=="}')
    """
    try:
        text = json.dumps(raw, ensure_ascii=False, default=_odd)
        text.encode()
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        return _hard(raw)
    return text


def from_raw_text(text: str) -> Any:
    """Read what :func:`raw_text` wrote; raise ValueError for other text."""
    return json.loads(text, object_hook=_whole)


def _odd(value: Any) -> Any:
    return {_BYTES: base64.b64encode(value).decode("ascii")} if isinstance(value, bytes) else str(value)


def _whole(value: Mapping[str, Any]) -> Any:
    return base64.b64decode(value[_BYTES]) if value.keys() == {_BYTES} else value


def _hard(raw: Any) -> str:
    """Write what plain JSON cannot hold: half surrogate pairs are escaped; the rest is told by its type."""
    try:
        return json.dumps(raw, ensure_ascii=True, default=_odd, skipkeys=True)
    except (TypeError, ValueError, RecursionError):
        return json.dumps({"unwritable": type(raw).__name__})
