"""What a source may be told: secrets by reference, limits of its process, how much may vanish."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from bad_input.project import Shop, open_shop
from cast import WANG_FANG
from place import run

from unifier import app
from unifier.app.settings import resolved, secrets
from unifier.config import Config, load
from unifier.errors import ConfigError
from unifier.processes.process import Limits
from unifier.stages.extract import Source

PLUGIN: Final = '''
from pathlib import Path
from unifier import Connector, hookimpl, stream
from unifier.errors import AuthError

class Api(Connector):
    """An interface with a token."""
    name = "api"
    config_schema = {
        "type": "object",
        "properties": {
            "url": {"type": "string"},
            "token": {"type": "string", "x-secret": True},
            "accounts": {"type": "array", "items": {"type": "object",
                "properties": {"name": {"type": "string"}, "key": {"$ref": "#/$defs/key"}}}},
        },
        "additionalProperties": False,
        "$defs": {"key": {"anyOf": [{"type": "null"}, {"type": "string", "x-secret": True}]}},
    }

    @stream("profile")
    def members(self, since):
        given = [self.config["url"], self.config["token"], self.config["accounts"][0]["key"]]
        (self.folder / "seen").write_text(" ".join(given), encoding="utf-8")
        raise AuthError("api", "it refuses " + " ".join(given), "ask for another")

@hookimpl
def unifier_connectors():
    return [Api]
'''
CONFIG: Final[dict[str, Any]] = {
    "url": "https://${UNIFIER_TEST_HOST}/members",
    "token": "${UNIFIER_TEST_TOKEN}",
    "accounts": [{"name": "main", "key": "file:key.txt"}],
}
ENVIRONMENT: Final = {"UNIFIER_TEST_HOST": "api.example", "UNIFIER_TEST_TOKEN": "t0ken-of-tests"}


def _shop(folder: Path, config: dict[str, Any], **settings: Any) -> Shop:
    shop = open_shop(folder / "shop", [WANG_FANG])
    (shop.folder / "api.py").write_text(PLUGIN, encoding="utf-8")
    (shop.folder / "key.txt").write_text("k3y-of-tests\n", encoding="utf-8")
    source = {"connector": "api", "config": config, **settings}
    shop.configure(plugins={"files": ["api.py"]}, sources={**shop.config["sources"], "api": source})
    return shop


def test_references_are_resolved_and_never_shown(tmp_path: Path) -> None:
    """A connector gets the token; whoever reads the log of the night does not."""
    shop = _shop(tmp_path, CONFIG)

    told = run(shop, [], **ENVIRONMENT)

    seen = (shop.folder / "seen").read_text(encoding="utf-8")
    assert seen == "https://api.example/members t0ken-of-tests k3y-of-tests"
    assert told.source("api")["error_class"] == "AuthError"
    assert "t0ken" not in told.out + told.err
    assert "k3y" not in told.out + told.err
    remembered = (shop.folder / ".unifier" / "plugins.json").read_text(encoding="utf-8")
    assert "t0ken" not in remembered
    assert "k3y" not in remembered


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"token": "t0ken-of-tests"}, "sources.api.config.token"),
        ({"token": "Bearer ${UNIFIER_TEST_TOKEN}"}, "sources.api.config.token"),
        ({"accounts": [{"name": "main", "key": "k3y-of-tests"}]}, "sources.api.config.accounts.0.key"),
    ],
)
def test_a_secret_that_is_written_out_is_refused_with_its_line(
    tmp_path: Path, change: dict[str, Any], key: str
) -> None:
    """A configuration is mailed around and kept in Git."""
    told = run(_shop(tmp_path, {**CONFIG, **change}), [], **ENVIRONMENT)

    assert (told.code, told.out) == (3, "")
    assert f"{key}: a secret is written out — write ${{NAME}} or file:path" in told.err
    assert "unifier.yaml line " in told.err
    assert "t0ken" not in told.err
    assert "k3y" not in told.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token": "${UNIFIER_TEST_NOTHING}"}, "config.token: the environment has no UNIFIER_TEST_NOTHING"),
        ({"url": "${UNIFIER_TEST_NOTHING}"}, "config.url: the environment has no UNIFIER_TEST_NOTHING"),
        ({"token": "file:nothing.txt"}, "config.token: the file it names cannot be read"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_with_its_line(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    """A scheduler without the variable must not read half of the sources."""
    told = run(_shop(tmp_path, {**CONFIG, **change}), [], **ENVIRONMENT)

    assert (told.code, told.out) == (3, "")
    assert words in told.err
    assert "unifier.yaml line " in told.err


def test_a_file_is_a_reference_where_a_secret_is_due_only(tmp_path: Path) -> None:
    """An address that begins with file: is an address."""
    (tmp_path / "unifier.yaml").write_text("x: {url: 'file:data.csv'}\n", encoding="utf-8")
    config = load(tmp_path / "unifier.yaml")

    assert resolved(config, ("x",), config.data["x"], {"type": "object"}) == ({"url": "file:data.csv"}, ())


@pytest.mark.parametrize(
    ("data", "schema", "places"),
    [
        ({"a": {"b": 1}}, {"properties": {"a": {"properties": {"b": {"x-secret": True}}}}}, {("a", "b")}),
        ({"a": ["1", "2"]}, {"properties": {"a": {"items": {"x-secret": True}}}}, {("a", 0), ("a", 1)}),
        ({"a": ["1", "2"]}, {"properties": {"a": {"prefixItems": [{}, {"x-secret": True}]}}}, {("a", 1)}),
        ({"a": 1, "b": 2}, {"properties": {"a": {}}, "additionalProperties": {"x-secret": True}}, {("b",)}),
        ({"key_a": 1}, {"patternProperties": {"^key_": {"x-secret": True}}}, {("key_a",)}),
        ({"a": 1}, {"oneOf": [{}, {"properties": {"a": {"x-secret": True}}}]}, {("a",)}),
        ({"a": 1}, {"if": {}, "then": {"properties": {"a": {"x-secret": True}}}}, {("a",)}),
        ({"a": {"a": 1}}, {"properties": {"a": {"$ref": "#"}, "b": {"x-secret": True}}}, set()),
    ],
)
def test_secrets_are_found_wherever_a_schema_marks_them(
    data: dict[str, Any], schema: dict[str, Any], places: set[Any]
) -> None:
    """Nested objects, arrays, alternatives: a mark that is overlooked is a password in the log."""
    assert set(secrets(data, schema, schema)) == places


def test_secrets_among_settings_of_plugins_are_references_too(tmp_path: Path) -> None:
    """The same rule for a webhook of an observer."""
    config = Config(tmp_path / "unifier.yaml", {})
    schema = {"properties": {"url": {"x-secret": True}}}

    with pytest.raises(ConfigError, match=r"plugins\.use\.hook\.url: a secret is written out"):
        resolved(config, ("plugins", "use", "hook"), {"url": "https://example/t0ken"}, schema)


def _source(folder: Path, extract: dict[str, Any] | None = None, **settings: Any) -> Source:
    shop = open_shop(folder / "shop", [WANG_FANG])
    crm = {**shop.config["sources"]["crm"], **settings}
    shop.configure(sources={"crm": crm}, extract=extract or {})
    return app.one_source(app.project(shop.folder), "crm")


def test_limits_of_a_source_go_before_those_of_all(tmp_path: Path) -> None:
    """One source is slow by nature; the others are slow by accident."""
    for_all = {"limits": {"deadline": "2h", "silence": "30s", "memory": "1GB"}}

    source = _source(tmp_path, for_all, limits={"deadline": "1d", "memory": "1.5 GiB"})

    assert source.limits == Limits(86_400.0, 30.0, 1_610_612_736)


def test_without_limits_a_source_has_ours(tmp_path: Path) -> None:
    """No source may run for ever."""
    assert _source(tmp_path).limits == Limits()


def test_a_source_that_breaks_its_limit_fails(tmp_path: Path) -> None:
    """The limit reaches the process."""
    shop = open_shop(tmp_path / "shop", [WANG_FANG])
    crm = {**shop.config["sources"]["crm"], "limits": {"memory": "10MB"}}
    shop.configure(sources={**shop.config["sources"], "crm": crm})

    told = run(shop, [])

    assert told.code == 1, told
    assert "more than 10 MB of memory" in told.source("crm")["error"]
    assert told.source("till")["outcome"] == "settled"


def test_how_much_may_vanish_reaches_the_source(tmp_path: Path) -> None:
    """A list that halves every season is no accident."""
    assert _source(tmp_path, max_vanish=0.5).max_vanish == 0.5
    assert _source(tmp_path / "more").max_vanish is None


@pytest.mark.parametrize(
    "settings", [{"limits": {"deadline": "soon"}}, {"limits": {"memory": "much"}}, {"max_vanish": 2}]
)
def test_limits_that_cannot_be_meant_are_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    """A limit that is not understood is no limit."""
    with pytest.raises(ConfigError, match=r"unifier\.yaml line"):
        _source(tmp_path, **settings)
