# usage: typeset.sh FOLDER
# XeLaTeX on what the LaTeX builder wrote to FOLDER, into the folder `print` beside it, where latexmk finds what it
# knows already; after a run that failed or was killed it starts anew. Says of an error where it is.
cd "$1" || exit 1
print=../print
[ -e $print/.under-way ] && rm -r $print
mkdir -p $print && touch $print/.under-way
latexmk -xelatex -interaction=nonstopmode -halt-on-error -file-line-error -silent -outdir=$print \
    representation-learning.tex && rm $print/.under-way && exit 0
grep -aE -A4 '^[^ ]+:[0-9]+: ' $print/*.log
exit 1
