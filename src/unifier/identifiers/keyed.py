"""Hash with the project key, in Python and in SQL: HMAC-SHA256 (RFC 2104)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

_BLOCK: Final = 64


def keyed(text: str, secret: bytes) -> str:
    """Hash a text with the project key, in hexadecimal.

    >>> keyed("", b"")[:8]
    'b613679a'
    """
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def keyed_sql(expression: str) -> str:
    """Return the SQL twin of :func:`keyed`; its parameters ``$ipad`` and ``$opad`` come from :func:`pads`."""
    return f"sha256($opad::BLOB || unhex(sha256($ipad::BLOB || encode({expression}))))"


def pads(secret: bytes) -> dict[str, bytes]:
    """Prepare the key for :func:`keyed_sql`, so that it never stands in a statement."""
    key = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    return {"ipad": bytes(byte ^ 0x36 for byte in key), "opad": bytes(byte ^ 0x5C for byte in key)}
