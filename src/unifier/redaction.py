"""Take secrets and personal data out of what is shown to people, wherever a text was not written by us."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_SHORTEST: Final = 4
"""Characters: a shorter secret would blot out half of every text, and is none."""
_PERSONAL: Final = re.compile(r"\d{7,}|1[3-9]\d[\s-]\d{4}[\s-]\d{4}|[\w.+-]+@[\w-]+\.[\w.-]+")
_SAFE_KEY: Final = re.compile(r"'[A-Za-z_][A-Za-z0-9_.-]{0,60}'")
_ABOUT_CODE: Final = (AttributeError, NameError, ImportError, TypeError, IndexError, NotImplementedError, SyntaxError)
"""Errors whose messages speak of code and not of data."""
_LONGEST: Final = 300


class Redaction:
    """Blot out known secrets, long runs of digits and e-mail addresses.

    >>> Redaction(["s3cret"])("token s3cret of 13800138000")
    'token ••• of •••'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return the text without what it must not show."""
        if self._secrets:
            text = self._secrets.sub("•••", text)
        return _PERSONAL.sub("•••", text)


def told_safely(error: BaseException) -> str:
    """Name an error; add its message only where it speaks of code and not of data.

    >>> told_safely(KeyError("mobile")), told_safely(ValueError("王芳 is no number"))
    ("KeyError 'mobile'", 'ValueError')
    """
    name, text = type(error).__name__, str(error)
    if isinstance(error, KeyError) and _SAFE_KEY.fullmatch(text):
        return f"{name} {text}"
    if isinstance(error, OSError) and error.strerror:
        return f"{name} ({error.strerror})"
    if isinstance(error, _ABOUT_CODE) and text:
        return f"{name} ({text.splitlines()[0][:_LONGEST]})"
    return name
