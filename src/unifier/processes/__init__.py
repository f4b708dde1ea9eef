"""Keep a plugin in a process of its own: start it, bound it, speak with it."""
