"""Describe people by values: plan the configured tags, and write the steps that compute them.

A **record** tag depends on a person's records only. A **clock** tag also on the day: its row keeps ``next_flip``, the
first later day on which some value can change without news. A **population** tag compares a person with all others.
"""

from unifier.tags.planning import TagDefinition, TagPlan, columns, plan, tables
from unifier.tags.schema import TAGS_SCHEMA

__all__ = ["TAGS_SCHEMA", "TagDefinition", "TagPlan", "columns", "plan", "tables"]
