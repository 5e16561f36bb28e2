"""Parameters and weights that ggt does not ship: imported by the user, checked by hash."""
