"""Invent a retailer's customers, scattered over its systems, together with the truth about them."""

from unifier.sample.delta import delta
from unifier.sample.world import SampleReport, generate
from unifier.sample.write import write_config

__all__ = ["SampleReport", "delta", "generate", "write_config"]
