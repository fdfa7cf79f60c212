"""Scores on unseen images: the plain mean of the plain losses."""

import math

import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from replearn import augmentations, evaluation, losses, neighbors, networks, probes
from replearn.engine import devices
from replearn.networks import Decoder, Encoder
from replearn.shapes import ShapesDataset
from replearn.theory import circle
from replearn.training import Run


@pytest.fixture(autouse=True)
def narrow_and_exact(monkeypatch):
    """Small networks that compute in float32 whatever the processor has."""
    monkeypatch.setattr(networks, "_WIDTHS", (3, 4, 4, 8, 8, 8))
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    torch.manual_seed(0)


def run_of(encoder, decoder=None):
    facts = {"label": "tiny", "seed": 0}
    return Run(encoder, decoder, {"loss": torch.zeros(1)}, "tiny", 1.0, facts)


@pytest.fixture
def autoencoder():
    return run_of(Encoder(4), Decoder(4))


@pytest.fixture
def contrastive():
    return run_of(Encoder(4, normalize=True))


def test_an_autoencoders_score_is_its_mean_squared_error(autoencoder):
    images = ShapesDataset("val").images(range(24))
    with torch.no_grad():
        expected = (autoencoder.decoder(autoencoder.encoder(images)) - images).square().mean()
    got = evaluation.validation_loss(autoencoder, batches=3, batch=8)
    assert got == pytest.approx(float(expected), rel=1e-5)


def test_a_contrastive_score_is_the_mean_loss_of_fresh_views(contrastive):
    val, source = ShapesDataset("val"), torch.Generator().manual_seed(7)
    expected = []
    for start in (0, 16):
        images = val.images(range(start, start + 16))
        with torch.no_grad(), devices.autocast(torch.device("cpu")):
            z, z_pos = (contrastive.encoder(augmentations.A(images, source)) for _ in range(2))
        expected.append(float(losses.info_nce(z, z_pos, 0.01)))
    how = {"tau": 0.01, "batches": 2, "batch": 16}
    first, again, other = (
        evaluation.validation_loss(contrastive, augmentations.A, **how, seed=seed)
        for seed in (7, 7, 8)
    )
    assert first == pytest.approx(sum(expected) / 2, rel=1e-5)
    assert first == again != other


def test_a_constant_encoder_scores_log_b():
    class Constant(Encoder):
        def forward(self, images):
            return super().forward(images) * 0 + torch.tensor([0.6, 0.8])

    run = run_of(Constant(2, normalize=True))
    got = evaluation.validation_loss(run, augmentations.B, batches=1, batch=32)
    assert got == pytest.approx(math.log(32), rel=1e-5)


def test_scoring_leaves_no_gradients(contrastive):
    evaluation.validation_loss(contrastive, augmentations.A, batches=1, batch=4)
    assert all(p.grad is None for p in contrastive.encoder.parameters())


@pytest.mark.parametrize("kind", ["autoencoder", "contrastive"])
def test_scores_are_the_loss_and_the_sensitivities(kind, request, monkeypatch, runs_folder):
    run = request.getfixturevalue(kind)
    val = ShapesDataset("val", size=800)
    monkeypatch.setattr(evaluation, "ShapesDataset", lambda split: val)
    told = lambda run, augmentation, *, loss: (run, augmentation, loss)  # noqa: E731
    monkeypatch.setattr(evaluation, "validation_loss", told)
    augmentation = None if kind == "autoencoder" else augmentations.A
    scores = evaluation.scores(run, augmentation, loss=circle.info_nce_on_circle)
    assert scores["validation_loss"] == (run, augmentation, circle.info_nce_on_circle)
    features = neighbors.embed(run.encoder, val)
    assert scores["sensitivity"] == neighbors.sensitivity(features, val.factors)


def test_features_are_computed_once_for_each_encoder(contrastive, monkeypatch, runs_folder):
    val = ShapesDataset("val", size=80)
    monkeypatch.setattr(evaluation, "ShapesDataset", lambda split: val)
    expected = neighbors.embed(contrastive.encoder, val)
    assert torch.equal(evaluation.features(contrastive), expected)
    monkeypatch.setattr(ShapesDataset, "images", None)  # nothing is embedded again
    assert torch.equal(evaluation.features(contrastive), expected)


