"""What is torch's own about the PyTorch engine: devices, settings, kinks, tensors that are shared."""

import subprocess
import sys

import numpy as np
import pytest

from descend.engines import pytorch
from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.errors import EngineUnavailable, OptionError
from descend.networks import AbsoluteError, Dense, Huber, Network, SquaredError
from descend.optimizers import SGD

torch = pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch):
    monkeypatch.setenv("DESCEND_DEVICE", "cpu")


def _program(network, inputs, dtype="float64", threads=1):
    program = get_engine("pytorch").compile(
        network, network.widths(inputs.x.shape[1]), SGD(lr=0.1), dtype, threads, 0
    )
    program.bind(inputs)
    return program


def test_without_torch_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineUnavailable, match=r"pip install torch$"):
        get_engine("pytorch")


def test_the_package_alone_does_not_import_torch():
    code = "import sys, descend.engines.pytorch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_environment_overrides_the_device(monkeypatch):
    assert pytorch.engine("auto").device == "cpu"
    monkeypatch.setenv("DESCEND_DEVICE", "tpu")
    with pytest.raises(OptionError, match=r"unknown device 'tpu'; .*choices: auto, cpu, cuda"):
        pytorch.engine("cpu")


def test_auto_and_cuda_depend_on_the_machine(monkeypatch):
    monkeypatch.delenv("DESCEND_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pytorch.engine().device == "cpu"
    with pytest.raises(EngineUnavailable, match="no CUDA device"):
        pytorch.engine("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pytorch.engine().device == "cuda"
    assert pytorch.engine("cpu").device == "cpu"


def test_torchs_settings_are_set_for_a_call_and_restored(monkeypatch):
    from descend.engines.pytorch import program as module

    network = Network([Dense(1)], SquaredError())
    program = _program(network, Inputs(np.ones((4, 1)), np.ones((4, 1))), threads=3)
    seen, forward = [], module.forward

    def spy(*given):
        seen.append((torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.is_grad_enabled()))
        return forward(*given)

    monkeypatch.setattr(module, "forward", spy)
    before = torch.get_num_threads()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.inference_mode():
            program.run(Plan(0, 1, Order(0, 4, 4), np.full(1, 0.1), np.zeros(2)), np.inf)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert seen == [(3, "highest", True)]
    assert torch.get_num_threads() == before
    assert program.state()["updates"] == 1


@pytest.mark.parametrize(
    ("layer", "z"), [("relu", 0.0), ("relu", -0.0), ("hard_sigmoid", 3.0), ("hard_sigmoid", -3.0)]
)
def test_derivatives_at_kinks_are_zero(layer, z):
    network = Network([Dense(1, layer, bias=False), Dense(1, bias=False)], SquaredError())
    program = _program(network, Inputs(np.array([[z]]), np.array([[9.0]])))
    program.load({"0.weight": np.ones((1, 1)), "1.weight": np.ones((1, 1))})
    _, gradient = program.gradient(np.arange(1), 0)
    assert gradient["0.weight"].tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("loss", "residual", "slope"),
    [(AbsoluteError(), 0.0, 0.0), (Huber(2.0), 2.0, 2.0), (Huber(2.0), -2.0, -2.0), (Huber(2.0), 0.0, 0.0)],
)
def test_derivatives_of_losses_at_kinks(loss, residual, slope):
    network = Network([Dense(1, bias=False)], loss)
    program = _program(network, Inputs(np.array([[1.0]]), np.array([[1.0 - residual]])))
    program.load({"0.weight": np.ones((1, 1))})
    assert program.gradient(np.arange(1), 0)[1]["0.weight"].tolist() == [[slope]]


def test_hard_sigmoid_has_its_whole_slope_in_float64():
    network = Network([Dense(1, "hard_sigmoid", bias=False)], SquaredError())
    program = _program(network, Inputs(np.ones((1, 1)), np.zeros((1, 1))))
    program.load({"0.weight": np.zeros((1, 1))})
    gradient = program.gradient(np.arange(1), 0)[1]["0.weight"]
    assert gradient[0, 0] == pytest.approx(0.5 / 6, rel=1e-15)


def test_eight_bit_rows_stay_eight_bit_on_the_device():
    network = Network([Dense(1)], SquaredError())
    pixels = np.arange(8, dtype=np.uint8).reshape(4, 2)
    program = _program(network, Inputs(pixels, np.zeros((4, 1)), None, 1 / 255))
    assert program._bound.x.dtype == torch.uint8
    assert program._bound.x.data_ptr() == pixels.ctypes.data
