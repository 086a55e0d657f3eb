"""``classes_`` has the type that scikit-learn's estimator of the same name gives it."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import linear_model, neural_network

import descend
from descend.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
NUMBERS = RNG.integers(0, 3, 60)
TEXT = np.array(["a", "b", "cc"])[NUMBERS]
LABELS = {
    "category of text": pd.Series(TEXT, dtype="category"),
    "ordered category": pd.Categorical(TEXT, categories=["cc", "b", "a", "none"], ordered=True),
    "category of int64": pd.Series(NUMBERS, dtype="category"),
    "category of int8": pd.Series(NUMBERS.astype(np.int8)).astype("category"),
    "category of yes/no": pd.Series(NUMBERS > 0).astype("category"),
    "pandas string": pd.Series(TEXT, dtype="string"),
    "pandas str": pd.Series(TEXT, dtype="str"),
    "pandas objects": pd.Series(TEXT, dtype=object),
    "pandas Int64": pd.Series(NUMBERS, dtype="Int64"),
    "pandas boolean": pd.Series(NUMBERS > 0, dtype="boolean"),
    "polars text": pl.Series(TEXT),
    "polars categorical": pl.Series(TEXT, dtype=pl.Categorical),
    "polars enum": pl.Series(TEXT, dtype=pl.Enum(["cc", "b", "a"])),
    "polars yes/no": pl.Series(NUMBERS > 0),
    "text": TEXT,
    "list of text": TEXT.tolist(),
    "objects": TEXT.astype(object),
    "int8": NUMBERS.astype(np.int8),
    "uint64": NUMBERS.astype(np.uint64),
    "float32": NUMBERS.astype(np.float32),
    "yes/no": NUMBERS > 0,
}
ESTIMATORS = [
    (descend.LogisticRegression, linear_model.LogisticRegression, {}),
    (
        descend.MLPClassifier,
        neural_network.MLPClassifier,
        {"hidden_layer_sizes": 3, "max_iter": 2},
    ),
]


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize(("ours", "theirs", "options"), ESTIMATORS)
def test_classes_and_predictions_have_scikit_learns_type(ours, theirs, options, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, peer = (
            estimator(**options, random_state=0).fit(X, LABELS[kind]) for estimator in (ours, theirs)
        )
        scores = [model.score(X, LABELS[kind]) for model in (mine, peer)]
    assert mine.classes_.dtype == peer.classes_.dtype
    assert mine.classes_.tolist() == peer.classes_.tolist()
    assert mine.predict(X).dtype == peer.predict(X).dtype
    assert scores[0] == pytest.approx(scores[1], abs=0.1)


@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_text_of_any_column_type_goes_on_in_partial_fit(dtype):
    model = descend.MLPClassifier(random_state=0)
    model.partial_fit(X, pd.Series(TEXT, dtype=dtype), classes=np.array(["a", "b", "cc", "d"], object))
    assert model.partial_fit(X, TEXT).classes_.tolist() == ["a", "b", "cc", "d"]
    assert model.classes_.dtype.kind == "U"


@pytest.mark.parametrize("estimator", [descend.LogisticRegression, descend.MLPClassifier])
@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_a_missing_label_is_named_by_its_row(estimator, dtype):
    labels = pd.Series(TEXT, dtype=object)
    labels[7] = None
    with pytest.raises(DataError, match=r"^Input y contains NaN in row 7: leave the row out$"):
        estimator().fit(X, labels.astype(dtype))
