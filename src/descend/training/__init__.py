"""Training: the loop over an engine, and what it records."""

from descend.training.history import History
from descend.training.many import train_many
from descend.training.trainer import Training, train

__all__ = ["History", "Training", "train", "train_many"]
