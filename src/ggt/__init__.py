"""Verified paired datasets for image restoration, from real low-quality photos."""

__version__ = "0.1.0"
