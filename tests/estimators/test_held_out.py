"""Rows held out for early stopping, of any kind of table and any weights."""

import numpy as np
import pytest
from scipy import sparse

from descend import MLPClassifier, MLPRegressor
from descend.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).integers(0, 3, (90, 4)).astype(float)
Y = X @ [1.0, 2.0, 3.0, -1.0]
FITS = [(MLPRegressor, Y), (MLPClassifier, (Y > 6).astype(int))]


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "dia", "bsr", "lil", "dok"])
@pytest.mark.parametrize("scoring", [None, "own"])
@pytest.mark.parametrize(("kind", "y"), FITS, ids=["regressor", "classifier"])
def test_sparse_tables_of_every_format_are_held_out(kind, y, form, scoring):
    scoring = scoring and ("r2" if kind is MLPRegressor else "accuracy")
    options = {"early_stopping": True, "max_iter": 3, "random_state": 0, "scoring": scoring}
    dense = kind(hidden_layer_sizes=(5,), **options).fit(X, y)
    for make in (sparse.csr_matrix, sparse.csr_array):
        found = kind(hidden_layer_sizes=(5,), **options).fit(make(X).asformat(form), y)
        assert found.validation_scores_ == pytest.approx(dense.validation_scores_, rel=1e-9)


@pytest.mark.parametrize(("kind", "y"), FITS, ids=["regressor", "classifier"])
def test_a_part_that_counts_for_nothing_is_refused(kind, y):
    model = kind(hidden_layer_sizes=(5,), early_stopping=True, max_iter=3, random_state=0)
    found = set()
    for row in range(90):  # the one row that counts is drawn, or is not
        with pytest.raises(DataError, match="have weight 0: leave rows of weight 0 out") as caught:
            model.fit(X, y, sample_weight=np.eye(90)[row])
        found.add(str(caught.value)[:30])
    assert found == {"all 9 rows drawn for validatio", "all 81 rows left to train on h"}
    with pytest.raises(DataError, match="weight"):
        kind(hidden_layer_sizes=(5,), max_iter=3).fit(X, y, validation=(X, y, np.zeros(90)))
