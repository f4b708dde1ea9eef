"""Divide people: plan the configured segments, and write the steps that compute who is in which.

A segment is a condition over golden fields, tags, consent and other segments. Who it holds is kept as bits, 62 to a
word; entering and leaving are events. ``next_flip`` is the first later day on which some condition can change without
news: the compiler finds each comparison of ``days_since()`` or ``age()`` with a number. Any other use of these makes
everybody due every day. In the run that brings a segment nobody *enters* it: events begin with the changes after it.
"""

from unifier.segments.planning import SEGMENTS_SCHEMA, SegmentDefinition, SegmentPlan, plan

__all__ = ["SEGMENTS_SCHEMA", "SegmentDefinition", "SegmentPlan", "plan"]
