"""Calibration: what quality control catches and what it loses, over planted faults on clean photos; the judge's fit."""
