"""scikit-learn: MLPClassifier and MLPRegressor with plain SGD make the same steps as descend.

Without hidden layers they are softmax and linear regression by minibatches. (SGDClassifier and SGDRegressor
step after every row, LogisticRegression and LinearRegression take no steps at all: they do other work.)
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from descend.bench.contender import Peer, Predictor, Trainer
from descend.bench.workloads import Parameters, Workload, named_parameters


def _trainer(work: Workload, threads: int) -> Trainer:
    def epochs(count: int) -> Parameters:
        estimator = _estimator(work)
        estimator.set_params(max_iter=count, batch_size=min(work.batch_size, len(work.x)))
        _fit(estimator, work.floats, work.y, threads)
        return named_parameters(list(zip(estimator.coefs_, estimator.intercepts_, strict=True)))

    return epochs


def _one_row(work: Workload, threads: int) -> Predictor:
    estimator, row = _estimator(work), work.floats[:1].copy()
    return lambda: estimator.predict(row)


def _estimator(work: Workload) -> Any:
    """Fitted on a row of each class, so that it has its arrays; then given the initial weights."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPClassifier if work.network.classifies else MLPRegressor
    estimator = kind(
        hidden_layer_sizes=work.hidden, solver="sgd", learning_rate="constant", learning_rate_init=work.rate,
        momentum=0.0, alpha=0.0, batch_size=1, max_iter=1, tol=0.0, n_iter_no_change=2**31, warm_start=True,
        random_state=0,
    )  # fmt: skip
    some = np.unique(work.y, return_index=True)[1] if work.network.classifies else np.arange(2)
    _fit(estimator, work.floats[some], work.y[some], 1)
    estimator.coefs_ = [weight.copy() for weight, _ in work.layers]
    estimator.intercepts_ = [bias.copy() for _, bias in work.layers]
    return estimator


def _fit(estimator: Any, x: Any, y: Any, threads: int) -> None:
    """``fit`` on so many threads of its linear algebra, without word that it could go on."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(x, y)


ESTIMATORS = Peer(
    "scikit-learn", "sklearn",
    "MLPClassifier or MLPRegressor, solver sgd without momentum or penalty; no hidden layer for the "
    "linear ones",
    _trainer, _one_row,
)  # fmt: skip
