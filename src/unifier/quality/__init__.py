"""Measure how well persons match what is known to be true."""
