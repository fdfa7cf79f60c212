"""What a caller has set in PyTorch, NumPy or the environment changes no picture, view or run."""

import contextlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from replearn import augmentations, evaluation, neighbors, networks, training
from replearn.shapes import Factors, ShapesDataset
from replearn.theory import minimizers, tammes


@contextlib.contextmanager
def setting(set_, value, before):
    set_(value)
    try:
        yield
    finally:
        set_(before)


STATES = {
    "float64": lambda: setting(torch.set_default_dtype, torch.float64, torch.float32),
    "bfloat16": lambda: setting(torch.set_default_dtype, torch.bfloat16, torch.float32),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "another default device": lambda: setting(torch.set_default_device, "meta", None),
    "a device as context": lambda: torch.device("meta"),
    "deterministic": lambda: setting(torch.use_deterministic_algorithms, True, False),
    "coarse products": lambda: setting(torch.set_float32_matmul_precision, "medium", "highest"),
    "anomalies detected": lambda: torch.autograd.set_detect_anomaly(True),
    "NumPy's errors raised": lambda: np.errstate(all="raise"),
    "another seed": lambda: setting(torch.manual_seed, 7, 0),
    "all at once": lambda: everything(),
}


@contextlib.contextmanager
def everything():
    with (
        setting(torch.set_default_dtype, torch.float64, torch.float32),
        torch.autocast("cpu", torch.bfloat16),
        torch.inference_mode(),
        torch.device("meta"),
    ):
        yield


def pictures():
    factors = Factors.draw(40, seed=3)
    return [*vars(factors).values(), ShapesDataset("val", size=80).images([0, 3, 5])]


def views():
    images = ShapesDataset("val", size=80).images(range(6))
    sets = (augmentations.A, augmentations.B, augmentations.C)
    return [
        tensor
        for augmentation in sets
        for tensor in (
            augmentation(images, torch.Generator().manual_seed(1)),
            *augmentation.sample(images, torch.Generator().manual_seed(2)).values(),
        )
    ]


def encoder():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return networks.Encoder(8, normalize=True)


ENCODER = encoder()


def features():
    val = ShapesDataset("val", size=80)
    codes = neighbors.embed(ENCODER, val)
    scores = neighbors.sensitivity(codes, val.factors, 3)
    accuracies = evaluation.layer_accuracies(ENCODER, val, 10)
    return [
        codes,
        neighbors.nearest(codes, codes, 3, exclude_self=True),
        *scores.values(),
        *(value for values in accuracies.values() for value in values),
    ]


def points():
    loss, z = minimizers.minimize_info_nce(3, 2, starts=1)
    return [loss, z, tammes._spread.__wrapped__(7, 3)]


def contrastive():
    run = training.train_contrastive(augmentations.A, 4)
    loss = evaluation.validation_loss(run, augmentations.A, batches=1, batch=8)
    return [*run.history.values(), *run.encoder.state_dict().values(), loss, run.facts["key"]]


def autoencoder():
    run = training.train_autoencoder(4)
    return [*run.history.values(), *run.decoder.state_dict().values(), run.facts["key"]]


RESULTS = [pictures, views, features, points, contrastive, autoencoder]
BEFORE = {}


def set_outside():
    return torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")


def told(results):
    """Dtypes and values, which must not differ in a bit."""
    return [
        (str(value.dtype), value.tolist()) if isinstance(value, torch.Tensor) else value
        for value in results
    ]


@pytest.mark.fault(
    "PyTorch set up otherwise by whoever calls",
    "another default dtype or device, autocast, no gradients, inference mode, coarser products … "
    "while pictures are drawn, views made, images embedded, networks trained",
    "the same results, bit for bit, under the same key; afterwards all is set as it was",
)
@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.__name__)
@pytest.mark.parametrize("state", STATES)
def test_what_is_set_outside_changes_nothing(tiny, monkeypatch, tmp_path, result, state):
    if result not in BEFORE:
        BEFORE[result] = told(result())
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "again"))
    with STATES[state]():
        before = set_outside()
        found = result()
        assert set_outside() == before
    assert told(found) == BEFORE[result]


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_what_rounding_may(tiny, monkeypatch, tmp_path, threads):
    alone = training.train_contrastive(augmentations.A, 4)
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "again"))
    with setting(torch.set_num_threads, threads, 1):
        shared = training.train_contrastive(augmentations.A, 4)
    torch.testing.assert_close(shared.losses, alone.losses, rtol=1e-3, atol=1e-3)
    assert shared.facts["key"] == alone.facts["key"]


PROGRAM = """
import torch
{before}
from replearn import augmentations, shapes
val = shapes.ShapesDataset("val", size=80)
images = val.images([0, 1])
print(images.dtype, float(images.sum()), float(augmentations.C(images, torch.Generator()).sum()))
"""


@pytest.mark.parametrize(
    ("before", "environment"),
    [
        ("torch.set_default_dtype(torch.float64)", {}),
        ("torch.set_default_device('meta')", {}),
        ("torch.inference_mode().__enter__()", {}),
        ("", {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "2"}),
        ("", {"PYTHONHASHSEED": "5", "PYTHONOPTIMIZE": "1"}),
        ("", {"LC_ALL": "C", "TZ": "Asia/Tokyo"}),
        ("", {"ATEN_CPU_CAPABILITY": "avx2", "TORCH_LOGS": "+dynamo"}),
    ],
)
def test_what_was_set_before_the_import_changes_nothing(before, environment):
    def printed(before="", environment=()):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(before=before)],
            env={**os.environ, **dict(environment)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert printed(before, environment) == printed()
