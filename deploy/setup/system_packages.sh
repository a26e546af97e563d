#!/bin/sh
# Installs the system programs that the tests start: only what is missing, and only where it may
# (Debian or Ubuntu, as root or with password-less sudo). Elsewhere it says what is missing and
# leaves: the tests concerned are skipped with their reason, or fail when CI=true.
#
# Usage: system_packages.sh [PACKAGE...]     without arguments: everything the tests need
set -eu

log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf '   %s\n' "$*"; }

has() { command -v "$1" >/dev/null 2>&1; }

has_postgres() {
    for bin in /usr/lib/postgresql/*/bin; do
        version=$(basename "$(dirname "$bin")")
        if [ -x "$bin/initdb" ] && [ "${version%%.*}" -ge 15 ] 2>/dev/null; then return 0; fi
    done
    has initdb && has postgres && [ "$(initdb --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -ge 15 ]
}

has_font() {
    ls /usr/share/fonts/*/"$1" >/dev/null 2>&1
}

list_missing() {
    has_postgres || printf 'postgresql '
    has radosgw || printf 'radosgw '
    has ceph-mon || printf 'ceph-mon '
    has ceph-osd || printf 'ceph-osd '
    { has ceph && has radosgw-admin; } || printf 'ceph-common '
    has bwrap || printf 'bubblewrap '
    has openssl || printf 'openssl '
    has chromium || printf 'chromium '
    has setpriv || printf 'util-linux '
    has_font wqy/wqy-microhei.ttc || printf 'fonts-wqy-microhei '
    has_font droid/DroidSansFallbackFull.ttf || printf 'fonts-droid-fallback '
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    has apt-get && { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }
}

install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 && return
    tail -n 20 "$log" >&2
    say "$* could not be installed"
}

# The tests run clusters of their own in temporary folders. Debian's package would also make one
# that starts at boot; hold it back while the package is installed, then leave no trace.
install_postgres() {
    package=$(apt-cache search --names-only '^postgresql-[0-9]+$' | sed 's/ .*//' \
        | awk -F- '$2 >= 15 { print $2 }' | sort -n | head -n 1)
    if [ -z "$package" ]; then
        say "no PostgreSQL 15 or newer in this system's package lists"
        return
    fi
    install postgresql-common
    hold=/etc/postgresql-common/createcluster.d/tiezheng-tests.conf
    as_root mkdir -p "$(dirname "$hold")"
    printf 'create_main_cluster = false\n' | as_root tee "$hold" >/dev/null
    install "postgresql-$package"
    as_root rm -f "$hold"
}

missing=${*:-$(list_missing)}
missing=${missing% }
[ -n "$missing" ] || exit 0
if ! may_install; then
    say "missing on this system: $missing"
    exit 0
fi
say "installing system packages: $missing"
as_root apt-get update -qq >/dev/null 2>&1 || say "apt-get update failed; trying with the old lists"
for package in $missing; do
    case $package in
        postgresql) install_postgres ;;
        *) install "$package" ;;
    esac
done
