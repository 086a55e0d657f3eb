"""Evaluation: pure functions of answers and predictions."""
