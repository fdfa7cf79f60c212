"""Likely mistakes in the two losses that students write, and the check that each must fail."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F


class Mistake(NamedTuple):
    """A wrong loss: its function, the title of the one check that finds it, and a hint."""

    loss: Callable
    question: str
    title: str
    hint: str


def _cross_entropy(logits):
    return F.cross_entropy(logits, torch.arange(len(logits)))


def missing_tau(z, z_pos, tau=0.07):
    return _cross_entropy(z @ z_pos.T)


def times_tau(z, z_pos, tau=0.07):
    return _cross_entropy(z @ z_pos.T * tau)


def both_ways(z, z_pos, tau=0.07):
    logits = z @ z_pos.T / tau
    return (_cross_entropy(logits) + _cross_entropy(logits.T)) / 2


def by_columns(z, z_pos, tau=0.07):
    return _cross_entropy(z_pos @ z.T / tau)


def columns_normalised(z, z_pos, tau=0.07):
    return _cross_entropy(F.normalize(z, dim=0) @ F.normalize(z_pos, dim=0).T / tau)


def not_normalised(z, z_pos, tau=0.07):
    return _cross_entropy(4 * z @ z_pos.T / tau)


def labels_off(z, z_pos, tau=0.07):
    return F.cross_entropy(z @ z_pos.T / tau, (torch.arange(len(z)) + 1) % len(z))


def sum_over_pixels(images, reconstructions):
    return (reconstructions - images).square().sum((1, 2, 3)).mean()


def sum_over_everything(images, reconstructions):
    return (reconstructions - images).square().sum()


def not_squared(images, reconstructions):
    return (reconstructions - images).abs().mean()


def detached(images, reconstructions):
    return torch.tensor(float((reconstructions - images).square().mean()))


MISTAKES = (
    Mistake(missing_tau, "8a", "the temperature counts", "where is tau"),
    Mistake(times_tau, "8a", "the temperature counts", "divided by tau"),
    Mistake(both_ways, "8a", "an anchor chooses in its row", "not over both"),
    Mistake(by_columns, "8a", "an anchor chooses in its row", "not over col"),
    Mistake(columns_normalised, "8a", "features stay unit vectors", r"each row \(dim=1\)"),
    Mistake(not_normalised, "8a", "features stay unit vectors", "come in with norm 1"),
    Mistake(labels_off, "8a", "the partner of row i is row i", "target of row i is i"),
    Mistake(sum_over_pixels, "7b", "a mean, not a sum", "sum over pixels"),
    Mistake(sum_over_everything, "7b", "a mean, not a sum", "everything"),
    Mistake(not_squared, "7b", "errors are squared", "four times"),
    Mistake(detached, "7b", "one number, 0 where there is no error", ""),
)
