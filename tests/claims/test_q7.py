"""Question 7: what zero reconstruction loss promises, and what it does not."""

import inspect
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from replearn import figures, losses, neighbors, networks, training
from replearn.shapes import COLORS, ShapesDataset
from replearn.theory import lookup_autoencoder as lookup

SEEDS = st.integers(0, 2**31)


@pytest.fixture(scope="module")
def data():
    """Ten training images of each colour; 80 unseen ones: (images, colours) twice."""
    train, val = (ShapesDataset(split, size=1600) for split in ("train", "val"))
    color = train.factors.color
    rows = torch.cat([(color == c).nonzero()[:10, 0] for c in range(len(COLORS))])
    return train.images(rows), color[rows], val.images(range(80)), val.factors.color[:80]


def zero_loss_autoencoders(images, colors):
    """Pairs that differ in all that the objective leaves open."""
    grouped, interleaved = (lookup.grouped(colors), lookup.interleaved(colors))
    rules = {
        "beside": lookup.same_as_nearest_color(images, grouped),
        "one place": lookup.always(grouped[0]),
        "far": lookup.below_all(images, colors, grouped),
    }
    pairs = {n: lookup.LookupAutoencoder(images, grouped, rule) for n, rule in rules.items()}
    rule = lookup.always(interleaved[0])
    pairs["interleaved"] = lookup.LookupAutoencoder(images, interleaved, rule)
    for pair in pairs.values():
        assert losses.reconstruction_loss(images, pair.decode(pair.encode(images))) == 0
    return pairs


@given(seed=SEEDS, n=st.integers(2, 12), codes=st.integers(1, 12))
def test_prop_zero_loss_injective(seed, n, codes):
    """No decoder repairs two images on one code: loss 0 exactly if the codes are distinct."""
    # Whatever the codes, no decoder does better than the mean image of each code.
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n, 3, 2, 2, dtype=torch.float64, generator=generator)
    code = torch.randint(codes, (n,), generator=generator)
    best = torch.stack([images[code == c].mean(0) for c in code])
    loss = float(losses.reconstruction_loss(images, best))
    injective = lookup.decides(code, torch.arange(n))
    assert (loss < 1e-20) == injective
    if injective:
        assert lookup.decides(code, torch.randint(3, (n,), generator=generator)), "any property"


@given(seed=SEEDS, count=st.integers(2, 8), each=st.integers(2, 6))
def test_prop_maybe_distance(seed, count, each):
    """Grouped codes order every triple; interleaved ones fail for every x, y and other colour."""
    order = torch.randperm(count * each, generator=torch.Generator().manual_seed(seed))
    colors = torch.arange(count).repeat_interleave(each)[order]
    grouped, interleaved = (lookup.grouped(colors), lookup.interleaved(colors))
    assert len(grouped.unique()) == len(interleaved.unique()) == len(colors)
    assert lookup.ordered_triples(grouped, colors) == 1
    distance = (interleaved - interleaved.T).abs()
    for x in range(len(colors)):
        same = colors == colors[x]
        same[x] = False
        for other in set(range(count)) - {int(colors[x])}:
            assert distance[x][colors == other].min() < distance[x][same].min()


def test_prop_maybe_unseen_color(data):
    """On real images: zero-loss pairs whose codes of unseen images tell the colour, or not."""
    images, colors, unseen, unseen_colors = data
    pairs = zero_loss_autoencoders(images, colors)
    told = {n: lookup.decides(p.encode(unseen), unseen_colors) for n, p in pairs.items()}
    assert told == {"beside": True, "one place": False, "far": True, "interleaved": False}


def test_prop_maybe_neighbor_color(data):
    """On real images: neighbours tell the colour, or not, once though the code does."""
    images, colors, unseen, unseen_colors = data

    def told(pair):
        near = neighbors.nearest(pair.encode(unseen), pair.encode(images), 10)
        return lookup.decides(colors[near], unseen_colors)

    pairs = zero_loss_autoencoders(images, colors)
    assert told(pairs["beside"])
    assert not told(pairs["one place"])
    assert not told(pairs["far"]), "though its code decides the colour"
    assert lookup.decides(pairs["far"].encode(unseen), unseen_colors)


