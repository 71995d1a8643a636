# Installs what is missing, and only that. Sourced by services.sh.
# shellcheck shell=bash

# Debian's packages with headers that the build needs.
BUILD_PACKAGES=(libpq-dev libhiredis-dev libnats-dev libssl-dev zlib1g-dev pkg-config)
TOOL_PACKAGES=(curl openssl)

package_is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# apt_install PACKAGE...: one apt-get update per run, and only when something is missing.
apt_updated=
apt_install() {
    have apt-get || die "install these by hand, this is no Debian or Ubuntu: $*"
    say "Installing with apt: $*"
    if [ -z "$apt_updated" ]; then
        as_root apt-get update -q >&2 9>&- || warn "apt-get update failed; trying with the lists that are here"
        apt_updated=1
    fi
    # A package may start services of its own: they must not inherit the lock.
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >&2 9>&- ||
        die "apt could not install: $*"
}

# The newest installed server's programs; Debian keeps them out of PATH.
postgres_bin() {
    local dir
    for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5Vr); do
        if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then
            echo "$dir"
            return 0
        fi
    done
    if have initdb && have postgres; then
        dirname "$(command -v initdb)"
        return 0
    fi
    return 1
}

install_packages() {
    local missing=() package
    if have dpkg-query; then
        for package in "${BUILD_PACKAGES[@]}"; do
            package_is_installed "$package" || missing+=("$package")
        done
    fi
    for package in "${TOOL_PACKAGES[@]}"; do
        have "$package" || missing+=("$package")
    done
    # The servers that the environment gives need not be here; psql makes the tests' databases.
    have psql || missing+=(postgresql-client)
    if [ -z "${DATABASE_URL:-}" ] && ! postgres_bin >/dev/null; then missing+=(postgresql); fi
    if ! have redis-server || ! have redis-cli; then missing+=(redis-server); fi
    [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
}

# A Python that can make virtual environments, 3.10 or later.
venv_python() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            command -v "$python"
            return 0
        fi
    done
    return 1
}

# Made anew when the requirements change or when it was left half done: the stamp is written last.
install_venv() {
    local requirements="$ROOT/Tests/EndToEnd/requirements.txt" stamp="$VENV/.installed" python
    if cmp -s "$requirements" "$stamp" && "$VENV/bin/python" -c 'import httpx, websockets, pytest' 2>/dev/null; then
        return 0
    fi
    python=$(venv_python) || {
        apt_install python3 python3-venv
        python=$(venv_python) || die "no python3 >= 3.10 that can make a virtual environment"
    }
    say "Making the private Python environment (nats-server and the test tools)"
    rm -rf "$VENV"
    mkdir -p "$STATE_ROOT"
    "$python" -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" >&2 ||
        die "pip could not install $requirements"
    cp "$requirements" "$stamp"
}

install_all() {
    mkdir -p "$STATE_ROOT"
    # 'make run' and 'make test' at once share packages and environment: one installs, the other waits.
    # The lock is closed for the children so that nothing they leave behind keeps it.
    exec 8>>"$STATE_ROOT/install.lock"
    flock 8
    install_packages 8>&-
    install_venv 8>&-
    exec 8>&-
}

require_swift() {
    if ! have swift; then
        [ -x /opt/swift/usr/bin/swift ] && PATH="/opt/swift/usr/bin:$PATH" && export PATH
    fi
    have swift || die "there is no 'swift' on PATH: install the Swift 6.2 toolchain or later (https://www.swift.org/install/linux) and try again"
}
