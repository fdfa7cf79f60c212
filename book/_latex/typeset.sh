# usage: typeset.sh FOLDER
# XeLaTeX on what the LaTeX builder wrote to FOLDER; says of an error where it is.
cd "$1" || exit 1
latexmk -xelatex -interaction=nonstopmode -halt-on-error -file-line-error -silent \
    representation-learning.tex && exit 0
grep -aE -A4 '^[^ ]+:[0-9]+: ' ./*.log
exit 1
