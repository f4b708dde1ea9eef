"""Write the package of a new plugin from the texts beside this module: ``KIND.module.txt`` and ``KIND.test.txt``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the pages say of a kind of plugin: what it does, what it needs, its config as rows of a table."""

    says: str
    needs: tuple[str, ...] = ()
    config: tuple[tuple[str, str], ...] = ()
    use: str = "sources:\n  $name:\n    connector: $name\n    config: {$entry}"
    entry: str = ""


_USED: Final = "plugins:\n  use: {$name: {}}"
_ABOUT: Final = {
    "connector": _Kind(
        "Reads members out of a file of JSON lines",
        config=(("path", "file of JSON lines, relative to the project"),),
        entry='path: "members.jsonl"',
    ),
    "http": _Kind(
        "Reads members from a paged HTTP API",
        ("httpx>=0.27",),
        (("url", "address of the API, without a slash at its end"), ("token", "secret: sent as a bearer token")),
        entry='url: "https://api.example.cn", token: "${TOKEN}"',
    ),
    "database": _Kind(
        "Reads members from a table of a database",
        ("sqlalchemy>=2.0",),
        (("url", "secret: SQLAlchemy URL of the database"),),
        entry='url: "${DATABASE_URL}"',
    ),
    "identifier": _Kind("Adds a type of identifier", use=_USED),
}
KINDS: Final = tuple(_ABOUT)
"""What a plugin may be."""
_NAME: Final = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


def write(name: str, kind: str, parent: Path) -> Path:
    """Write a package ``unifier-NAME`` into a folder; return its own. Raise UsageError where it is there already."""
    from unifier.errors import UsageError

    name = name.removeprefix("unifier-")
    if not _NAME.fullmatch(name):
        raise UsageError(name, "it is no name of a plugin", "write lower-case letters, digits and -")
    folder = parent / f"unifier-{name}"
    if folder.exists():
        raise UsageError(str(folder), "it is there already", "choose another name or --dir")
    words = _words(name, kind)
    package = folder / "src" / words["module"]
    for path, text in {
        folder / "pyproject.toml": _text("pyproject", words),
        folder / "README.md": _text("readme", words),
        folder / "LICENSE": _text("license", words),
        package / "__init__.py": _text(f"{kind}.module", words),
        package / "py.typed": "",
        folder / "tests" / f"test_{words['word']}.py": _text(f"{kind}.test", words),
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _words(name: str, kind: str) -> dict[str, str]:
    about, word = _ABOUT[kind], name.replace("-", "_")
    rows = "\n".join(f"| `{key}` | {says} |" for key, says in about.config) or "| – | it has no config |"
    return {
        "name": name,
        "word": word,
        "module": f"unifier_{word}",
        "cls": "".join(part.capitalize() for part in word.split("_")),
        "says": about.says,
        "needs": ", ".join(f'"{need}"' for need in ("unifier", *about.needs)),
        "config": f"| key | meaning |\n|---|---|\n{rows}",
        "use": about.use.replace("$name", name).replace("$entry", about.entry),
    }


def _text(name: str, words: dict[str, str]) -> str:
    return Template(files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8")).substitute(words)
