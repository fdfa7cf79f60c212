# The book in two commands: `make book` and `make test`. `make help` lists the rest.
# A machine needs Python 3.11 or newer and make; all else is installed into .venv, and TeX, for the
# PDF, by apt where that is allowed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PIP    := -m pip install --quiet --disable-pip-version-check
PDF    := _build/representation-learning.pdf
# As many workers as cores; a file of tests stays with one, so that what its tests share is made once.
PYTEST := $(BIN)/pytest -n logical --dist loadfile --no-loadscope-reorder
JB     := $(BIN)/jupyter-book build . -W --keep-going
ALONE  := $(BIN)/python book/_ext/book_builds.py _build

# Who hands in the PDF: make pdf AUTHOR="..." COLLABORATORS="..., ..." PAPER=letter, or submission.yml.
# What make would expand in a name, a dollar sign, is a letter like any other.
override AUTHOR := $(value AUTHOR)
override COLLABORATORS := $(value COLLABORATORS)
export AUTHOR COLLABORATORS PAPER TRAIN
# instructor

# Where the student edition is written; REPO_URL is the address that its notebooks will install it from.
STUDENT ?= _build/student
# Where programs live that the book does not need.
TOOLS := $(VENV)/tools
RESOLVE := $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
  --custom-compile-command 'make lock' pyproject.toml -
# end

.DEFAULT_GOAL := help
.PHONY: help book html pdf networks notebooks test clean
# instructor
.PHONY: docs student grader soak rehearse publish bench lock audit
# end

help:  ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

book: html pdf  ## the whole book: HTML in _build/html, PDF in _build; TRAIN=1 trains its networks

html: $(STAMP)  ## the pages alone
	$(JB)

# The HTML comes first: a machine without TeX still gets it, then the message of ensure.sh.
pdf: html  ## the PDF (and the pages, whose executed chapters it shares)
	@sh binder/ensure.sh binder/apt.txt latexmk xelatex FreeSerif.otf
	$(JB) --builder latex
	$(ALONE) sh -c 'sh book/_latex/typeset.sh _build/latex && \
	  cp _build/print/representation-learning.pdf $(PDF)'
	@echo "The pages: _build/html/index.html   The PDF: $(PDF)"

networks: $(STAMP)  ## train the networks here, also those that are published; a build then finds them
	$(BIN)/python -m replearn networks --train networks

notebooks: $(STAMP)  ## the chapters as notebooks for Colab, in notebooks
	$(BIN)/python book/_ext/book_notebooks.py

# instructor
student: $(STAMP)  ## the book for students, a tree without the answers, in _build/student
	$(BIN)/python book/_ext/book_student.py $(STUDENT)

grader: $(STAMP)  ## the autograder of the two losses, for Otter-Grader and Gradescope, in _build
	@mkdir -p _build
	PYTHONPATH=book/_ext $(BIN)/python grading/grader.py _build/autograder.zip

test: $(STAMP)  ## style, types and the whole test suite
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@sh binder/ensure.sh binder/apt.txt latexmk xelatex FreeSerif.otf
	@sh binder/ensure.sh tests/apt.txt 'chromium|chromium-browser|google-chrome'
	$(PYTEST)

soak: $(STAMP)  ## faults at random and work repeated (an hour); `make test` leaves them out
	$(PYTEST) -m soak

rehearse: $(STAMP)  ## build the student edition, empty and then filled in, as a student would (minutes)
	@sh binder/ensure.sh binder/apt.txt latexmk xelatex FreeSerif.otf
	$(PYTEST) -m rehearsal

publish: $(STAMP)  ## the trained networks in small files, in networks: the default of every build
	REPLEARN_RECIPE=fast $(BIN)/python -m replearn publish networks

docs: $(STAMP)  ## the tables of docs anew, after a measurement or a new fault
	$(BIN)/python docs/fill.py

bench: $(STAMP)  ## measure against other libraries (40 minutes); see benchmarks
	$(BIN)/python $(PIP) -c constraints.txt -e '.[bench]'
	$(BIN)/python benchmarks/bench.py

# Of both files pyproject.toml is the source. A version stays unless pyproject.toml excludes it, or
# UPGRADE names its package: make lock UPGRADE="torch numpy". setuptools installs the library itself.
lock: $(TOOLS)  ## constraints.txt and requirements.lock anew, after a change of pyproject.toml
	echo setuptools | $(RESOLVE) --all-extras $(UPGRADE:%=-P %) -o constraints.txt
	echo setuptools | $(RESOLVE) --extra docs --extra test --generate-hashes -c constraints.txt \
	  -o requirements.lock

audit: $(TOOLS)  ## look up known vulnerabilities of what requirements.lock pins
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock

# Apart from the book's: they bring packages of their own.
$(TOOLS):
	$(PYTHON) -m venv $@
	$@/bin/python $(PIP) uv pip-audit

# student
# test: $(STAMP)  ## check your two losses, and what they rest on
# 	$(PYTEST)
# end

clean:  ## remove what was built; .venv and stored runs stay
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Installed anew when a requirement changes. pip takes the files of the lock alone, which names all it
# needs; setuptools, one of them, installs the library itself.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --no-deps --require-hashes -r requirements.lock
	$(BIN)/python $(PIP) --no-deps --no-build-isolation -e .
	@touch $@
