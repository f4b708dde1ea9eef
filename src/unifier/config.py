"""Read ``unifier.yaml`` and remember where every key stands.

Each room owns the schema of its section; :func:`check` holds a file against all of them and reports every fault
with line and nearest known key. Values ``${NAME}`` are references to the environment, ``file:path`` to a file:
they are resolved where they are used and never printed.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from unifier.errors import ConfigError

if TYPE_CHECKING:
    from jsonschema import ValidationError

Place = tuple[str | int, ...]

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SIGN: Final = {
    None: re.compile(r"\S"),
    "'": re.compile(r"''|\S"),
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|[^\sxuU])|\S"),
}
"""What writes one character that is no white space, by the quote around a text."""


class Line(int):
    """The line of a key, counted from 1, that knows where the text beside the key is written."""

    text: yaml.ScalarNode

    @classmethod
    def of(cls, key: yaml.Node, value: yaml.Node) -> int:
        """Number the line of a key."""
        number = key.start_mark.line + 1
        if not isinstance(value, yaml.ScalarNode):
            return number
        line = cls(number)
        line.text = value
        return line

    def spot(self, offset: int) -> tuple[int, int]:
        """Find line and column, from 1, of a character of the text; the begin of the text if they cannot be told.

        YAML folds lines and drops indents, but all that is not white space is written in the order in which it is read.
        """
        start, whole = self.text.start_mark, str(self.text.start_mark.buffer)
        written = self._written(whole)
        told = [place for place, sign in enumerate(self.text.value) if not sign.isspace()]
        known = told and len(told) == len(written)
        place = written[min(bisect_left(told, offset), len(told) - 1)] if known else start.index
        return start.line + 1 + whole.count("\n", start.index, place), place - whole.rfind("\n", 0, place)

    def _written(self, whole: str) -> list[int]:
        """List where the file writes each character of the text that is no white space."""
        begin, end, style = self.text.start_mark.index, self.text.end_mark.index, self.text.style
        if style in {"|", ">"}:
            begin, style = whole.index("\n", begin), None
        elif style:
            begin, end = begin + 1, end - 1
        return [found.start() for found in _SIGN[style].finditer(whole, begin, end)]


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration file: its data and the line of every key."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[Place, tuple[str, int]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Folder that relative paths start from."""
        return self.path.parent

    @property
    def hash(self) -> str:
        """Hash of the content, for the ledger."""
        text = json.dumps(self.data, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def section(self, name: str) -> dict[str, Any]:
        """Hand out a section, empty when it is absent."""
        return dict(self.data.get(name) or {})

    def where(self, path: Place) -> str:
        """Name file and line of a key, or of the nearest key above it.

        >>> Config(Path("unifier.yaml"), {}, {("tags",): ("unifier.yaml", 3)}).where(("tags", 0))
        'unifier.yaml line 3'
        """
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                name, line = self.lines[path[:end]]
                return f"{name} line {line}"
        return self.path.name


def nearest(word: str, known: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    """Suggest the known word that is most like ``word``.

    >>> nearest("fone", ["phone", "email"])
    "did you mean 'phone'?"
    """
    choices = sorted(known)
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known are " + ", ".join(choices) if choices else ""


def load(path: Path) -> Config:
    """Read a configuration file and the files it includes; raise ConfigError where it is not YAML or not a mapping."""
    data, lines = _read(path)
    config: dict[str, Any] = dict(data)
    for pattern in config.get("include") or []:
        for included in sorted(path.parent.glob(str(pattern))):
            more, more_lines = _read(included)
            for name, entries in more.items():
                if not isinstance(entries, list):
                    raise ConfigError(
                        f"{included.name} {name}", "an included file holds lists only", "write tags: or segments:"
                    )
                base = len(config.get(name) or [])
                config[name] = [*(config.get(name) or []), *entries]
                for key, place in more_lines.items():
                    if key[0] == name and len(key) > 1 and isinstance(key[1], int):
                        lines[(name, key[1] + base, *key[2:])] = place
    return Config(path, config, lines)


def _read(path: Path) -> tuple[dict[str, Any], dict[Place, tuple[str, int]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            str(path.name), "there is no such file", "run `unifier init --demo`, or name one by --project"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(path.name), f"byte {error.start} is not UTF-8", "save the file as UTF-8") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError(f"{path.name} line {line}", f"not YAML: {error.problem}", "mend the line") from None
    if node is None:
        return {}, {}
    if not isinstance(data, dict):
        raise ConfigError(path.name, "the file is not a mapping of sections", "start with `project:`")
    lines: dict[Place, tuple[str, int]] = {}
    for place, line in _places(node, ()):
        lines[place] = (path.name, line)
    return data, lines


def _places(node: yaml.Node, path: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise ConfigError(f"line {line}", f"key {key.value!r} stands twice", f"first on line {seen[key.value]}")
            seen[key.value] = line
            yield (*path, key.value), Line.of(key, value)
            yield from _places(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, index), item.start_mark.line + 1
            yield from _places(item, (*path, index))


def check(config: Config, schema: Mapping[str, Any]) -> None:
    """Hold a configuration against a JSON Schema; raise ConfigError that lists every fault with its line."""
    from jsonschema import Draft202012Validator

    faults = []
    for error in Draft202012Validator(schema).iter_errors(config.data):
        place: Place = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and isinstance(error.instance, dict):
            known = error.schema.get("properties", {})
            for key in error.instance:
                if key not in known:
                    dotted = ".".join(map(str, (*place, key)))
                    faults.append(
                        f"{config.where((*place, key))}: unknown key {dotted} — {nearest(str(key), list(known))}"
                    )
        else:
            dotted = ".".join(map(str, place)) or "the file"
            faults.append(f"{config.where(place)}: {dotted}: {_broken(error)}")
    if faults:
        raise ConfigError(config.path.name, "\n  " + "\n  ".join(sorted(faults)), "")


def _broken(error: ValidationError) -> str:
    """Say which rule is broken and never repeat the value: it may be a password or a phone in the wrong place."""
    rule = str(error.validator)
    wanted: Any = error.validator_value
    if rule == "required":
        return str(error.message)
    if rule == "type":
        return f"it must be {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
    if rule == "enum":
        return f"it is none of the known words — {nearest(str(error.instance), [str(word) for word in wanted])}"
    if rule in {"anyOf", "oneOf"}:
        return "it has none of the shapes it may have"
    if "propertyNames" in error.absolute_schema_path:
        return f"the name {error.instance!r} breaks the rule {rule} {wanted}"
    return f"it breaks the rule {rule} {wanted}"


def resolve(value: str, folder: Path, subject: str, *, files: bool = True) -> str:
    """Replace ``${NAME}`` by the environment and, with ``files``, read ``file:path``; raise ConfigError without value."""
    if files and value.startswith("file:"):
        place = folder / value.removeprefix("file:")
        try:
            return place.read_text(encoding="utf-8").strip()
        except OSError:
            raise ConfigError(subject, "the file it names cannot be read", "check the path and its rights") from None

    def one(match: re.Match[str]) -> str:
        found = os.environ.get(match.group(1))
        if found is None:
            raise ConfigError(subject, f"the environment has no {match.group(1)}", "set it before the run")
        return found

    return _REFERENCE.sub(one, value)
