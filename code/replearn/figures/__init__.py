"""Pictures of the book: each function takes tensors and returns a matplotlib Figure."""

from replearn.figures.density import circle_densities
from replearn.figures.experiments import seed_dots, traces
from replearn.figures.idea import contrastive_idea, pull_and_push
from replearn.figures.losses import (
    approach_to_limit,
    confidence,
    floor_curves,
    loss_against_scale,
    loss_curves,
    loss_ruler,
    optima_against_floor,
)
from replearn.figures.maps import feature_map
from replearn.figures.margins import (
    arrangements,
    cleared_arc,
    criteria,
    diameter_and_margin,
    features_on_circle,
    read_off,
)
from replearn.figures.neighbors import nn_compare, nn_describe, nn_visualize
from replearn.figures.pairs import dot_against_distance, logits_matrix, positive_pairs
from replearn.figures.scores import layer_accuracy, layer_probes, sensitivity_bars
from replearn.figures.shapes import factor_distribution, image_grid, image_rows, vary
from replearn.figures.sphere import (
    around_the_circle,
    groups_on_circle,
    overlap,
    sphere_counterexample,
    tammes,
    tammes_angles,
)
from replearn.figures.style import placeholder
from replearn.figures.tables import (
    Table,
    factor_table,
    prediction_table,
    score_table,
    seeds_table,
)
from replearn.figures.training import alignment_and_uniformity, loss_curve
