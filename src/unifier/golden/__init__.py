"""Make one golden record of what all sources know of a person, and tell where each field came from."""
