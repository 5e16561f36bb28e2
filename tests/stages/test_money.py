"""Builds over the vendors' own SDKs against a provider that misbehaves: bill and ledger agree, whatever ends a run."""

from benchmarks import money


def test_bill_and_ledger_agree_with_every_fault_on_and_a_kill_in_the_middle(tmp_path):
    found = money.bench(tmp_path, num_photos=16, num_kills=1, seed=5)
    assert found.problems == ()
    assert found.num_requests > 30
    assert set(found.by_fault) & set(money.FAULTS)
    assert 0 < found.settled <= found.bill <= found.settled + found.in_doubt
