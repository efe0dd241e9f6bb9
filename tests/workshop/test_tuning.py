"""How rate and length are found: every run a whole schedule, the best of all is the training."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from edgekit.workshop.tuning import HIGHEST, LOWEST, search


def tried(loss, longest=800, fixed=None):
    return [(run.learning_rate, run.steps) for run in search(loss, longest=longest, fixed_rate=fixed)]


def test_the_best_rate_is_taken_on_to_longer_runs_while_they_get_better():
    found = tried(lambda rate, steps: abs(math.log(rate / 1e-3)) + 100 / steps)
    assert found == [(1e-3, 100), (3e-4, 100), (3e-3, 100), (1e-3, 200), (1e-3, 400), (1e-3, 800)]


def test_a_longer_run_that_is_no_better_ends_it():
    """The first run of twice the length may be unlucky; a second one may not."""
    found = tried(lambda rate, steps: abs(math.log(rate / 1e-3)) + 1)
    assert [steps for _, steps in found] == [100, 100, 100, 200, 400]


def test_rates_beyond_an_end_that_is_the_best():
    low = [rate for rate, steps in tried(lambda rate, steps: rate) if steps == 100]
    high = [rate for rate, steps in tried(lambda rate, steps: 1 / rate) if steps == 100]
    assert min(low) >= LOWEST and min(low) / 3 < LOWEST and max(low) == 3e-3
    assert max(high) <= HIGHEST and max(high) * 3 > HIGHEST and min(high) == 3e-4


def test_a_rate_that_is_given_is_not_probed():
    assert {rate for rate, _ in tried(lambda rate, steps: 1 / steps, fixed=7e-4)} == {7e-4}


@given(st.integers(1, 10_000), st.integers(0, 1000))
def test_it_ends_and_never_trains_longer_than_allowed(longest, seed):
    losses = iter(range(seed, seed + 1000))
    runs = search(lambda rate, steps: 1 / (1 + next(losses) % 17), longest=longest, fixed_rate=None)
    assert all(1 <= run.steps <= longest for run in runs)
    assert sum(run.steps for run in runs) <= 4 * longest + 20


def test_a_run_that_diverges_is_not_the_best():
    runs = search(lambda rate, steps: math.inf if rate > 5e-4 else 1.0, longest=8, fixed_rate=None)
    assert min(runs, key=lambda run: run.loss).learning_rate < 5e-4


def test_where_every_rate_diverges_lower_ones_are_tried():
    found = tried(lambda rate, steps: math.inf if rate > 5e-5 else 1.0)
    assert min(rate for rate, _ in found) < 5e-5 and found[-1][0] < 5e-5
