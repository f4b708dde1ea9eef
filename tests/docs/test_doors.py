"""Every door is called, documented with its signature, used by a plugin of ours and tested by its name."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

import pytest

from unifier import hookspecs
from unifier.plugins.doors import HOOKS

ROOT: Final = Path(__file__).parents[2]


def _signature(name: str) -> str:
    """Write a hook as its heading does: names of arguments, and what it returns."""
    signature = inspect.signature(getattr(hookspecs, name))
    return f"{name}({', '.join(signature.parameters)}) -> {signature.return_annotation}"


def _plugins() -> dict[str, str]:
    """Source of every plugin of ours, by name."""
    return {
        home.name: "\n".join(path.read_text(encoding="utf-8") for path in sorted((home / "src").rglob("*.py")))
        for home in sorted((ROOT / "plugins").iterdir())
        if (home / "pyproject.toml").exists()
    }


def test_the_page_has_a_heading_for_every_door_in_their_order() -> None:
    """An author copies the signature from the page; what is not there is not found."""
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")

    assert re.findall(r"^### `(.*)`$", page, re.MULTILINE) == [_signature(name) for name in HOOKS]


@pytest.mark.parametrize("name", HOOKS)
def test_every_door_says_what_goes_through_it(name: str) -> None:
    """The page of doors is what an author reads in an editor."""
    assert inspect.getdoc(getattr(hookspecs, name))


@pytest.mark.parametrize("name", HOOKS)
def test_every_door_is_used_by_a_plugin_of_ours_which_the_page_names(name: str) -> None:
    """A door that we do not use ourselves has never been opened."""
    users = {plugin for plugin, source in _plugins().items() if f"def {name}(" in source}
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    part = page[page.index(f"### `{name}(") :].partition("\n#")[0]

    assert users
    assert set(re.findall(r"`(unifier-[a-z]+)`", part)) == users


@pytest.mark.parametrize("name", HOOKS)
def test_every_door_has_a_test_of_its_name(name: str) -> None:
    """What a door promises is held by a test that is found by its name."""
    tests = [*ROOT.glob("plugins/*/tests/test_*.py"), *(ROOT / "tests" / "plugins").glob("test_*.py")]

    assert any(f"def test_{name}_" in path.read_text(encoding="utf-8") for path in tests)


@pytest.mark.parametrize("name", HOOKS)
def test_every_door_is_opened_by_the_core(name: str) -> None:
    """A hook that nothing calls is a promise that nobody keeps."""
    core = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src" / "unifier").rglob("*.py")
        if path.name != "hookspecs.py"
    )

    written = "unifier_{section}" if name in {"unifier_tags", "unifier_segments"} else name
    assert f'"{written}"' in core or f".{name}(" in core


@pytest.mark.parametrize("plugin", _plugins())
def test_every_plugin_of_ours_tells_every_setting(plugin: str) -> None:
    """A README that lacks a setting is a setting that nobody uses."""
    import importlib

    module = importlib.import_module(plugin.replace("-", "_"))
    schema = getattr(module, "unifier_config_schema", {})
    readme = (ROOT / "plugins" / plugin / "README.md").read_text(encoding="utf-8")

    told = set(re.findall(r"^\| `([a-z_]+)` \|", readme, re.MULTILINE))
    assert set(schema.get("properties", {})) <= told
