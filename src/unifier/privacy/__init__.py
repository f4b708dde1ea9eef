"""Show records without giving people away, and note who looked at more."""

from unifier.privacy.showing import shown

__all__ = ["shown"]
