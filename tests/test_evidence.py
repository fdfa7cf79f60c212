"""Claims: a false sentence stops the build, and a smoke build says that it is one."""

import pytest
import torch

from replearn import evidence


@pytest.mark.parametrize("recipe", ["fast", "reference", "smoke"])
def test_a_claim_that_holds_is_printed(monkeypatch, capsys, recipe):
    monkeypatch.setenv("REPLEARN_RECIPE", recipe)
    evidence.claim("A forgets colour.", torch.tensor(0.04) < 0.05)
    assert capsys.readouterr().out == "✓ A forgets colour.\n"


@pytest.mark.parametrize("recipe", ["fast", "reference", "", None])
def test_a_claim_that_fails_stops_the_cell(monkeypatch, capsys, recipe):
    if recipe is None:
        monkeypatch.delenv("REPLEARN_RECIPE", raising=False)
    else:
        monkeypatch.setenv("REPLEARN_RECIPE", recipe)
    with pytest.raises(evidence.ClaimFailed, match=r"^A forgets colour\.$"):
        evidence.claim("A forgets colour.", False)
    assert capsys.readouterr().out == ""


def test_a_claim_that_fails_in_a_smoke_build_is_reported(monkeypatch, capsys):
    monkeypatch.setenv("REPLEARN_RECIPE", "smoke")
    evidence.claim("A forgets colour.", False)
    out = capsys.readouterr().out
    assert out.startswith("✗")
    assert "smoke" in out
    assert "A forgets colour." in out