@pytest.mark.parametrize("changed", ["weights", "normalize", "data", "precision"])
def test_other_encoders_images_or_digits_have_features_of_their_own(
    changed, contrastive, monkeypatch, runs_folder
):
    val = ShapesDataset("val", size=80)
    monkeypatch.setattr(evaluation, "ShapesDataset", lambda split: val)
    before = evaluation.features(contrastive)
    if changed == "weights":
        contrastive.encoder.linear.bias.data += 1
    elif changed == "normalize":
        contrastive.encoder.normalize = False
    elif changed == "data":
        val = ShapesDataset("val", size=80, seed=1)
    else:
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    after = evaluation.features(contrastive)
    assert torch.equal(after, neighbors.embed(contrastive.encoder, val))
    assert not torch.equal(after, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batches": 0}, "batches must be at least 1, got 0"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"batches": 94}, "batches of 256 must be at most 93, got 94"),
        ({"tau": 0.0}, r"tau must be a finite number above 0, got 0\.0"),
    ],
)
def test_bad_arguments_are_refused(contrastive, arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluation.validation_loss(contrastive, augmentations.A, **arguments)


def test_the_augmentation_must_fit_the_run(autoencoder, contrastive):
    with pytest.raises(ValueError, match=r"augmentation must be the one a contrastive run .*None$"):
        evaluation.validation_loss(contrastive)
    with pytest.raises(ValueError, match=r"and None for an autoencoder, got .*name='B'"):
        evaluation.validation_loss(autoencoder, augmentations.B)


def test_layer_accuracies_are_those_of_scikit_learns_nearest_neighbour(autoencoder):
    val = ShapesDataset("val", size=800)
    encoder = autoencoder.encoder
    found = evaluation.layer_accuracies(encoder, val, limit=120)
    with torch.no_grad():
        layers = [val.images(range(120)), *encoder.layers(val.images(range(120)))]
    assert len(layers) == len(evaluation.LAYERS)
    for factor in ("color", "shape"):
        labels = getattr(val.factors, factor)[:120]
        for accuracy, layer in zip(found[factor], layers, strict=True):
            search = NearestNeighbors(n_neighbors=1).fit(layer.flatten(1).double())
            (twins,) = search.kneighbors(return_distance=False).T  # without the query itself
            expected = float((labels == labels[torch.from_numpy(twins)]).double().mean())
            assert accuracy == pytest.approx(expected, abs=0.02)  # a tie or two


def test_an_encoder_of_the_colour_has_neighbours_of_its_colour():
    class Brightest(Encoder):
        def layers(self, images):
            return [images.amax((2, 3))] * 7

    val = ShapesDataset("val", size=4000)
    found = evaluation.layer_accuracies(Brightest(4), val, limit=1500)
    assert min(found["color"][1:]) > 0.99
    assert max(found["shape"][1:]) < 0.45  # one third by chance


@pytest.mark.parametrize(
    ("limit", "message"),
    [(1, "limit must be at least 2, got 1"), (301, "limit must be at most 300, got 301")],
)
def test_layer_accuracies_refuse_other_limits(autoencoder, limit, message):
    with pytest.raises(ValueError, match=message):
        evaluation.layer_accuracies(autoencoder.encoder, ShapesDataset("val", size=800), limit)


# --- principal components, and probes of an encoder ------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 5])
def test_principal_components_are_scikit_learns(count):
    torch.manual_seed(0)
    features = torch.randn(200, 5) @ torch.randn(5, 5) + 7
    coordinates, shares = evaluation.principal_components(features, count)
    known = PCA(count).fit(features.numpy())
    torch.testing.assert_close(shares, torch.from_numpy(known.explained_variance_ratio_))
    expected = torch.from_numpy(known.transform(features.numpy()))
    torch.testing.assert_close(coordinates.abs(), expected.abs(), atol=1e-3, rtol=1e-3)
    # The same way round whatever the library's sign: towards the largest component.
    flipped, _ = evaluation.principal_components(features.flip(0), count)
    torch.testing.assert_close(flipped.flip(0), coordinates, atol=1e-3, rtol=1e-3)


def test_a_direction_points_to_its_largest_component():
    features = torch.tensor([[-1.0, 0.1], [1.0, -0.1], [3.0, -0.3]])
    coordinates, shares = evaluation.principal_components(features, 1)
    assert coordinates[:, 0].tolist() == sorted(coordinates[:, 0].tolist())
    assert shares.tolist() == pytest.approx([1])


@pytest.mark.parametrize(
    ("features", "count", "message"),
    [
        (torch.rand(9, 3), 0, "count must be at least 1"),
        (torch.rand(9, 3), 4, "count must be at most 3, got 4"),
        (torch.ones(9, 3) / 3, 2, "features must differ from image to image"),
        (torch.full((9, 3), math.nan), 2, "features must be finite"),
    ],
)
def test_what_has_no_principal_components_is_refused(features, count, message):
    with pytest.raises(ValueError, match=message):
        evaluation.principal_components(features, count)


def test_an_encoder_is_probed_on_images_that_the_probe_has_not_seen(monkeypatch):
    def encoder(images):
        return images.amax((2, 3))  # the colour, nearly

    scores = evaluation.probed(encoder, known=600, asked=300)
    train, val = (ShapesDataset(split) for split in ("train", "val"))
    sides = (
        neighbors.embed(encoder, train, 600),
        train.factors[:600],
        neighbors.embed(encoder, val, 300),
        val.factors[:300],
    )
    assert scores == probes.probe(*sides)
    assert scores["color"] > 0.9
    assert scores["location"] < 0.1


def test_a_constant_encoder_tells_a_probe_nothing():
    scores = evaluation.probed(lambda images: torch.ones(len(images), 2), known=30, asked=30)
    assert scores == dict.fromkeys(neighbors.FACTORS, 0.0)
