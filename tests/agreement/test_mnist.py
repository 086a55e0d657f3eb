"""Native and reference on real images: the same predictions from the same seed."""

import numpy as np
import pytest

import descend


@pytest.mark.filterwarnings("ignore:10,000 rows are the folder.s own test:descend.errors.DataWarning")
@pytest.mark.parametrize("options", [{"epochs": 2}, {"epochs": 1, "hidden": (64,), "dropout": 0.2}])
def test_predictions_agree_on_nearly_every_test_image(real_data, options):
    folder = real_data / "mnist"
    native, reference = (
        descend.fit(folder, engine=engine, seed=5, batch_size=128, **options)
        for engine in ("native", "reference")
    )
    answers = [run.model.predict(folder) for run in (native, reference)]
    assert np.mean(answers[0] == answers[1]) >= 0.999
    assert native.metrics["test"]["accuracy"] > 0.89
