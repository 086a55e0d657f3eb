"""Schedules against torch's, their closed forms, and their limits."""

import math

import numpy as np
import pytest

from descend.errors import OptionError
from descend.optimizers.schedules import Constant, Cosine, Exponential, Span, Step, WarmUp


def _torch_rates(make, lr, epochs):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(rates)


@pytest.mark.parametrize("every", [1, 3, 50])
def test_step_equals_torchs(every):
    theirs = _torch_rates(lambda s, o: s.StepLR(o, step_size=every, gamma=0.3), 0.1, 20)
    ours = Step(0.1, every, 0.3).rates(Span(0, 100, 5, 100))
    np.testing.assert_allclose(ours, np.repeat(theirs, 5), rtol=1e-14)


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.97, 1.0, 1.1])
def test_exponential_equals_torchs(factor):
    theirs = _torch_rates(lambda s, o: s.ExponentialLR(o, gamma=factor), 0.1, 20)
    ours = Exponential(0.1, factor).rates(Span(0, 60, 3, 60))
    np.testing.assert_allclose(ours, np.repeat(theirs, 3), rtol=1e-14)


def test_cosine_is_its_formula():
    ours = Cosine(0.3, 0.05).rates(Span(0, 97, 10, 97))
    theirs = [0.05 + 0.5 * 0.25 * (1 + math.cos(math.pi * step / 97)) for step in range(97)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-14)


def test_warm_up_climbs_evenly_then_follows():
    ours = WarmUp(Exponential(1.0, 0.5), epochs=1.5).rates(Span(0, 12, 4, 12))
    ramp = np.minimum(1, np.arange(1, 13) / 6)
    np.testing.assert_allclose(ours, ramp * np.repeat([1.0, 0.5, 0.25], 4), rtol=1e-15)


def test_a_span_in_the_middle_is_a_cut_of_the_whole():
    for schedule in (Constant(0.1), Step(0.1, 2), Exponential(0.1, 0.9), Cosine(0.1), WarmUp(Cosine(0.1), 2)):
        whole = schedule.rates(Span(0, 40, 7, 40))
        np.testing.assert_array_equal(schedule.rates(Span(11, 13, 7, 40)), whole[11:24])


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "0.1", None])
@pytest.mark.parametrize(
    "make",
    [
        Constant,
        lambda v: Step(v, 2),
        lambda v: Step(0.1, 2, v),
        lambda v: Exponential(v, 0.5),
        lambda v: Exponential(0.1, v),
        Cosine,
        lambda v: Cosine(0.1, v),
        WarmUp,
    ],
)
def test_rates_and_factors_are_finite_and_not_negative(make, value):
    with pytest.raises(OptionError, match="must be a finite number of at least 0"):
        make(value)


@pytest.mark.parametrize("every", [0, -1, 1.5, True, None])
def test_a_step_takes_whole_epochs(every):
    with pytest.raises(OptionError, match="Step every must be a whole number of at least 1"):
        Step(0.1, every)


@pytest.mark.parametrize("epochs", [0, -1, math.inf, math.nan, "1"])
def test_a_ramp_has_a_length(epochs):
    with pytest.raises(OptionError, match="WarmUp epochs must be a finite number above 0"):
        WarmUp(0.1, epochs)
