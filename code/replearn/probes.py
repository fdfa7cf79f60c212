"""What a small model can read from features: whether a factor is in there at all.

:func:`neighbors.sensitivity` asks what a representation is ordered by, a probe what it contains.
The probes are scikit-learn's; they learn from training images and are asked about others.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from replearn.engine import validation
from replearn.engine.devices import torch_defaults
from replearn.neighbors import FACTORS, SYMMETRY
from replearn.shapes import Factors

PROBES = ("linear", "MLP")
"""The models: linear ones, and networks of one hidden layer of 64 units."""

_WIDEST = 256  # features; more are reduced to so many principal components first
_FARTHEST = 10  # standard deviations: a unit that is hardly ever active would be all there is
_NUMBERS = {"location": "position", "size": "size"}
_HIDDEN = (64,)
_EPOCHS = 60  # of an MLP; by then its score has settled
_ITERATIONS = 300  # of the logistic regression's solver


@validation.arguments
@torch_defaults()
def probe(
    train_features: Float[Tensor, "n d"],
    train_factors: Factors,
    features: Float[Tensor, "m d"],
    factors: Factors,
    model: str = "linear",
    seed: int = 0,
    wanted: Sequence[str] = FACTORS,
) -> dict[str, float]:
    """Return how much of each factor a model reads from features: 1 all, 0 no more than a guess.

    For each factor, 1 − (error of the model) ÷ (error of the best constant answer), both on
    ``features``, which the model has not seen. The error is the share of wrong labels for shape and
    colour, the mean squared error for location, size and rotation. Rotation is learnt and asked
    among triangles and among squares apart, as a point on the circle that the shape's symmetry
    leaves, and averaged. Features and numbers are standardised on the training images first, after
    more than 256 features have been reduced to their first 256 principal components there; what is
    then farther than 10 standard deviations from the mean is brought that near. A model that
    overfits may score below 0.

    Args:
        train_features, train_factors: what the model learns from, one row an image.
        features, factors: what it is asked about.
        model: one of :data:`PROBES`: logistic and ridge regression, or MLPs.
        seed: of the MLPs' initial weights and batches.
        wanted: the factors that are read, among :data:`neighbors.FACTORS`.

    Raises:
        TypeError, ValueError: for features that are not finite or all the same, unequal numbers of
            features and factors, a factor that does not vary, or an unknown model.

    Examples:
        >>> train, val = (shapes.Factors.draw(300, seed=seed) for seed in (0, 1))
        >>> read = probes.probe(train.position, train, val.position, val)  # the place alone
        >>> read["location"] > 0.99, read["color"] < 0.2
        (True, True)
    """
    validation.one_of("model", model, PROBES)
    validation.at_least("seed", seed, 0)
    for name in wanted:
        validation.one_of("wanted", name, FACTORS)
    for name, some, of in (
        ("train_features", train_features, train_factors),
        ("features", features, factors),
    ):
        validation.finite(name, some)
        if len(some) != len(of):
            raise ValueError(
                f"{name} must be one row for each of {len(of)} images, got {len(some)}"
            )
    if not bool((train_features != train_features[:1]).any()):
        raise ValueError("train_features must differ from image to image, got all the same")
    known, asked = _prepared(train_features, features)

    def read(name: str) -> float:
        if name in ("shape", "color"):
            y, truth = getattr(train_factors, name), getattr(factors, name)
            return _label(known, y, asked, truth, model, seed)
        if name in _NUMBERS:
            y, truth = (_rows(getattr(some, _NUMBERS[name])) for some in (train_factors, factors))
            return _numbers(name, known, y, asked, truth, model, seed)
        turns = []
        for shape in SYMMETRY:
            there, here = train_factors.shape == shape, factors.shape == shape
            y, truth = _turn(train_factors, shape), _turn(factors, shape)
            turns.append(_numbers(name, known[there], y, asked[here], truth, model, seed))
        return float(np.mean(turns))

    return {name: read(name) for name in wanted}


def _prepared(train_features: Tensor, features: Tensor) -> list[np.ndarray]:
    sides = [some.float().numpy() for some in (train_features, features)]
    widest = min(_WIDEST, len(train_features))
    if sides[0].shape[1] > widest:
        reduce = PCA(widest, svd_solver="randomized", random_state=0).fit(sides[0])
        sides = [reduce.transform(side) for side in sides]
    scaler = StandardScaler().fit(sides[0])
    return [scaler.transform(side).clip(-_FARTHEST, _FARTHEST) for side in sides]


def _rows(values: Tensor) -> np.ndarray:
    return values.double().reshape(len(values), -1).numpy()


def _turn(factors: Factors, shape: int) -> np.ndarray:
    """Return the angles of the images of a shape, up to its symmetry, on the unit circle."""
    angle = SYMMETRY[shape] * factors.angle[factors.shape == shape].double()
    return torch.stack([angle.cos(), angle.sin()], 1).numpy()


def _label(
    known: np.ndarray, y: Tensor, asked: np.ndarray, truth: Tensor, model: str, seed: int
) -> float:
    labels, right = y.numpy(), truth.numpy()
    for name, values in (("train_factors", labels), ("factors", right)):
        if len(np.unique(values)) < 2:
            raise ValueError(f"{name} must hold two labels at least of shape and of color, got one")
    learner = (
        LogisticRegression(max_iter=_ITERATIONS)
        if model == "linear"
        else MLPClassifier(hidden_layer_sizes=_HIDDEN, max_iter=_EPOCHS, random_state=seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the plan
        wrong = learner.fit(known, labels).predict(asked) != right
    guess = np.bincount(labels).argmax()
    return float(1 - wrong.mean() / (guess != right).mean())


def _numbers(
    factor: str,
    known: np.ndarray,
    y: np.ndarray,
    asked: np.ndarray,
    truth: np.ndarray,
    model: str,
    seed: int,
) -> float:
    for name, values in (("train_factors", y), ("factors", truth)):
        if len(values) < 2 or not np.ptp(values, axis=0).all():
            raise ValueError(f"{name} must hold images that differ in {factor}, got none")
    scaler = StandardScaler().fit(y)
    learner = (
        Ridge()
        if model == "linear"
        else MLPRegressor(hidden_layer_sizes=_HIDDEN, max_iter=_EPOCHS, random_state=seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        answers = learner.fit(known, scaler.transform(y).squeeze()).predict(asked)
    apart = answers.reshape(len(asked), -1) - scaler.transform(truth)
    return float(1 - np.square(apart).sum() / np.square(scaler.transform(truth)).sum())
