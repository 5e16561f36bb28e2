"""Running stages: the scheduler, `ask`, limits; it knows no stage."""
