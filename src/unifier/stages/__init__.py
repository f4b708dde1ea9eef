"""The five stages of a run. They never call each other: what one has written, the next finds by its marks."""
