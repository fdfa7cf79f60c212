# usage: typeset.sh FOLDER
# XeLaTeX on what the LaTeX builder wrote to FOLDER, into the folder `print` beside it, where latexmk finds what it
# knows already; after a run that failed or was killed it starts anew. Says every 15 seconds to which page the run has
# come, and of an error where it is.
cd "$1" || exit 1
print=../print
[ -e $print/.under-way ] && rm -r $print
mkdir -p $print && touch $print/.under-way
export LATEXOPTS="$LATEXOPTS" XINDYOPTS="$XINDYOPTS"  # or Perl warns of each line of Sphinx's latexmkrc

echo "Typesetting with XeLaTeX, as often as the references need it"
(   trap 'kill $!; exit' TERM
    # An orphaned sleep must not hold the pipe that a reader of this output waits for.
    while sleep 15 >/dev/null & wait $! && kill -0 $$; do
        page=$(grep -aoE '\[[0-9]+\]' $print/*.log | tail -n 1 | tr -d '[]')
        echo "          … page ${page:-0}"
    done ) 2>/dev/null &
signs=$!
latexmk -xelatex -interaction=nonstopmode -halt-on-error -file-line-error -silent -outdir=$print \
    representation-learning.tex && rm $print/.under-way
kill $signs
[ -e $print/.under-way ] || exit 0
grep -aE -A4 '^[^ ]+:[0-9]+: ' $print/*.log
exit 1
