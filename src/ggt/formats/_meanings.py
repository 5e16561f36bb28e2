"""What the columns of a pair say: the words in which the card explains them."""

Meaning = tuple[tuple[str, ...], str]
"""Columns that are explained together, and what they say."""

PAIR_MEANINGS: tuple[Meaning, ...] = (
    (("lq", "gt"), "the two pictures, lossless PNG, sides multiples of 8"),
    (("id",), "stable as the dataset grows; starts the hash of the lq's pixels"),
    (("category", "severity"), "kind of degradation; how strong within it, 0 to 1"),
    (("instruction",), "what to do with an lq of the category; says nothing of its content"),
    (("width", "height"), "of both pictures"),
    (("native_width", "native_height"), "of the photo's part that they show"),
    (("scale",), "released size divided by native size"),
    (("native_noise_sigma",), "8-bit levels of luma noise"),
    (("native_blur_px",), "sigma of the sharpest edges in pixels"),
    (("source", "author", "licence", "url"), "as stated for the photo"),
    (("group",), "shared by photos of one scene and near duplicates"),
    (
        ("restorer", "model", "version"),
        "who made the target; the version is what the provider said answered",
    ),
    (
        ("prompt_strategy", "prompt", "attempt", "sample", "cost_usd"),
        "how it was asked, which try it was, what it cost",
    ),
    (("assurance", "reviewer"), "how the pair was accepted; a pseudonym of the person"),
    (
        ("ground_truth", "stamp"),
        "false and `not-ground-truth` for what the classical engine or the simulator made",
    ),
    (("sha256_lq", "sha256_gt"), "of the two PNG files"),
    (("levels",), "five aspects, 1 (unusable) to 5 (flawless); 0 or null where not assessed"),
    (("scores",), "metric values by name, each with the role of its reference"),
    (
        ("trust_map",),
        "16 rows of 16 values over the picture, 0 (do not believe the target here) to 1; lowered "
        "where other accepted candidates of the same lq differ from the target",
    ),
)
