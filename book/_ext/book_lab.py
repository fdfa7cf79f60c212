"""The lab: what its page needs to run the book's encoders in the browser.

A page whose front matter says ``lab: true`` gets ``lab.css`` and the scripts ``lab-*.js`` of
book/_static. What they run on is written when the site is finished, into its folder _static/lab,
from the very runs that the chapters show:

* ``manifest.js``: which networks there are and which wait, in what file and of how many bytes;
  what images, augmentations and scores are made of; and the source of the page's workers.
* a script for each encoder: its weights in 8 bits, and what it makes of the first ``IMAGES``
  validation images. The decoder and the images' factors have one each.

A page read from the disk may load scripts and nothing else, so tensors travel as a text within
one: safetensors, gzip (whose checksum tells a damaged file), base64.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import importlib.util
import json
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from sphinx.application import Sphinx

from book_progress import alive

STATIC = Path(__file__).resolve().parent.parent / "_static"

IMAGES = 4_000  # validation images among which the page looks for neighbours
AT_ONCE = ("autoencoder", "A", "B", "C")  # loaded with the page; the others when asked for
SCRIPTS = ("draw", "state", "views", "shares", "stage", "rows", "guide", "load", "page")
WORKER = ("tensors", "network", "bank", "worker")


# --- tensors as a script ---------------------------------------------------------------------


def script(name: str, tensors: Mapping[str, Any]) -> str:
    """The script that hands tensors to the page under a name.

    Weights hold no repetition that gzip could find; Huffman's code alone is smaller and faster.
    """
    import safetensors.torch

    raw = safetensors.torch.save({key: value.contiguous() for key, value in tensors.items()})
    gzip = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    text = base64.b64encode(gzip.compress(raw) + gzip.flush()).decode()
    return f"deliver({json.dumps(name)}, {json.dumps(text)});\n"


def weights(half: Any) -> dict[str, Any]:
    """The weights of an encoder or a decoder in 8 bits, as lab-network.js reads them.

    Kernels come as (4, 4, inputs, outputs), matrices as (inputs, outputs): what one input adds to
    all outputs lies side by side. Of the kernel between one pixel and 2 × 2, the rim meets padding
    alone: its middle, (2, 2, inputs, outputs), is all that counts.
    """
    from replearn.engine import quantize
    from replearn.networks import Decoder

    up = isinstance(half, Decoder)
    order = {2: (1, 0), 4: (2, 3, 0, 1) if up else (2, 3, 1, 0)}
    small = {
        name: value.permute(order[value.ndim]) if value.ndim in order else value
        for name, value in quantize.rounded(half.state_dict()).items()
    }
    least = f"convolutions.{0 if up else 5}.weight"
    small[least] = small[least][1:3, 1:3]
    return small


def features(encoder: Any) -> Any:
    """The features (IMAGES, d) in float32 of an encoder whose weights are rounded to 8 bits."""
    import torch

    from replearn.engine import quantize
    from replearn.shapes import ShapesDataset

    val, rounded = ShapesDataset("val"), copy.deepcopy(encoder).cpu()
    rounded.load_state_dict(quantize.restored(quantize.rounded(encoder.state_dict())))
    with torch.no_grad():
        return torch.cat([rounded(val.images(some)) for some in torch.arange(IMAGES).split(250)])


def bank(codes: Any) -> dict[str, Any]:
    """Features (n, d) to look for neighbours among: in 8 bits, and the two axes of their map.

    ``usual`` is the median distance of an image from its nearest neighbour. What has two
    components is its own map, and stays as it is: in 8 bits neighbours would merge.
    """
    import torch

    from replearn import neighbors

    twins = neighbors.nearest(codes, codes, 1, True)[:, 0]
    usual = (codes - codes[twins]).norm(dim=1).median()
    if codes.shape[1] == 2:
        return {"features": codes, "usual": usual[None]}
    mean, scale = codes.mean(0), codes.abs().amax(0).clamp_min(1e-12) / 127
    return {
        "features": (codes / scale).round().to(torch.int8),
        "features.scale": scale,
        "mean": mean,
        "axes": torch.linalg.svd(codes - mean, full_matrices=False).Vh[:2],
        "usual": usual[None],
    }


def encoder_tensors(name: str, run: Any) -> dict[str, Any]:
    """All that the page has to know of an encoder."""
    codes = features(run.encoder)
    if on_circle(name):
        from replearn.theory.circle import onto_circle

        codes = onto_circle(codes)
    return {**weights(run.encoder), **bank(codes)}


def on_circle(name: str) -> bool:
    """Whether of a network's features the circle is all that counts."""
    return name.endswith("onto the circle")


# --- what the page is told ---------------------------------------------------------------------


