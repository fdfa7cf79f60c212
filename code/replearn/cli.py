"""Train and evaluate from a shell: ``python -m replearn --help``.

``torchrun --nproc-per-node 4 -m replearn train contrastive A`` trains on four processes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from replearn import augmentations, evaluation, training
from replearn.course import trained
from replearn.engine import distributed, store, validation
from replearn.engine.console import say
from replearn.recipes import RECIPES
from replearn.training import Run


@validation.arguments
def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0 if all went well, 1 with a message if not."""
    parser = argparse.ArgumentParser(prog="replearn", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    how = argparse.ArgumentParser(add_help=False)
    how.add_argument("--recipe", choices=RECIPES, help="default: fast, or $REPLEARN_RECIPE")
    how.add_argument("--seed", type=int, default=0)
    how.add_argument("--device", help="default: the best that this machine has")
    for command, what in (
        ("train", "train a network (or load it, if stored) and print what it is"),
        ("score", "the same, with its validation scores"),
    ):
        kinds = commands.add_parser(command, help=what).add_subparsers(dest="kind", required=True)
        kinds.add_parser("autoencoder", parents=[how]).set_defaults(net="autoencoder")
        contrastive = kinds.add_parser("contrastive", parents=[how])
        contrastive.add_argument("net", choices=tuple(augmentations.SETS), help="the augmentation")
    listing = commands.add_parser("runs", help="list the stored runs, or verify that each is whole")
    listing.add_argument("action", nargs="?", choices=("list", "verify"), default="list")
    getting = commands.add_parser("networks", help="see to it that the book's are all in store")
    getting.add_argument("folder", type=Path, help="where the published ones are")
    getting.add_argument("--train", action="store_true", help="train here what is published, too")
    publishing = commands.add_parser("publish", help="write the book's networks in small files")
    publishing.add_argument("folder", type=Path, help="where to")
    options = parser.parse_args(arguments)
    try:
        if options.command == "runs":
            return listed() if options.action == "list" else verified()
        elif options.command == "networks":
            trained.get(options.folder, options.train)
        elif options.command == "publish":
            trained.pack(options.folder)
        else:
            with distributed.joined(options.device) as device:
                run = _trained(options.net, options.recipe, options.seed, device)
                first = distributed.rank() == 0
            if first:
                result = run.facts if options.command == "train" else _scored(run, options.net)
                say(json.dumps(result, indent=2, ensure_ascii=False))
    except (ValueError, OSError, ArithmeticError, MemoryError, RuntimeError) as error:
        say(f"replearn: {error}", error=True)
        return 1
    return 0


def listed() -> int:
    """Print a line for each whole stored run, oldest first; return 0."""
    for facts in store.stored():
        say(f"{facts['key']}  {_about(facts)}")
    return 0


def verified() -> int:
    """Print of each stored run whether it is whole; return 1 if one is not. Changes nothing."""
    found = store.survey()
    for key, facts in found.items():
        about = f"whole    {_about(facts)}" if isinstance(facts, dict) else f"damaged  {facts}"
        say(f"{key}  {about}")
    damaged = sum(isinstance(facts, Exception) for facts in found.values())
    say(f"{len(found) - damaged} of {len(found)} runs in {store.folder()} are whole")
    return int(damaged > 0)


def _about(facts: dict[str, Any]) -> str:
    return (
        f"{facts['finished']}  {facts['label']:<12} {facts['recipe']:<10} "
        f"seed {facts['seed']}  {facts['seconds']:.0f} s on {facts['chip']}"
    )


def _trained(net: str, recipe: str | None, seed: int, device: torch.device) -> Run:
    """Train the autoencoder or on a set of augmentations, or load the stored run."""
    how: dict[str, Any] = {"recipe": recipe, "seed": seed, "device": device}
    if net == "autoencoder":
        return training.train_autoencoder(**how)
    return training.train_contrastive(augmentations.SETS[net].augmentation, **how)


def _scored(run: Run, net: str) -> dict[str, Any]:
    known = augmentations.SETS.get(net)
    return {**run.facts, **evaluation.scores(run, known.augmentation if known else None)}
