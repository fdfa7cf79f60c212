"""What the student edition must not hold: text, code and figures of the instructor's alone."""

import json
import re
from collections import Counter

from book_editions import edition

LETTERS = 33  # of a stretch of text that is looked for; a shorter one may be anywhere by chance

# What gives an answer away in whatever words; the question that it answers stands before it.
ANSWERS = {
    "1": r"N\s*&?=\s*K|p_i\s*&?=\s*\\paug",
    "2": r"C\s*&?=\s*N\b|target\}?\s*&?=\s*i\b|\[-1/\\tau",
    "3": r"\\sqrt\{2\s*-\s*2|√\(2\s*−\s*2|2\s*-\s*2\s*\*?\s*\(?dot",
    "4a": r"37\.5|93\.75|perfect_accuracy|worst_question",
    "4b": r"(?i)largest distance|size of (a|the) cluster|gap between (the |two )?clusters",
    "4c": r"(?i)\*\*condition ii\*\*|condition ii is (sufficient|necessary)|counterexample",
    "4d": r"(?i)smaller\W* diameters|larger\W* margins|solve Tammes",
    "4e": r"(?i)shared sample|margin_\{i \\to j\}\(f\) = 0|components_merge|cor-components",
    "5a": r"e\^\{-2\}|exp\(-2|[Ss]harp (floor|bound)|\bthe floor\b|contrastive_floor",
    "5b": r"\\alpha\^2|overflows|naive (loss|.exp)",
    "6": r"f_2\(c\)|\\ve_c|e_c\b|penultimate|dual_encoder",
    "7a": r"(?i)injective|interleaved|memori[sz]",
    "7b": r"\.square\(\)\s*\.mean|mse_loss|\*\* ?2\)\.mean",
    "7d": r"(?i)bottleneck|from \*?continuity|denois|nearly the same place",
    "8a": r"cross_entropy|log_softmax|nll_loss|z @ z_pos",
    "8b": r"\*\*invariant\*\*|\bLOST\b|what stays|(colou?r|position|shape) (is|are) lost",
    "8d": r"(?i)shortcut|weakly sensitive|is easiest|stands? still|two moving views",
}


def letters(text):
    """The letters of a text and nothing else, so that neither layout nor hyphens hide a stretch."""
    return "".join(re.findall(r"[^\W\d_]+", text)).lower()


def stretches(line):
    """The parts of a line between formulas, roles and cells of a table, if they are long enough."""
    for part in re.split(r"\$[^$]*\$|\{[\w:]+\}`[^`]*`|`[^`]*`|\|", line):
        if len(found := letters(part)) >= LETTERS:
            yield found


def gone(root, tree):
    """Stretches of the book's pages and library that the same file of the student edition lacks.

    What several files of the book say is nobody's secret.
    """
    files = [*(root / "book").rglob("*.md"), *(root / "code").rglob("*.py")]
    said = {file: set(_stretches_of(file)) for file in files}
    common = Counter(stretch for some in said.values() for stretch in some)
    found = set()
    for file, some in said.items():
        twin = tree / file.relative_to(root)
        left = letters(twin.read_text(encoding="utf-8")) if twin.exists() else ""
        found |= {one for one in some if common[one] == 1 and one not in left}
    return found


def _stretches_of(file):
    for line in edition(file.read_text(encoding="utf-8"), "instructor").splitlines():
        if not re.match(r"\s*(from|import) ", line):
            yield from stretches(line)


def texts(tree):
    """What every file of a tree says, by name; of a notebook all that is in it."""
    found = {}
    for file in sorted(file for file in tree.rglob("*") if file.is_file()):
        name = file.relative_to(tree).as_posix()
        if file.suffix == ".ipynb":
            found[name] = "\n".join(_strings(json.loads(file.read_text(encoding="utf-8"))))
        elif "__pycache__" not in name:
            found[name] = file.read_text(encoding="utf-8", errors="ignore")
    return found


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inside in value.items():
            yield from (key, *_strings(inside))
    elif isinstance(value, list):
        yield "".join(value) if all(isinstance(one, str) for one in value) else ""
        for inside in value:
            yield from _strings(inside)


def leaks(said, secrets):
    """Where a stretch of ``secrets``, or an answer in any words, stands: a line for each."""
    found = []
    for name, text in said.items():
        plain = letters(text)
        found += [f"{name}: {secret}" for secret in sorted(secrets) if secret in plain]
        for question, pattern in ANSWERS.items():
            if match := re.search(pattern, text):
                around = text[max(0, match.start() - 30) : match.end() + 30]
                found.append(f"{name}: the answer to {question}: {around!r}")
    return found
