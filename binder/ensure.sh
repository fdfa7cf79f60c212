# usage: ensure.sh LIST THING...
# Makes sure that every THING is there: a program (a|b: one of them), or a font file that TeX finds.
# What is missing is installed from LIST, a file of Debian packages, when apt may be used: as root, or by a sudo that
# asks no password. Otherwise says what to install and ends with an error.
list=$1
shift

missing() {
    for thing; do
        case $thing in
            *.otf) kpsewhich "$thing" >/dev/null 2>&1 || fc-list 2>/dev/null | grep -q "$thing" || echo "$thing" ;;
            *) found=
               for program in $(echo "$thing" | tr '|' ' '); do
                   command -v "$program" >/dev/null && found=yes
               done
               [ -n "$found" ] || echo "$thing" ;;
        esac
    done
}

lacking=$(missing "$@")
[ -z "$lacking" ] && exit 0
packages=$(grep -v '^#' "$list" | tr '\n' ' ')

if command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then as_root=; can=yes
    elif sudo -n true 2>/dev/null; then as_root="sudo -n"; can=yes
    fi
fi
if [ -n "$can" ]; then
    echo "Missing: $(echo $lacking). Installing $packages"
    $as_root apt-get update -qq && \
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
    lacking=$(missing "$@")
    [ -z "$lacking" ] && exit 0
fi

echo "Missing: $(echo $lacking). On Debian or Ubuntu install the packages"
echo "    $packages"
echo "    (sudo apt-get install --no-install-recommends $packages)"
echo "and repeat the command. Elsewhere install their like: for the PDF a TeX Live with XeLaTeX and the"
echo "GNU FreeFont OpenType fonts."
exit 1
