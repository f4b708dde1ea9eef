"""Hold the contract: what a record is, how an arriving batch is brought into shape, and what breaks it."""
