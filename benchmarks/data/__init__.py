"""Data that benchmarks make for themselves."""