def runs() -> tuple[dict[str, Any], dict[str, str]]:
    """The runs of the book's networks by name, and what each that is not there waits for."""
    from replearn.course import trained
    from replearn.engine.identity import Unidentifiable

    found, waiting = {}, {}
    for name, network in trained.networks().items():
        try:
            network.task().key()
        except Unidentifiable as reason:
            waiting[name] = f"it is not stored: {reason}"
            continue
        if blank := network.blank():
            waiting[name] = blank
        else:
            found[name] = network.train()  # which the build has seen to: it is in store
    return found, waiting


def images() -> dict[str, Any]:
    """The factors of the images among which the page looks for neighbours."""
    import torch

    from replearn.shapes import ShapesDataset

    table = vars(ShapesDataset("val").factors[slice(IMAGES)])
    return {k: v if v.is_floating_point() else v.to(torch.int8) for k, v in table.items()}


def world() -> dict[str, Any]:
    """What shapes, augmentations and scores are made of: the library's own numbers."""
    from replearn import augmentations, neighbors, ruler, shapes
    from replearn.engine import loops

    gray, jitter = dataclasses.asdict(cast("Any", augmentations.A))["steps"]
    sets = {"A": {"gray": gray["p"], **jitter}}
    for name in "BC":
        sets[name] = dataclasses.asdict(cast("Any", augmentations.SETS[name].augmentation))
    return {
        "luma": loops.LUMA,
        "shapes": shapes.SHAPES,
        "colors": shapes.COLORS,
        "palette": shapes._PALETTE.tolist(),
        "shade": shapes._RGB_NOISE,
        "sizes": shapes._SIZES,
        "symmetry": [1, *neighbors.SYMMETRY.values()],
        "sensitive": ruler.SENSITIVE,
        "sets": {
            name: {key: value for key, value in numbers.items() if key != "name"}
            for name, numbers in sets.items()
        },
    }


def write(folder: Path, cache: Path) -> None:
    """Write all that the page loads into ``folder``; what was computed before is in ``cache``."""
    folder.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    found, waiting = runs()
    files: dict[str, Callable[[], dict[str, Any]]] = {"images": images}
    for name, run in found.items():
        files[name] = lambda name=name, run=run: encoder_tensors(name, run)  # type: ignore[misc]
        if run.decoder is not None:
            files["decoder"] = lambda run=run: weights(run.decoder)  # type: ignore[misc]
    manifest: dict[str, Any] = {"files": {}, "waiting": waiting, "images": IMAGES, **world()}
    manifest["encoders"] = [
        {
            "name": name,
            "normalize": run.encoder.normalize,
            "circle": on_circle(name),
            "atOnce": name in AT_ONCE,
        }
        for name, run in found.items()
    ]
    with alive(lambda: f"the lab: {name}"):
        for name, tensors in files.items():
            text = _remembered(cache, name, found.get(name), tensors)
            file = re.sub(r"\W+", "-", name) + ".js"
            (folder / file).write_text(text, encoding="utf-8")
            manifest["files"][name] = {"file": file, "bytes": len(text)}
    source = "\n".join((STATIC / f"lab-{part}.js").read_text("utf-8") for part in WORKER)
    said = f"const LAB = {json.dumps(manifest)};\nconst LAB_WORKER = {json.dumps(source)};\n"
    (folder / "manifest.js").write_text(said, encoding="utf-8")


def _remembered(cache: Path, name: str, run: Any, tensors: Callable[[], dict[str, Any]]) -> str:
    """The script of a file; an encoder's is computed once for all builds of the same run."""
    if run is None:
        return script(name, tensors())
    import safetensors.torch

    from replearn import tasks

    state = {key: value.cpu().contiguous() for key, value in run.encoder.state_dict().items()}
    digest = hashlib.sha256(safetensors.torch.save(state))
    digest.update(f"{name} {tasks.REVISION} {Path(__file__).read_text('utf-8')}".encode())
    kept = cache / f"{digest.hexdigest()[:16]}.js"
    if not kept.exists():
        kept.write_text(script(name, tensors()), encoding="utf-8")
    return kept.read_text(encoding="utf-8")


# --- the page ------------------------------------------------------------------------------------


def is_lab(context: Mapping[str, Any]) -> bool:
    """Whether a page is the lab."""
    return bool((context.get("meta") or {}).get("lab"))


def add_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add style and scripts to the lab's page alone."""
    if is_lab(context):
        app.add_css_file("lab.css")
        for name in ("lab/manifest.js", *(f"lab-{part}.js" for part in SCRIPTS)):
            app.add_js_file(name, loading_method="defer", priority=900)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write what the page loads beside the finished pages, if this is a book with networks."""
    has_lab = any(about.get("lab") for about in app.env.metadata.values())
    has_networks = importlib.util.find_spec("replearn.course") is not None
    if exception is None and app.builder.format == "html" and has_lab and has_networks:
        out = Path(app.outdir)
        write(out / "_static" / "lab", out.parent / "lab")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; the scripts before the page's policy is put into its head."""
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
