"""Say what is wrong in words that an author can act on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import pytest


def require(holds: object, fault: str, mend: str) -> None:
    """Fail the test with *fault — mend* unless something holds."""
    if not holds:
        refuse(fault, mend)


def refuse(fault: str, mend: str) -> NoReturn:
    """Fail the test with *fault — mend*."""
    pytest.fail(f"{fault} — {mend}", pytrace=False)


def beside_the_point(sentence: str) -> NoReturn:
    """Skip a test that the connector's declared traits make irrelevant, with the reason."""
    pytest.skip(sentence)


def plain(record: Mapping[str, Any]) -> str:
    """Write a record without what it does not tell, so that equal records have equal text."""
    told = {key: value for key, value in record.items() if value not in (None, [], {}, False)}
    return json.dumps(told, sort_keys=True, ensure_ascii=False, default=str)


def listed(names: Iterable[object], most: int = 5) -> str:
    """List the first few of many.

    >>> listed(range(7))
    '0, 1, 2, 3, 4 and 2 more'
    """
    known = [str(name) for name in names]
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
