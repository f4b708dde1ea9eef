"""Prove what a connector offers before anything is read: its name, its schema, its streams."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from unifier.errors import ConfigError, UnifierError
from unifier.offers.connector import Connector, Stream
from unifier.testing.judge import beside_the_point, listed, refuse, require
from unifier.testing.listening import touched
from unifier.testing.rig import Rigs
from unifier.testing.subject import Subject
from unifier.words import KINDS

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")
_SECRET: Final = re.compile(
    r"(^|_)(token|secret|password|passwd|pwd|credential|credentials|cookie|"
    r"(api|app|access|private|secret|encoding_aes|aes|sign)_?key)($|_)",
    re.IGNORECASE,
)
_OTHERS: Final[tuple[Any, ...]] = ("unifier-no-such-word", -1.5, True, [], {}, [{"no": "such"}], None)


class OfferTests(Subject):
    """Tests of class, schema and streams."""

    def test_it_has_a_name_and_says_what_it_reads(self) -> None:
        """A configuration names the connector by one lower-case word; its docstring is shown to who chooses it."""
        name = self.connector.name
        require(_NAME.fullmatch(name), f"the name {name!r} is no lower-case word", 'write name = "loyalty"')
        said = self.connector.__dict__.get("__doc__") or ""
        require(said.strip(), "the class has no docstring", "say in one sentence which system it reads")

    def test_its_module_offers_it(self) -> None:
        """A run finds the connector through `unifier_connectors` of its module."""
        offered = getattr(sys.modules[self.connector.__module__], "unifier_connectors", list)
        require(
            offered is not list, "the module has no unifier_connectors", "return the class from it, under @hookimpl"
        )
        require(self.connector in offered(), "unifier_connectors does not return the class", "add it to the list")

    def test_the_config_schema_is_one(self) -> None:
        """`unifier check` and editors read the schema: it must be JSON Schema 2020-12 of an object."""
        schema = self.connector.config_schema
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            refuse(f"config_schema is no JSON Schema 2020-12 at /{'/'.join(map(str, error.path))}", "mend it there")
        require(schema.get("type") == "object", "config_schema is not of an object", 'write "type": "object"')

    def test_the_config_of_the_tests_keeps_the_schema(self, rigs: Rigs) -> None:
        """Whatever else is proved is proved of a config that an operator could write."""
        faults = list(self._validator().iter_errors(rigs.new().config))
        told = listed(f"/{'/'.join(map(str, fault.path))} breaks {fault.validator}" for fault in faults)
        require(not faults, f"the config breaks config_schema: {told}", "mend the config or the schema")

    def test_unknown_keys_are_refused(self, rigs: Rigs) -> None:
        """A misspelt key must not be ignored in silence."""
        config = {**rigs.new().config, "unifier_no_such_key": 1}
        known = not self._validator().is_valid(config)
        require(known, "config_schema accepts a key that it does not know", 'add "additionalProperties": False')

    def test_missing_keys_are_refused_or_do_without(self, rigs: Rigs) -> None:
        """Without a required key the schema refuses; without another one the connector still lists its streams."""
        rig = rigs.new()
        for key in rig.config:
            config = {name: value for name, value in rig.config.items() if name != key}
            if not self._validator().is_valid(config):
                continue
            try:
                self.connector(config, rig.folder, rig.settings).streams()
            except ConfigError:
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no word to an operator
                refuse(
                    f"without the key {key!r} streams() raises {type(error).__name__}",
                    "list the key as required, or do without it",
                )

    def test_wrong_types_are_refused(self, rigs: Rigs) -> None:
        """A number where a text belongs is told with its line, before anything runs."""
        config = rigs.new().config
        if not config:
            beside_the_point("the config has no keys")
        validator = self._validator()
        open_to_all = [key for key in config if all(validator.is_valid({**config, key: other}) for other in _OTHERS)]
        require(
            not open_to_all,
            f"config_schema accepts anything for {listed(map(repr, open_to_all))}",
            'give each its type, as "type": "string"',
        )

    def test_keys_of_secrets_are_marked(self) -> None:
        """What is marked x-secret is never printed, and must be a reference in unifier.yaml."""
        bare = [path for path, part in _properties(self.connector.config_schema) if _is_bare(path, part)]
        require(
            not bare, f"{listed(map(repr, bare))} look like secrets and are not marked", 'add "x-secret": True to each'
        )

    def test_streams_are_stable(self, rigs: Rigs) -> None:
        """Two lists of the same config are equal, and no two streams share a name: bookmarks belong to names."""
        rig = rigs.new()
        first, second = ([_described(stream) for stream in rig.connector().streams()] for _ in range(2))
        require(first, "streams() lists nothing", "mark a method with @stream")
        require(first == second, "streams() answers differently at the second call", "let it depend on the config only")
        names = [name for name, *_ in first]
        require(len(set(names)) == len(names), f"two streams share a name: {listed(names)}", "give each its own name")
        strange = [kind for _, kind, *_ in first if kind not in KINDS]
        require(not strange, f"there is no kind {listed(strange)}", f"kinds are {', '.join(KINDS)}")

    def test_listing_streams_reads_nothing(self, rigs: Rigs) -> None:
        """`unifier check` and every run list streams first: the system must not be asked, and no file be opened."""
        rig = rigs.new()
        with touched() as events:
            rig.connector().streams()
        require(not events, f"streams() reaches out: {listed(sorted(set(events)))}", "do it when a stream is read")

    def test_check_reaches_the_system_and_comes_back(self, rigs: Rigs) -> None:
        """`unifier check` calls check(): with a good config it raises nothing."""
        if self.connector.check is Connector.check:
            beside_the_point("it has no check() of its own")
        try:
            rigs.new().connector().check()
        except UnifierError as error:
            refuse(f"check() raises {type(error).__name__}: {error}", "raise only where the system cannot be reached")

    def test_it_can_be_closed_without_having_read(self, rigs: Rigs) -> None:
        """A run that stops early closes what it has made, perhaps twice."""
        connector = rigs.new().connector()
        try:
            connector.close()
            connector.close()
        except Exception as error:  # noqa: BLE001 - any error is the finding
            refuse(f"close() raises {type(error).__name__}", "close only what was opened")

    def _validator(self) -> Any:
        try:
            Draft202012Validator.check_schema(self.connector.config_schema)
        except SchemaError:
            pytest.skip("config_schema is no schema: see test_the_config_schema_is_one")
        return Draft202012Validator(copy.deepcopy(dict(self.connector.config_schema)))


def _properties(schema: Mapping[str, Any], path: str = "") -> list[tuple[str, Mapping[str, Any]]]:
    """List the properties of a schema of all depths, with their dotted names."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for name, part in schema.get("properties", {}).items():
        if isinstance(part, Mapping):
            found += [(f"{path}{name}", part), *_properties(part, f"{path}{name}.")]
    return found


def _is_bare(path: str, part: Mapping[str, Any]) -> bool:
    named = _SECRET.search(path.rpartition(".")[2])
    return bool(named) and part.get("type", "string") == "string" and part.get("x-secret") is not True


def _described(stream: Stream) -> tuple[Any, ...]:
    traits = (stream.cursor, stream.cursor_type, stream.ordered, stream.overlap, stream.snapshot, stream.consume)
    return (stream.name, stream.kind, *traits)
