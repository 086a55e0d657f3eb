"""Optimizers: torch's defaults, what they refuse, rates and decay by name."""

import numpy as np
import pytest

from descend.errors import OptionError
from descend.optimizers import SGD, Adam, AdamW, RMSprop, parameter_decay, step_rates
from descend.optimizers.schedules import Constant, Span

NAN, INF = float("nan"), float("inf")
OPTIMIZERS = [SGD, RMSprop, Adam, AdamW]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_options_and_defaults_are_torchs(kind):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    theirs = getattr(torch.optim, kind.__name__)([torch.zeros(1, requires_grad=True)]).defaults
    ours = {name: getattr(kind(), name) for name in kind.__dataclass_fields__}
    assert not ours.pop("eps_hat", False)  # not torch's; its formula is where it is off
    assert ours == {name: theirs[name] for name in ours}


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize(
    "lr", [-1e-9, NAN, INF, "0.1", None, True, [], [0.1, -1], [NAN], [[0.1]], ["a"], np.array(0.5)]
)
def test_rates_are_finite_and_not_negative(kind, lr):
    with pytest.raises(OptionError, match=r"^lr "):
        kind(lr=lr)


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("decay", [-1, NAN, INF, "1", None, {"0.weight": -1}])
def test_decay_is_finite_and_not_negative(kind, decay):
    with pytest.raises(OptionError, match="weight_decay"):
        kind(weight_decay=decay)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {"momentum": -0.1}),
        (SGD, {"dampening": NAN}),
        (SGD, {"nesterov": True}),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
        (RMSprop, {"alpha": 1.0}),
        (RMSprop, {"alpha": -0.1}),
        (RMSprop, {"eps": -1e-8}),
        (RMSprop, {"momentum": -1}),
        (Adam, {"betas": (0.9, 1.0)}),
        (Adam, {"betas": (-0.1, 0.9)}),
        (Adam, {"betas": 0.9}),
        (Adam, {"betas": (0.9,)}),
        (Adam, {"eps": NAN}),
        (AdamW, {"betas": (0.9, INF)}),
    ],
)
def test_other_options_out_of_range_are_refused(kind, options):
    with pytest.raises(OptionError):
        kind(**options)


def test_slots_carry_torchs_names():
    assert SGD().slots == ()
    assert SGD(momentum=0.9).slots == ("momentum_buffer",)
    assert RMSprop(momentum=0.9, centered=True).slots == ("square_avg", "momentum_buffer", "grad_avg")
    assert AdamW(amsgrad=True).slots == ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")


@pytest.mark.parametrize("lr", [0.5, np.float32(0.5), np.float64(0.5), 1, np.int64(1), Constant(0.5)])
def test_a_number_is_the_rate_of_every_step(lr):
    SGD(lr=lr)
    np.testing.assert_array_equal(step_rates(lr, Span(3, 4, 2, 10)), np.full(4, getattr(lr, "lr", lr)))


def test_rates_per_step_are_cut_to_the_span():
    assert step_rates([0.1, 0.2, 0.3, 0.4], Span(1, 2, 2, 4)).tolist() == [0.2, 0.3]


def test_rates_per_step_must_cover_all_steps():
    with pytest.raises(OptionError, match="lr has 3 rates for 4 steps"):
        step_rates([0.1, 0.2, 0.3], Span(0, 2, 2, 4))


class _Falling:
    def rates(self, span):
        return 0.2 - 0.1 * span.step


class _Short:
    def rates(self, span):
        return np.ones(1)


def test_a_schedule_of_the_callers_is_checked():
    np.testing.assert_allclose(step_rates(_Falling(), Span(0, 3, 1, 3)), [0.2, 0.1, 0.0])
    with pytest.raises(OptionError, match="at step 3"):
        step_rates(_Falling(), Span(2, 2, 1, 4))
    with pytest.raises(OptionError, match="shape"):
        step_rates(_Short(), Span(0, 3, 1, 3))


def test_decay_by_name():
    names = ["0.weight", "0.bias"]
    assert parameter_decay(0.1, names).tolist() == [0.1, 0.1]
    assert parameter_decay({"0.weight": 0.2}, names).tolist() == [0.2, 0.0]
    with pytest.raises(OptionError, match=r"no parameter '1.weight'.*choices: 0.weight, 0.bias"):
        parameter_decay({"1.weight": 0.2}, names)


def test_eps_hat_is_a_flag():
    assert Adam(eps_hat=True).eps_hat is True
    with pytest.raises(OptionError, match="eps_hat must be True or False"):
        Adam(eps_hat=1)
