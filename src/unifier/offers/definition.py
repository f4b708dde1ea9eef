"""Offer tags and segments: definitions with the keys that they have in unifier.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Definition: TypeAlias = Mapping[str, Any]
"""An entry of ``tags:`` or ``segments:``, as data."""
