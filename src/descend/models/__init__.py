"""Trained models and the file they live in."""

from descend.models.file import load
from descend.models.model import Model

__all__ = ["Model", "load"]
