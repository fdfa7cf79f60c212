"""Random encoders of finite groups for hypothesis, and the quiz asked one question at a time."""

import itertools
import math
import operator

import torch
import torch.nn.functional as F
from hypothesis import strategies as st

# From bundles that hardly overlap to features that know nothing of their group.
SPREADS = (0.0, 0.02, 0.1, 0.3, 1.0, 10.0)
DIMENSIONS, NUMBERS, SIZES = st.integers(2, 5), st.integers(2, 4), st.integers(1, 4)
BATCHES = st.integers(2, 12)


@st.composite
def encoders(draw, d=DIMENSIONS, N=NUMBERS, m=SIZES, overlap=False):
    """(features, groups): N groups of m features in ℝᵈ around N random centres; float64.

    With ``overlap`` the groups are drawn from one pool of samples, so that some share some.
    """
    d, N, m = draw(d), draw(N), draw(m)
    spread = draw(st.sampled_from(SPREADS))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    centres = torch.randn(N, 1, d, dtype=torch.float64, generator=generator)
    noise = torch.randn(N, m, d, dtype=torch.float64, generator=generator)
    features = F.normalize(F.normalize(centres, dim=-1) + spread * noise, dim=-1).flatten(0, 1)
    groups = torch.arange(N * m).reshape(N, m)
    if overlap:
        groups = torch.randint(N * m, (N, m), generator=generator)
        i, j = draw(st.permutations(range(N)))[:2]
        groups[j, 0] = groups[i, -1]
    return features, groups


def pairs_of_views(b=BATCHES, d=DIMENSIONS):
    """(z, z_pos): two unrelated (b, d) batches of unit rows; float64."""
    return st.builds(
        lambda b, d, seed: tuple(unit(2, b, d, seed=seed)), b, d, st.integers(0, 2**31)
    )


def unit(*shape, seed=0, dtype=torch.float64, device="cpu"):
    """Random unit vectors."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, dtype=torch.float64, generator=generator)
    return F.normalize(x, dim=-1).to(device, dtype)


def questions(groups):
    """Every question of the quiz: (group i, anchor, (y_1, …, y_N)), all equally likely in i."""
    rows = groups.tolist()
    for i, row in enumerate(rows):
        for anchor in row:
            for candidates in itertools.product(*rows):
                yield i, anchor, candidates


def asked(features, groups):
    """The target and the logits of every question, multiplied out."""
    x = features.tolist()
    for i, anchor, candidates in questions(groups):
        yield i, [sum(map(operator.mul, x[anchor], x[y])) for y in candidates]


def accuracy_by_asking(features, groups, tolerance=1e-12):
    """Share of the questions whose target is the unique largest logit, asked one by one."""
    right = []
    for i, logits in asked(features, groups):
        right.append(all(logits[i] > s + tolerance for j, s in enumerate(logits) if j != i))
    return sum(right) / len(right)


def loss_by_asking(features, groups, tau=1.0):
    """The contrastive loss, its expectation a plain mean over the questions."""
    total = []
    for i, logits in asked(features, groups):
        each = [math.exp(logit / tau) for logit in logits]
        total.append(-math.log(each[i] / sum(each)))
    return sum(total) / len(total)


def distance(u, v):
    """Euclidean distance, coordinate by coordinate."""
    return math.dist(u.tolist(), v.tolist())


def diameter_by_hand(features, group, other=None):
    return max(distance(features[s], features[t]) for s in group for t in other or group)


def margin_by_hand(features, group, other):
    return min(distance(features[s], features[t]) for s in group for t in other)


def clear_of_ties(features, groups, gap=1e-9):
    """Whether no positive and negative of one anchor are within ``gap`` of a tie."""
    similarity = features @ features.T
    for i, group in enumerate(groups):
        others = torch.cat([g for j, g in enumerate(groups) if j != i])
        apart = similarity[group][:, group, None] - similarity[group][:, None, others]
        if apart.abs().min() < gap:
            return False
    return True
