"""Readers: one module a format family; table.py registers them, sniff.py chooses."""
