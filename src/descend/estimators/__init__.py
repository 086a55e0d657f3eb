"""The scikit-learn face: one estimator a module; ``descend/__init__.py`` names those that are public."""
