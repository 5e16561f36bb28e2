"""How other people name the two sides and the splits of a paired dataset, for reading theirs."""

LQ_NAMES = frozenset({"lq", "lr", "low", "input", "degraded", "lowquality", "low_quality"})
GT_NAMES = frozenset({"gt", "hq", "hr", "high", "target", "groundtruth", "ground_truth"})


def side_of(name: str) -> str | None:
    """Return `lq`, `gt`, or None for a name that is neither, whatever its case."""
    lowered = name.lower()
    if lowered in LQ_NAMES:
        return "lq"
    return "gt" if lowered in GT_NAMES else None


def split_of(name: str) -> str:
    """Read the split off the beginning of a file's or folder's name; `train` when it says none."""
    lowered = name.lower()
    for split in ("train", "test", "validation", "valid", "val"):
        if lowered == split or lowered.startswith((f"{split}-", f"{split}_", f"{split}.")):
            return split
    return "train"
