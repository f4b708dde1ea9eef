"""Read the JSON Schemas of the kinds and flatten them into fields and nested parts.

The schemas are the one place where a field is written down. Arrow schemas, tables, checks and the reference page
are made from what stands here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from unifier.errors import UsageError
from unifier.words import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

JsonType = Literal["string", "integer", "number", "boolean"]
ENVELOPE: Final = ("record_id", "observed_at", "deleted")
VENDOR: Final = re.compile(r"x_[a-z0-9_]+")
"""Names of vendors' objects, as the schemas have them."""


@dataclass(frozen=True, slots=True)
class Field:
    """A scalar of a record: where it stands in the JSON, which column holds it, and what it may be.

    ``path`` joins keys by dots (``acquired.scene``); inside a list it starts at the item.
    """

    path: str
    column: str
    type: JsonType
    required: bool
    description: str
    enum: tuple[str, ...] = ()
    format: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    unit: str = ""
    personal: bool = False

    @property
    def pointer(self) -> str:
        """JSON pointer of the field, from the record or from the item of its list."""
        return "/" + self.path.replace(".", "/")


@dataclass(frozen=True, slots=True)
class Nested:
    """A list of objects, or a free object that is kept as JSON text (then ``fields`` is empty)."""

    path: str
    column: str
    description: str
    fields: tuple[Field, ...] = ()

    @property
    def free(self) -> bool:
        """Whether it is an object of any content."""
        return not self.fields

    @property
    def pointer(self) -> str:
        """JSON pointer of the part."""
        return "/" + self.path


@dataclass(frozen=True, slots=True)
class KindSchema:
    """A kind of record: its JSON Schema, complete in itself, and what it holds, flattened.

    ``envelope`` and ``fields`` are scalars, ``nested`` the lists and free objects. Vendors' objects (``x_...``) are
    not listed: they go to the column ``x`` of every kind.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    envelope: tuple[Field, ...]
    fields: tuple[Field, ...]
    nested: tuple[Nested, ...]

    @property
    def scalars(self) -> tuple[Field, ...]:
        """Envelope and fields in the order of the columns."""
        return self.envelope + self.fields

    @property
    def lists(self) -> tuple[Nested, ...]:
        """Nested parts that are lists of objects."""
        return tuple(part for part in self.nested if not part.free)

    @property
    def free(self) -> tuple[Nested, ...]:
        """Nested parts that are free objects."""
        return tuple(part for part in self.nested if part.free)


def schema_folder() -> Traversable:
    """Find the folder of the schemas: the installed package, else the repository's own folder."""
    try:
        import_module("unifier.schemas")
    except ModuleNotFoundError:
        return Path(__file__).resolve().parents[3] / "schemas"
    return files("unifier.schemas")


def document(name: str) -> Any:
    """Read one JSON document of the folder."""
    return json.loads(schema_folder().joinpath(f"{name}.json").read_text(encoding="utf-8"))


@cache
def kind(name: str) -> KindSchema:
    """Describe a kind.

    Raises UsageError if there is no such kind.

    >>> [field.column for field in kind("refund").fields if field.required]
    ['order_id', 'refunded_at', 'status', 'amount']
    >>> next(field.path for field in kind("order").fields if field.column == "external_no")
    'external.no'
    """
    if name not in KINDS:
        raise UsageError(f"kind {name!r}", "there is no such kind", "one of " + ", ".join(KINDS))
    schema = _bundled(document(name))
    required = {*schema["required"], *schema.get("else", {}).get("required", ())}
    resolved = {key: _resolved(body, schema["$defs"]) for key, body in schema["properties"].items()}
    scalars = tuple(field for key, body in resolved.items() for field in _scalars(key, body, required))
    nested = tuple(part for key, body in resolved.items() for part in _nested(key, body))
    envelope = tuple(field for field in scalars if field.column in ENVELOPE)
    rest = tuple(field for field in scalars if field.column not in ENVELOPE)
    return KindSchema(name, schema["description"], schema, envelope, rest, nested)


def all_kinds() -> tuple[KindSchema, ...]:
    """Describe every kind in the order of :data:`unifier.words.KINDS`."""
    return tuple(kind(name) for name in KINDS)


def _bundled(schema: dict[str, Any]) -> dict[str, Any]:
    """Put the envelope's definitions into the schema, so that it needs no other document."""
    text = json.dumps(schema).replace("envelope.json#/$defs/", "#/$defs/")
    bundled: dict[str, Any] = json.loads(text)
    return bundled | {"$defs": document("envelope")["$defs"]}


def _resolved(body: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a reference by what it points to."""
    target: dict[str, Any] = definitions[body["$ref"].rsplit("/", 1)[1]] if "$ref" in body else body
    return target


def _type(body: Mapping[str, Any]) -> Any:
    """Tell the one type that is not null, a word of JSON Schema."""
    types = body["type"]
    return types if isinstance(types, str) else next(name for name in types if name != "null")


def _scalars(path: str, body: Mapping[str, Any], required: set[str]) -> Iterator[Field]:
    """Flatten a property into scalars; lists and free objects yield nothing."""
    if _type(body) == "object":
        inner = set(body.get("required", ()))
        for key, child in body.get("properties", {}).items():
            yield from _scalars(f"{path}.{key}", child, {f"{path}.{name}" for name in inner})
    elif _type(body) != "array":
        yield _field(path, body, required=path in required)


def _field(path: str, body: Mapping[str, Any], *, required: bool) -> Field:
    """Make one scalar; ``x-column`` names its column where that is not the path joined by underscores."""
    return Field(
        path=path,
        column=body.get("x-column", {}).get("name", path.replace(".", "_")),
        type=_type(body),
        required=required,
        description=body["description"],
        enum=tuple(word for word in body.get("enum", ()) if word is not None),
        format=body.get("format"),
        min_length=body.get("minLength"),
        max_length=body.get("maxLength"),
        minimum=body.get("minimum"),
        maximum=body.get("maximum"),
        unit=body.get("x-unit", ""),
        personal=body.get("x-personal", False),
    )


def _nested(key: str, body: Mapping[str, Any]) -> Iterator[Nested]:
    """Describe a property that is a list of objects or a free object."""
    if _type(body) == "array":
        item = body["items"]
        required = set(item.get("required", ()))
        fields = tuple(field for name, child in item["properties"].items() for field in _scalars(name, child, required))
        yield Nested(key, key, body["description"], fields)
    elif body.get("x-free"):
        yield Nested(key, key, body["description"])
