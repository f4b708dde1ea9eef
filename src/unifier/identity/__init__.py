"""Find out which records are one person: values, components, conflicts, OneIDs."""
