"""Benchmarks: each prints its table; the tables are committed beside them."""
