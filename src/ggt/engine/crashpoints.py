"""Named points at which a test may kill the process, as a power cut would: the crash tests' only hook."""

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()

CRASHPOINTS = (
    "after_photo_measured",
    "after_duplicates",
    "after_claim",
    "after_intent",
    "after_submitted",
    "after_reply",
    "after_inbox",
    "before_done",
    "after_done",
    "after_attempt",
)
"""In the order in which a photo meets them."""


def crashpoint(name: str) -> None:
    """Die here with SIGKILL if GGT_CRASH_AT says `name:n` and this is the n-th time; otherwise nothing."""
    wanted = os.environ.get("GGT_CRASH_AT")
    if wanted is None:
        return
    assert name in CRASHPOINTS, name
    _passed[name] += 1
    if wanted == f"{name}:{_passed[name]}":
        os.kill(os.getpid(), signal.SIGKILL)
