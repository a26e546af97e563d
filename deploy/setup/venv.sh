#!/bin/sh
# Makes .venv from the hash-locked requirements. Does nothing while they are unchanged.
#
# Environment: PYTHON names the interpreter (3.11 or newer; default: the newest found).
set -eu
cd "$(dirname "$0")/../.."

venv=.venv
stamp=$venv/.tiezheng-installed

say() { printf '   %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if new_enough "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer is needed; name it with PYTHON=..."
}

make_venv() {
    python=$(find_python)
    say "making $venv"
    "$python" -m venv "$venv" >/dev/null 2>&1 && return
    # Debian ships the module that venv needs in a package of its own.
    sh deploy/setup/system_packages.sh python3-venv
    "$python" -m venv --clear "$venv" || die "could not make $venv (is python3-venv there?)"
}

find_uv() {
    if [ -x "$venv/bin/uv" ]; then printf '%s' "$venv/bin/uv"; else command -v uv || true; fi
}

install_locked() {
    uv=$(find_uv)
    if [ -n "$uv" ] && "$uv" pip install --quiet --python "$venv/bin/python" \
        --require-hashes -r requirements/dev.txt; then
        return
    fi
    "$venv/bin/python" -m pip install -qq --no-input --disable-pip-version-check \
        --retries 5 --require-hashes -r requirements/dev.txt
}

install_project() {
    "$venv/bin/python" -m pip install -qq --no-input --disable-pip-version-check \
        --no-deps --no-build-isolation --editable .
}

new_enough "$venv/bin/python" || make_venv
want=$({ "$venv/bin/python" --version; pwd; cat requirements/*.in requirements/dev.txt pyproject.toml; } \
    | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then
    exit 0
fi
say "installing Python packages"
install_locked
install_project
printf '%s\n' "$want" >"$stamp"
