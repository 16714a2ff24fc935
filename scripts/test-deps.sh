#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: a C compiler for the race detector, the PostgreSQL server programs,
# Chromium, nginx, promtool, and the npm packages of the conformance tests and of the TypeScript SDK. Does nothing when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf '%s\n' "$*" >&2; exit 1; }

# The same places that internal/pgtest looks in.
have_postgres() {
  local dir
  for dir in "$(dirname "$(readlink -f "$(command -v initdb || echo /nowhere/initdb)")")" \
    /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
    if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then return 0; fi
  done
  return 1
}

# Runs a command as root: directly, or through sudo where that asks no questions.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif sudo -n true 2>/dev/null; then
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  else
    fail "A program that the tests need is missing, and installing it needs root." \
      "Run as root: apt-get install gcc libc6-dev postgresql chromium nginx-light prometheus"
  fi
}

# apt_install WHAT IF_NO_APT PACKAGES...: installs Debian packages.
apt_install() {
  command -v apt-get >/dev/null || fail "$1: missing, and there is no apt-get here to install it." "$2"
  printf '== installing %s\n' "$1"
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends "${@:3}" </dev/null
}

# install_quietly WHAT IF_NO_APT PACKAGES...: the program only. A policy of Debian keeps the package from starting it as a service.
install_quietly() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then policy=''; fi
  if [ -n "$policy" ]; then
    # shellcheck disable=SC2016 # the inner shell expands it
    as_root sh -c 'printf "#!/bin/sh\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$policy"
    # shellcheck disable=SC2064 # now, while policy is known
    trap "as_root rm -f $policy" EXIT
  fi
  apt_install "$@"
  if [ -n "$policy" ]; then
    as_root rm -f "$policy"
    trap - EXIT
  fi
}

# install_node_packages FOLDER: the npm packages that its lock file names.
install_node_packages() {
  command -v npm >/dev/null ||
    fail "npm is missing. The tests need Node.js 20 or newer with npm; install both and try again."
  if [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ]; then return; fi
  printf '== installing the npm packages of %s\n' "$1"
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error </dev/null)
}

command -v gcc >/dev/null || command -v clang >/dev/null ||
  apt_install 'a C compiler, which the race detector needs' 'Install gcc.' gcc libc6-dev
# Needed even with KITH_TEST_POSTGRES: the tests that crash a server crash one of their own.
if ! have_postgres; then
  apt_install 'PostgreSQL server programs' 'Install PostgreSQL 14 or newer so that initdb and postgres are in PATH.' postgresql
  have_postgres || fail "apt-get installed postgresql, but initdb and postgres are still not to be found."
fi
command -v chromium >/dev/null ||
  apt_install Chromium 'Install it so that chromium is in PATH; the tests drive it without a screen.' chromium
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] ||
  install_quietly nginx 'Install it so that nginx is in PATH or /usr/sbin; the tests start their own.' nginx-light
command -v promtool >/dev/null ||
  install_quietly 'promtool, which tests the alert rules' 'Install Prometheus so that promtool is in PATH.' prometheus
install_node_packages conformance/node
install_node_packages sdk/typescript
