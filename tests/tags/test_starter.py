"""The starter pack: what a new project begins with."""

from __future__ import annotations

from importlib.resources import files

import jsonschema
import yaml
from tags.people import divided, planned

from unifier.segments import SEGMENTS_SCHEMA
from unifier.tags import TAGS_SCHEMA
from unifier.tags.schema import CLASSES


def test_the_starter_pack_is_whole_and_understood() -> None:
    """The demo and the benchmark promise 30 tags of every class and 50 segments that run as they stand."""
    folder = files("unifier.sample")
    tags = yaml.safe_load(folder.joinpath("tags.yaml").read_text(encoding="utf-8"))["tags"]
    segments = yaml.safe_load(folder.joinpath("segments.yaml").read_text(encoding="utf-8"))["segments"]
    jsonschema.validate(tags, TAGS_SCHEMA)
    jsonschema.validate(segments, SEGMENTS_SCHEMA)
    plan = planned(*tags)

    assert (len(plan.tags), len(divided(plan, segments).segments)) == (30, 50)
    assert {tag.time for tag in plan.tags} == {"record", "clock", "population"}
    assert {tag["class"] for tag in tags} == set(CLASSES)
    assert all(set(one["title"]) == {"zh", "en"} for one in [*tags, *segments])
