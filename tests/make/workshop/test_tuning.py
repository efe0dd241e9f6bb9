"""How rate and length are found: probes are short, every run is a whole schedule, the final run gets most of the time."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from edgekit.make.workshop.tuning import HIGHEST, LOWEST, MOST_PROBES, search


def tried(loss, longest=800, fixed=None):
    return [(run.learning_rate, run.steps) for run in search(loss, longest=longest, fixed_rate=fixed)]


def test_short_runs_find_the_rate_and_one_run_of_the_whole_length_takes_it():
    found = tried(lambda rate, steps: abs(math.log(rate / 1e-3)) + 100 / steps, longest=1200)
    assert found == [(1e-3, 100), (3e-4, 100), (3e-3, 100), (1e-3, 1200)]


def test_nothing_of_nearly_the_full_length_is_run_beside_the_final_run():
    """Runs of twice the length each ended in one of 2,496 steps and one of 2,500."""
    steps = [steps for _, steps in tried(lambda rate, steps: 1 / steps, longest=2500)]
    assert sorted(steps)[-2:] == [208, 2500]


def test_the_final_run_is_as_long_as_there_is_time_for():
    def lengths(affordable):
        found = search(lambda rate, steps: 1 / steps, longest=1200, fixed_rate=None, affordable=lambda: affordable)
        return [run.steps for run in found if run.steps != 100]

    assert lengths(math.inf) == [1200] and lengths(700.5) == [700]
    assert lengths(99) == [], "a run no longer than a probe finds nothing new"


def test_rates_beyond_an_end_that_is_the_best():
    low = [rate for rate, steps in tried(lambda rate, steps: rate, longest=1200) if steps == 100]
    high = [rate for rate, steps in tried(lambda rate, steps: 1 / rate, longest=1200) if steps == 100]
    assert len(low) == MOST_PROBES and min(low) < 1e-4 and max(low) == 3e-3
    assert min(low) >= LOWEST and max(high) <= HIGHEST < max(high) * 4 and min(high) == 3e-4


@given(st.integers(100, 100_000), st.integers(0, 1000))
def test_the_final_run_gets_two_thirds_of_all_steps_at_the_least(longest, seed):
    losses = iter(range(seed, seed + 1000))
    runs = search(lambda rate, steps: 1 / (1 + next(losses) % 17), longest=longest, fixed_rate=None)
    assert runs[-1].steps == longest and longest >= 2 / 3 * sum(run.steps for run in runs)


def test_a_rate_that_is_given_is_not_probed():
    assert {rate for rate, _ in tried(lambda rate, steps: 1 / steps, fixed=7e-4)} == {7e-4}


@given(st.integers(1, 10_000), st.integers(0, 1000))
def test_it_ends_and_never_trains_longer_than_allowed(longest, seed):
    losses = iter(range(seed, seed + 1000))
    runs = search(lambda rate, steps: 1 / (1 + next(losses) % 17), longest=longest, fixed_rate=None)
    assert all(1 <= run.steps <= longest for run in runs)
    assert sum(run.steps for run in runs) <= 1.5 * longest + MOST_PROBES


def test_a_run_that_diverges_is_not_the_best():
    runs = search(lambda rate, steps: math.inf if rate > 5e-4 else 1.0, longest=8, fixed_rate=None)
    assert min(runs, key=lambda run: run.loss).learning_rate < 5e-4
    assert runs[-1].learning_rate < 5e-4


def test_where_every_rate_diverges_lower_ones_are_tried():
    found = tried(lambda rate, steps: math.inf if rate > 5e-5 else 1.0)
    assert min(rate for rate, _ in found) < 5e-5 and found[-1][0] < 5e-5
    everywhere = tried(lambda rate, steps: math.inf)
    assert {steps for _, steps in everywhere} == {66}, "no long run with a rate that diverged"
