"""The conformance kit of identifier types: a class to inherit."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

from unifier.identifiers import TYPES, readings
from unifier.offers.identifier import IdentifierType
from unifier.testing.judge import listed, require


class IdentifierTests:
    """Inherit this and set ``types`` and ``examples``.

    ``examples`` maps a value as systems write it to its normal form, by the name of the type; None says that the value
    must be refused.
    """

    types: ClassVar[Sequence[IdentifierType]] = ()
    examples: ClassVar[Mapping[str, Mapping[str, str | None]]] = {}

    def test_names_are_new_words(self) -> None:
        """Records name the type by one lower-case word that the core does not use."""
        names, taken = [one.name for one in self.types], {one.name for one in TYPES}
        require(names, "there are no types", "set types")
        odd = [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in taken]
        require(not odd, f"{listed(odd)} is no new lower-case word", "rename it")
        require(len({*names}) == len(names), "two types share a name", "rename one")

    def test_every_type_has_examples(self) -> None:
        """What is a value of the type, and what is none, is shown by one of each."""
        for one in self.types:
            shown = list(self.examples.get(one.name, {}).values())
            some = None in shown and any(normal is not None for normal in shown)
            require(some, f"{one.name} has no example that is kept and one that is refused", "add both to examples")

    def test_values_are_brought_to_their_normal_form(self) -> None:
        """Two systems write one value in two ways; the normal form is the same, and its own normal form."""
        for one in self.types:
            for number, (value, expected) in enumerate(self.examples.get(one.name, {}).items(), 1):
                told = f"{one.name} example {number}"
                require(_normal(one, value) == expected, f"{told} has another normal form", "mend normal or lengths")
                if expected is not None:
                    again = _normal(one, expected)
                    require(again == expected, f"{told}: its normal form is not stable", "choose another normal form")

    def test_the_module_offers_them(self) -> None:
        """A project finds types through `unifier_identifiers`; a test class stands in another module."""
        offering = [
            module
            for name, module in list(sys.modules.items())
            if name.startswith("unifier_") and hasattr(module, "unifier_identifiers")
        ]
        offered = {one for module in offering for one in module.unifier_identifiers({})}
        require(set(self.types) <= offered, "unifier_identifiers does not return them all", "add them to its list")


def _normal(one: IdentifierType, value: str) -> str | None:
    """Read a value as a run does; None where it is refused."""
    (reading,) = readings(one.name, value, {one.name: one}) or (None,)
    return reading.value if reading is not None and reading.state == "valid" else None
