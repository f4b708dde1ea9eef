"""Read what a plugin's own schema governs: check it in place, resolve its references, find its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from unifier.config import Config, Place, check, resolve
from unifier.errors import ConfigError

_REFERENCE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|file:.+")
_ANY_OF: Final = ("allOf", "anyOf", "oneOf")
_ONE: Final = ("if", "then", "else")


def check_part(config: Config, place: Place, data: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Hold a part of a configuration against its schema; raise ConfigError with the lines of its faults."""
    lines = {path[len(place) :]: spot for path, spot in config.lines.items() if path[: len(place)] == place}
    try:
        check(Config(config.path, data, {key: spot for key, spot in lines.items() if key}), schema)
    except ConfigError as error:
        raise ConfigError(config.where(place), f"{_dotted(place)} {error.fault}", error.mend) from None


def resolved(
    config: Config, place: Place, data: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Replace the references in a part of a configuration; return it and the values that must not be shown.

    ``${NAME}`` is replaced in every text, ``file:path`` where the schema says ``x-secret``. Raise ConfigError, naming
    key and line and never the value, for a secret that is written out and for a reference that leads nowhere.
    """
    secret_at = set(secrets(data, schema, schema))
    found: list[str] = []

    def walk(value: Any, at: Place) -> Any:
        if isinstance(value, Mapping):
            return {key: walk(one, (*at, key)) for key, one in value.items()}
        if isinstance(value, list):
            return [walk(one, (*at, number)) for number, one in enumerate(value)]
        whole = (*place, *at)
        is_secret = any(at[: len(one)] == one for one in secret_at)
        if is_secret and value is not None and not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
            raise ConfigError(
                config.where(whole), f"{_dotted(whole)}: a secret is written out", "write ${NAME} or file:path"
            )
        if not isinstance(value, str) or not (is_secret or "${" in value):
            return value
        try:
            read = resolve(value, config.folder, _dotted(whole), files=is_secret)
        except ConfigError as error:
            raise ConfigError(config.where(whole), f"{_dotted(whole)}: {error.fault}", error.mend) from None
        if read != value:
            found.append(read)
        return read

    return walk(data, ()), tuple(found)


def secrets(data: Any, schema: Any, root: Mapping[str, Any], at: Place = ()) -> Iterator[Place]:
    """Yield the places in ``data`` that some branch of the schema marks ``x-secret``."""
    if not isinstance(schema, Mapping):
        return
    if schema.get("x-secret"):
        yield at
        return
    if isinstance(reference := schema.get("$ref"), str) and reference.startswith("#/") and len(at) < _DEEPEST:
        yield from secrets(data, _pointed(root, reference), root, at)
    for word in _ANY_OF:
        for one in schema.get(word, ()):
            yield from secrets(data, one, root, at)
    for word in _ONE:
        yield from secrets(data, schema.get(word), root, at)
    if isinstance(data, Mapping):
        yield from _in_object(data, schema, root, at)
    elif isinstance(data, list):
        first = schema.get("prefixItems", ())
        for number, value in enumerate(data):
            yield from secrets(
                value, first[number] if number < len(first) else schema.get("items"), root, (*at, number)
            )


_DEEPEST: Final = 20
"""Nesting of data after which a schema that refers to itself is followed no further."""


def _in_object(
    data: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: Place
) -> Iterator[Place]:
    for key, value in data.items():
        known = [schema["properties"][key]] if key in schema.get("properties", {}) else []
        known += [one for pattern, one in schema.get("patternProperties", {}).items() if re.search(pattern, str(key))]
        for one in known or [schema.get("additionalProperties"), schema.get("unevaluatedProperties")]:
            yield from secrets(value, one, root, (*at, key))


def _pointed(root: Mapping[str, Any], reference: str) -> Any:
    """Follow a JSON pointer within a schema; None where it leads nowhere."""
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))
