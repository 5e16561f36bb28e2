"""Recipes: the TOML files that fix a run, one settings file per stage."""
