"""What a callback's answer does to the fit."""

import numpy as np
import pytest

from descend import LogisticRegression, MLPClassifier
from descend.errors import OptionError

X = np.random.default_rng(0).normal(size=(40, 2))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)


@pytest.fixture(params=[MLPClassifier(max_iter=4, tol=0.0), LogisticRegression()], ids=["mlp", "logistic"])
def asked(request):
    """How often a fit asks callbacks of given answers, which are called in turn."""

    def count(answer):
        calls = []
        request.param.set_params(callbacks=[lambda news: (calls.append(news), answer)[1], lambda news: None])
        request.param.fit(X, Y)
        return len(calls)

    return count


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_true_ends_the_fit_and_nothing_else_does(asked):
    assert asked(True) == asked(np.bool_(True)) == 1
    assert asked(None) == asked(0.7) == asked("yes") == asked(np.bool_(False)) > 1


@pytest.mark.parametrize("estimator", [MLPClassifier, LogisticRegression])
def test_what_cannot_be_called_is_refused_before_the_fit(estimator):
    with pytest.raises(OptionError, match="callbacks holds 3"):
        estimator(callbacks=[print, 3]).fit(X, Y)
