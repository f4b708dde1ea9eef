"""Hold the JSON Schemas of the contract and the dictionaries that go with them, as data."""
