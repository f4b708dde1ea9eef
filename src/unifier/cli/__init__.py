"""The command line: parse, make one call, print. Heavy imports wait until a command needs them."""

from unifier.cli.main import main

__all__ = ["main"]
