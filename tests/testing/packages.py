"""Write a plugin package, and do without pip what pip would do: lay its metadata beside its source."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from unifier.cli.templates import write


def installed(name: str, kind: str, parent: Path) -> Path:
    """Write a package and the metadata of its editable install; return its folder."""
    folder = write(name, kind, parent)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(head, encoding="utf-8")
    entries = "".join(f"{key} = {value}\n" for key, value in project["entry-points"]["unifier"].items())
    (info / "entry_points.txt").write_text(f"[unifier]\n{entries}", encoding="utf-8")
    return folder


def called(folder: Path, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Call a module of Python where the package is installed."""
    paths = os.pathsep.join([str(folder / "src"), *(entry for entry in sys.path if entry)])
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd or folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
