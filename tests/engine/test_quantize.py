"""Weights in 8 bits: near enough to the original, row by row."""

import pytest
import torch

from replearn.engine import quantize

WEIGHTS = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(0))
TENSORS = {
    "history.loss": torch.linspace(3, 1, 7),
    "encoder.weight": WEIGHTS * torch.logspace(-3, 3, 5).view(-1, 1, 1, 1),
    "encoder.bias": torch.arange(5.0),
}


def test_no_weight_moves_by_more_than_half_a_step_of_its_row():
    small = quantize.rounded(TENSORS)
    back = quantize.restored(small)
    assert back.keys() == TENSORS.keys()
    assert small["encoder.weight"].dtype == torch.int8
    weights, moved = TENSORS["encoder.weight"], back["encoder.weight"] - TENSORS["encoder.weight"]
    step = weights.flatten(1).abs().amax(1) / 127
    assert (moved.flatten(1).abs().amax(1) <= 0.5001 * step).all()
    assert (moved.flatten(1).abs().amax(1) >= 0.2 * step).all()  # the scale is the row's own


def test_vectors_and_the_largest_of_a_row_stay_as_they_are():
    back = quantize.restored(quantize.rounded(TENSORS))
    for name in ("history.loss", "encoder.bias"):
        assert torch.equal(back[name], TENSORS[name])
    largest = [tensors["encoder.weight"].flatten(1).abs().amax(1) for tensors in (back, TENSORS)]
    torch.testing.assert_close(*largest)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_rounded(value):
    with pytest.raises(ValueError, match=r"tensors\['w'\] must be finite"):
        quantize.rounded({"w": torch.full((2, 3), value)})


def test_a_row_of_zeros_stays_one():
    back = quantize.restored(quantize.rounded({"w": torch.zeros(2, 3)}))
    assert torch.equal(back["w"], torch.zeros(2, 3))