@given(seed=SEEDS)
def test_prop_background(seed):
    """The background is black, so any code decides it, even a constant one."""
    dataset = ShapesDataset("val", size=200, seed=seed % 1000)
    images = dataset.images(range(len(dataset)))
    # Most pixels are background, whatever is drawn: the median image is black.
    background = images.flatten(2).median(2).values
    assert (background == 0).all()
    codes = torch.randint(3, (len(images), 2), generator=torch.Generator().manual_seed(seed))
    assert lookup.decides(codes, background.sum(1))
    assert lookup.decides(torch.zeros(len(images)), background.sum(1)), "even a constant code"


def test_answer_q7a(data):
    """Over zero-loss pairs the six questions come out yes, yes, both, both, both, yes."""
    images, colors, unseen, unseen_colors = data
    index = torch.arange(len(images))
    found = {question: set() for question in ("i", "ii", "iii", "iv", "v", "vi")}
    for pair in zero_loss_autoencoders(images, colors).values():
        known, new = pair.encode(images), pair.encode(unseen)
        near = colors[neighbors.nearest(new, known, 10)]
        found["i"].add(lookup.decides(known, index))
        found["ii"].add(lookup.decides(known, colors))
        found["iii"].add(lookup.ordered_triples(known, colors) == 1)
        found["iv"].add(lookup.decides(new, unseen_colors))
        found["v"].add(lookup.decides(near, unseen_colors))
        found["vi"].add(lookup.decides(new, unseen[:, :, 0, 0].sum(1)))
    yes, maybe = {True}, {True, False}
    assert found == {"i": yes, "ii": yes, "iii": maybe, "iv": maybe, "v": maybe, "vi": yes}


@pytest.mark.parametrize("seed", range(3))
def test_answer_q7b(seed):
    """The loss against a loop over pixels; its body has at most five lines."""
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(4, 3, 5, 5, dtype=torch.float64, generator=generator) for _ in range(2))
    per_image = []
    for i in range(len(x)):
        places = itertools.product(range(3), range(5), range(5))
        squares = [(y[i][place] - x[i][place]) ** 2 for place in places]
        per_image.append(sum(squares) / len(squares))
    torch.testing.assert_close(losses.reconstruction_loss(x, y), sum(per_image) / len(per_image))
    body = inspect.getsource(losses.reconstruction_loss).split('"""')[-1].strip()
    assert len(body.splitlines()) <= 5


def test_answer_q7c():
    """A trained pair gives both plots: eight queries, ten neighbours each."""
    run = training.train_autoencoder()
    for split in ("train", "val"):
        dataset = ShapesDataset(split, size=800)
        codes = neighbors.embed(run.encoder, dataset)
        queries, near = figures.nn_visualize(dataset, codes).axes
        assert queries.images[0].get_array().shape[0] == near.images[0].get_array().shape[0]
        assert near.images[0].get_array().shape[:2] == (8 * 67 - 3, 10 * 67 - 3)


def test_answer_q7d():
    """Zero loss without any grouping, and grouping without any training."""
    dataset = ShapesDataset("train", size=4800)
    factors = dataset.factors
    images = dataset.images(range(len(dataset)))
    codes = torch.randn(len(images), 128, generator=torch.Generator().manual_seed(0))
    memoriser = lookup.LookupAutoencoder(images, codes, lookup.always(codes[0]))
    some = slice(0, 300)
    decoded = memoriser.decode(memoriser.encode(images[some]))
    assert losses.reconstruction_loss(images[some], decoded) == 0
    assert all(abs(score) < 0.05 for score in neighbors.sensitivity(codes, factors).values())
    torch.manual_seed(0)
    codes = neighbors.embed(networks.Encoder(), dataset, len(dataset))
    untrained = neighbors.sensitivity(codes, factors)
    assert untrained["location"] > 0.5
