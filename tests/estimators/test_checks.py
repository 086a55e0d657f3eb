"""scikit-learn's own checks of an estimator, none of them expected to fail."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from descend import MLPClassifier, MLPRegressor


@parametrize_with_checks([MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)
