"""A release reads its pairs one at a time: memory does not grow with them by more than a line of text each."""

import tracemalloc

from fake_workspace import fill
from ggt.stages.release.publish import ReleaseRequest, publish
from ggt.stages.review import import_decisions
from ggt.store.workspace import open_readonly

BYTES_A_PAIR = 2_000
"""What each pair may add: its id, its scene and its numbers, several times; a trust map alone takes over 10,000."""


def peak(workspace, to):
    tracemalloc.start()
    published = publish(workspace, ReleaseRequest(to=to, format_name="parquet", num_test=20))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most, published.num_train + published.num_test


def test_memory_grows_by_little_more_than_the_names_of_the_pairs(tmp_path):
    few, many = (fill(tmp_path / f"ws{count}", count) for count in (150, 450))
    peak(few, tmp_path / "warm")
    small, num_few = peak(few, tmp_path / "few")
    large, num_many = peak(many, tmp_path / "many")
    assert (num_few, num_many) == (150, 450)
    assert large - small < 300 * BYTES_A_PAIR


def test_what_a_reader_sees_is_one_moment_whatever_is_decided_meanwhile(tmp_path):
    workspace = fill(tmp_path / "ws", 3)
    first = tmp_path / "first.jsonl"
    second = tmp_path / "second.jsonl"
    line = '{{"lq": "{lq}", "candidate": "candidate {n}", "choice": "reject", "reviewer": "ann"}}\n'
    first.write_text(line.format(lq=f"{0:064x}"[::-1], n=0))
    second.write_text(line.format(lq=f"{1:064x}"[::-1], n=1))
    import_decisions(workspace, first)
    with open_readonly(workspace) as reading:
        assert len(list(reading.decisions.all())) == 1
        import_decisions(workspace, second)
        assert len(list(reading.decisions.all())) == 1
    with open_readonly(workspace) as reading:
        assert len(list(reading.decisions.all())) == 2
