"""Mask payloads of any shape: what is not known to be harmless is masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from unifier.identifiers import mask

_HARMLESS: Final = re.compile(
    r"[a-z][a-z_]{0,23}|(?:19|20)\d\d-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?|-?\d{1,6}(?:\.\d{1,4})?|[A-Z]{3}|"
)
"""Texts that stand for states, times, small amounts and currencies."""
_SMALL: Final = 10_000_000
_PRIVATE: Final = frozenset({"birthday", "birth_date", "birth", "dob"})
_BY_KEY: Final = {"mobile": "phone", "phone": "phone", "tel": "phone", "name": "name", "email": "email"}


def shown(payload: Any, key: str = "", type_: str = "") -> Any:
    """Return a payload as it may be shown: keys, states, times and small numbers as they are, everything else masked.

    >>> shown({"name": "王芳", "status": "paid", "amount": 1250, "identifiers": [{"type": "phone", "value": "19900000001"}]})
    {'name': '王*', 'status': 'paid', 'amount': 1250, 'identifiers': [{'type': 'phone', 'value': '199****0001'}]}
    """
    if isinstance(payload, Mapping):
        kind = payload.get("type")
        inner = kind if isinstance(kind, str) and kind.isascii() else ""
        return {str(name): shown(value, str(name), inner if name == "value" else "") for name, value in payload.items()}
    if isinstance(payload, list | tuple):
        return [shown(value, key, type_) for value in payload]
    if payload is None or isinstance(payload, bool) or (isinstance(payload, int | float) and abs(payload) < _SMALL):
        return payload
    return _text(str(payload), key, type_)


def _text(text: str, key: str, type_: str) -> str:
    if key in _PRIVATE:
        return f"{text[:4]}…"
    if not type_ and _HARMLESS.fullmatch(text):
        return text
    return mask(type_ or _BY_KEY.get(key, ""), text) if text.isascii() or type_ else mask("name", text)
