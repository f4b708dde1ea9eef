"""Segment: compute who is in which segment, and the events of entering and leaving, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any, Final

import pyarrow as pa

from unifier import segments
from unifier.errors import StoreError
from unifier.expressions import Field
from unifier.golden.steps import local_day
from unifier.relations import Changes, Merge
from unifier.segments import SegmentPlan, steps
from unifier.segments.ledger import BITS, SEGMENT_TABLES, segment_bits
from unifier.segments.planning import Known
from unifier.stages.tag import exists, golden_columns, passes, register
from unifier.store import Store
from unifier.tables import literal
from unifier.tags import TagPlan, columns
from unifier.tags.planning import Lines, golden_fields

READER: Final = "segment"
