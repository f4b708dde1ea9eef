"""What authors of plugins write: connectors and identifier types."""
