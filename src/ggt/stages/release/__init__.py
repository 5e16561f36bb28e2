"""Release: from a workspace's pairs to a published dataset, with split, card, checksums and provenance."""
