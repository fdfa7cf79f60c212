"""What a loss value means, against the loss itself."""

import math

import pytest
import torch
import torch.nn.functional as F

from replearn import losses
from replearn.theory import known_factor


@pytest.mark.parametrize("values", [1, 2, 8, 24])
def test_ideal_encoder_agrees_with_info_nce_of_such_an_encoder(values):
    generator = torch.Generator().manual_seed(values)
    directions = torch.eye(values)
    measured = torch.stack(
        [
            losses.info_nce(z, z, tau=0.02)
            for z in directions[torch.randint(values, (400, 64), generator=generator)]
        ]
    )
    error = 4 * float(measured.std()) / math.sqrt(len(measured)) + 1e-5
    ideal = known_factor.ideal_encoder(64, values)
    assert ideal == pytest.approx(float(measured.mean()), abs=error)


def test_the_known_values():
    assert known_factor.constant_encoder(256) == pytest.approx(5.545177)
    assert known_factor.ideal_encoder(256, 1) == pytest.approx(math.log(256))
    assert known_factor.ideal_encoder(256, 8) == pytest.approx(3.4795, abs=1e-4)
    assert known_factor.ideal_encoder(2, 8) == pytest.approx(math.log(2) / 8)


def test_a_lower_temperature_brings_the_loss_down_to_the_guide():
    values = torch.arange(6).repeat_interleave(4)
    angles = values * math.pi / 3
    z = F.normalize(torch.stack([angles.cos(), angles.sin()], 1), dim=1)
    gaps = [float(losses.info_nce(z, z, tau)) - math.log(4) for tau in (1.0, 0.2, 0.05, 0.01)]
    assert gaps == sorted(gaps, reverse=True)
    assert 0 <= gaps[-1] < 1e-5


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="batch must be at least 2"):
        known_factor.constant_encoder(1)
    with pytest.raises(ValueError, match="values must be at least 1"):
        known_factor.ideal_encoder(256, 0)
