"""Open a project: its configuration, its plugins, its store. No verbs live here, and nothing is passed down."""

from unifier.app.opening import Project, check_zone, loaded, opened, project, record, shelf
from unifier.app.planning import Plans, plans, rules, unify_plan
from unifier.app.readying import one_source, sources
from unifier.app.sections import CONFIG_SCHEMA, SOURCE_SCHEMA, schema

__all__ = [
    "CONFIG_SCHEMA",
    "SOURCE_SCHEMA",
    "Plans",
    "Project",
    "check_zone",
    "loaded",
    "one_source",
    "opened",
    "plans",
    "project",
    "record",
    "rules",
    "schema",
    "shelf",
    "sources",
    "unify_plan",
]
