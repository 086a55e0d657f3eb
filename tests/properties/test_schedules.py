"""Schedules for any span: positive, cut anywhere, climbing during warm-up."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from descend.optimizers.schedules import Constant, Cosine, Exponential, Span, Step, WarmUp

RATES = st.floats(1e-6, 10)
SCHEDULES = st.one_of(
    st.builds(Constant, RATES),
    st.builds(Step, RATES, st.integers(1, 5), st.floats(0, 1)),
    st.builds(Exponential, RATES, st.floats(0, 1)),
    st.builds(Cosine, RATES, st.floats(0, 1e-6)),
)
quick = settings(max_examples=80, derandomize=True)


@quick
@given(SCHEDULES, st.integers(1, 9), st.integers(1, 80), st.data())
def test_rates_are_cut_from_one_falling_line(schedule, per_epoch, total, data):
    first = data.draw(st.integers(0, total - 1))
    steps = data.draw(st.integers(1, total - first))
    whole = schedule.rates(Span(0, total, per_epoch, total))
    assert whole.shape == (total,)
    assert whole[0] == schedule.lr
    assert (whole >= 0).all()
    assert (np.diff(whole) <= 1e-15 * schedule.lr).all()
    np.testing.assert_array_equal(
        schedule.rates(Span(first, steps, per_epoch, total)), whole[first : first + steps]
    )


@quick
@given(SCHEDULES, st.floats(0.1, 5), st.integers(1, 9), st.integers(1, 80))
def test_warm_up_climbs_to_what_follows(schedule, epochs, per_epoch, total):
    span = Span(0, total, per_epoch, total)
    warmed, plain = WarmUp(schedule, epochs).rates(span), schedule.rates(span)
    assert (warmed <= plain).all()
    after = np.arange(1, total + 1) >= epochs * per_epoch
    np.testing.assert_array_equal(warmed[after], plain[after])
    assert (warmed > 0).sum() == (plain > 0).sum()
