"""Put plugins where Python finds them, as pip does, without an installation: a folder with what pip would write."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from bad_input.project import DAY, ENVIRONMENT, Ran, Shop, ended

ROOT: Final = Path(__file__).parents[1]


def place(folder: Path, name: str, source: str, *, distribution: str = "", version: str = "1.0") -> None:
    """Write a module and say that it is a plugin of this name."""
    distribution = distribution or f"unifier-{name}"
    module = f"{distribution.replace('-', '_')}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    _announce(folder, distribution, version, {"unifier": {name: module}})


def announce(folder: Path, plugin: str) -> Path:
    """Say that a plugin of this repository is installed; return the folder of its source."""
    home = ROOT / "plugins" / plugin
    project = tomllib.loads((home / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder.mkdir(parents=True, exist_ok=True)
    _announce(folder, project["name"], project["version"], project["entry-points"])
    return home / "src"


def _announce(folder: Path, distribution: str, version: str, groups: Mapping[str, Mapping[str, str]]) -> None:
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    entries = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(entries), encoding="utf-8")


def call(shop: Shop, paths: Iterable[Path], *words: str, **environment: str) -> Ran:
    """Run a command with these folders on Python's path."""
    known = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([*map(str, paths), *([known] if known else [])])
    process = subprocess.Popen(
        [sys.executable, "-m", "unifier", "-p", str(shop.folder), *words],
        env={**ENVIRONMENT, "PYTHONPATH": path, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return ended(process)


def run(shop: Shop, paths: Iterable[Path], *words: str, **environment: str) -> Ran:
    """Run the stages as of a fixed day, unless another is named."""
    day = () if "--as-of" in words else ("--as-of", DAY)
    return call(shop, paths, "run", "--json", *day, *words, **environment)
