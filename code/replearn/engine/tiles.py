"""The few nearest rows of a bank, found while a tile of the products is still in the cache.

A query's nearest rows are those of the largest closeness q·b − ‖b‖²/2, since
‖q − b‖² = ‖q‖² − 2 (q·b − ‖b‖²/2).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from replearn.engine.loops import compiled, inlined

_TILE = 1024  # rows and columns of a tile
_BLOCK = 64  # products that one test covers: is any of them close enough?
_NONE = np.uint32(0)  # "false", as wide as a product: else the loop is not vectorised


def few_nearest(
    queries: Tensor, bank: Tensor, half_squares: Tensor, k: int, exclude_self: bool
) -> Tensor:
    """Return the rows of ``bank`` nearest to each query, (q, k), near to far.

    If the bank asks for its own neighbours, the tile (j, i) is the transpose of the tile (i, j), so
    half of the products suffice.

    Args:
        queries, bank: (q, d) and (n, d), float32 on the CPU; one and the same tensor if the bank
            asks for its own neighbours.
        half_squares: (n,) ‖b‖²/2.
        k: number of neighbours; meant for dozens.
        exclude_self: query i is row i of the bank, and not its own neighbour.
    """
    alone = queries is bank
    best = queries.new_full((len(queries), k), -math.inf)  # closeness, the largest first
    where = torch.zeros(len(queries), k, dtype=torch.int64)
    room = bank.new_empty(_TILE * _TILE)  # allocated once: doing so at every tile takes time
    for i in range(0, len(queries), _TILE):
        some = queries[i : i + _TILE]
        for j in range(i if alone else 0, len(bank), _TILE):
            others = bank[j : j + _TILE]
            size = len(some), len(others)
            products = torch.mm(some, others.T, out=room[: math.prod(size)].view(size))
            if exclude_self and i == j:
                products.fill_diagonal_(-math.inf)
            tile = *(t.numpy() for t in (best, where, products, half_squares)), i, j
            _keep_of_rows(*tile)
            if alone and i != j:
                _keep_of_columns(*tile)
    return where


@compiled
def _keep_of_rows(best, where, products, half_squares, i, j):
    """Update the best of the queries that are a tile's rows."""
    rows, columns = products.shape
    last = best.shape[1] - 1
    for row in range(rows):
        beaten = best[i + row, last]
        for first in range(0, columns, _BLOCK):
            some = products[row, first : first + _BLOCK]
            lowered = half_squares[j + first : j + first + len(some)]
            closer = _NONE
            for k in range(len(some)):
                closer |= np.uint32(some[k] - lowered[k] > beaten)
            if closer:
                for k in range(len(some)):
                    closeness = some[k] - lowered[k]
                    if closeness > beaten:
                        _insert(best, where, i + row, closeness, j + first + k)
                        beaten = best[i + row, last]


@compiled
def _keep_of_columns(best, where, products, half_squares, i, j):
    """Update the best of the queries that are a tile's columns."""
    rows, columns = products.shape
    last = best.shape[1] - 1
    worst = best[j : j + columns, last].copy()
    for row in range(rows):
        lowered = half_squares[i + row]
        for first in range(0, columns, _BLOCK):
            some = products[row, first : first + _BLOCK]
            beaten = worst[first : first + len(some)]
            closer = _NONE
            for k in range(len(some)):
                closer |= np.uint32(some[k] - lowered > beaten[k])
            if closer:
                for k in range(len(some)):
                    closeness = some[k] - lowered
                    if closeness > beaten[k]:
                        _insert(best, where, j + first + k, closeness, i + row)
                        beaten[k] = best[j + first + k, last]


@inlined
def _insert(best, where, row, closeness, index):
    place = best.shape[1] - 1
    while place > 0 and closeness > best[row, place - 1]:
        best[row, place], where[row, place] = best[row, place - 1], where[row, place - 1]
        place -= 1
    best[row, place], where[row, place] = closeness, index
