"""The steps of a build and of the other commands: the only place where kinds meet."""
