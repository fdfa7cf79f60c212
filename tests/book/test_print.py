"""The print: boxes, proofs and figures in their place."""


def test_theorem_proof_and_answer_have_boxes_in_print(tiny_latex):
    box = r"\begin{booktheorem}{theorem}{Theorem~1}{ (Bold Greek)}"
    assert f"{box}{{book/index:" in tiny_latex
    assert tiny_latex.count(r"\begin{bookproof}") == 1
    assert r"\sphinxstyleemphasis{Proof.} Obvious." in tiny_latex
    box, label = r"\begin{bookanswer}{Answer — Question 0 (0 points)}", "book/index:answer-tiny"
    assert rf"{box}\phantomsection\label{{\detokenize{{{label}}}}}" in tiny_latex
    assert "{note}{}" not in tiny_latex, "no box without a title"


def test_print_keeps_figures_in_place_and_its_first_page_has_headings(tiny_latex):
    assert r"\begin{figure}[H]" in tiny_latex
    assert r"\chapter{Introduction}" in tiny_latex
    assert r"\section{Listing}" in tiny_latex


def test_proof_is_marked_once(tiny_page):
    proofs = tiny_page.select("div.proof-text")
    assert [proof.get_text(strip=True) for proof in proofs] == ["Proof.Obvious."]
    assert not tiny_page.select("#proof")
