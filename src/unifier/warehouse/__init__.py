"""Write what is known to the databases of the retailer: published tables, what changed in them, and targets."""

from unifier.warehouse.config import TARGETS_SCHEMA, TargetConfig, target_config

__all__ = ["TARGETS_SCHEMA", "TargetConfig", "target_config"]
