"""A token bucket: what may come at once, what in the long run."""

from __future__ import annotations

from jackfield.server.wire.token_bucket import TokenBucket


def spent(bucket: TokenBucket, due: float, now: float, tokens: int) -> float:
    for _ in range(tokens):
        due = bucket.spend(due, now)
    return due


def test_the_burst_may_be_spent_at_once_and_no_more() -> None:
    bucket = TokenBucket(rate=4, burst=2)
    due = spent(bucket, 0.0, 100.0, 8)
    assert not bucket.is_overdrawn(due, 100.0)
    assert bucket.is_overdrawn(bucket.spend(due, 100.0), 100.0)


def test_tokens_come_back_with_time_up_to_the_burst() -> None:
    bucket = TokenBucket(rate=4, burst=2)
    due = spent(bucket, 0.0, 100.0, 9)
    assert not bucket.is_overdrawn(due, 100.25)
    due = spent(bucket, due, 1_000.0, 8)
    assert not bucket.is_overdrawn(due, 1_000.0)
    assert bucket.is_overdrawn(bucket.spend(due, 1_000.0), 1_000.0)


def test_the_rate_may_be_spent_without_end() -> None:
    bucket, due = TokenBucket(rate=4, burst=2), 0.0
    for step in range(10_000):
        due = bucket.spend(due, step / 4)
        assert not bucket.is_overdrawn(due, step / 4)
