"""Sort errors by who must act.

    UnifierError
    ├── UsageError        the caller of a command         exit 2
    ├── ConfigError       the author of unifier.yaml      exit 3
    ├── StoreError        the operator of the store       exit 3
    ├── PluginError       the vendor of a plugin          exit 4
    ├── ContractError     the author of a connector       source failed, exit 1
    ├── AuthError         who holds the credentials       source failed, exit 1
    ├── SourceError       who runs the source             source failed, exit 1
    ├── WarehouseError    who runs the target             exit 1
    ├── LockedError       nobody: try again later         exit 75
    ├── RetryLater        nobody: try again later         exit 75
    └── LedgerError       us: a promise was broken        exit 70

Every message reads *subject: fault — mend*. Errors are caught once, at the top.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class UnifierError(Exception):
    """Tell what is wrong, with what, and what to do about it."""

    exit_code: ClassVar[int] = 70

    def __init__(self, subject: str, fault: str, mend: str = "") -> None:
        self.subject = subject
        self.fault = fault
        self.mend = mend
        super().__init__(f"{subject}: {fault}" + (f" — {mend}" if mend else ""))


class UsageError(UnifierError):
    """A command was called with something that cannot be meant."""

    exit_code = 2


class ConfigError(UnifierError):
    """The configuration is wrong; nothing was run."""

    exit_code = 3


class StoreError(UnifierError):
    """The store cannot be used as it is; nothing was run."""

    exit_code = 3


class PluginError(UnifierError):
    """A plugin is missing, refused or broken."""

    exit_code = 4


class ContractError(UnifierError):
    """A source yields something that is not the contract at all."""

    exit_code = 1


class AuthError(UnifierError):
    """A source refuses the credentials."""

    exit_code = 1


class SourceError(UnifierError):
    """A source cannot be read."""

    exit_code = 1


class WarehouseError(UnifierError):
    """A target cannot be written."""

    exit_code = 1


class LockedError(UnifierError):
    """Another run holds the project."""

    exit_code = 75


class RetryLater(UnifierError):  # noqa: N818 - the word of the design: a request, not a fault
    """A source asks to be left alone for a while."""

    exit_code = 75

    def __init__(self, subject: str, fault: str, mend: str = "", after: float = 0.0) -> None:
        super().__init__(subject, fault, mend)
        self.after = after


class LedgerError(UnifierError):
    """The ledger does not balance: a promise of the store was broken."""

    exit_code = 70


def made_again(told: Mapping[str, Any]) -> UnifierError:
    """Make the error again that another process told of: class, subject, fault, mend, and after.

    A class that is none of ours becomes a PluginError.
    """
    subject, fault, mend = (str(told.get(name, "")) for name in ("subject", "fault", "mend"))
    kind = globals().get(str(told.get("class")))
    if kind is RetryLater:
        return RetryLater(subject, fault, mend, after=float(told.get("after", 0.0)))
    if isinstance(kind, type) and issubclass(kind, UnifierError):
        return kind(subject, fault, mend)
    return PluginError(subject, fault, mend)
