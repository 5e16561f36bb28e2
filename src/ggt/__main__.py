"""`python -m ggt` is `ggt`."""

from ggt.cli.main import main

main()
