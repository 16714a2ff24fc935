#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: a C compiler for the race detector, the PostgreSQL server programs
# and the npm packages of the conformance tests. Does nothing when all is there.
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
      "Run as root: apt-get install gcc libc6-dev postgresql"
  fi
}

install_postgres() {
  if ! command -v apt-get >/dev/null; then
    fail "PostgreSQL server programs are missing, and there is no apt-get here to install them." \
      "Install PostgreSQL 14 or newer so that initdb and postgres are in PATH."
  fi
  printf '== installing the PostgreSQL server programs\n'
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends postgresql </dev/null
}

install_compiler() {
  command -v apt-get >/dev/null || fail "There is no C compiler, which the race detector needs. Install gcc."
  printf '== installing a C compiler\n'
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -qq
  as_root apt-get install -y -qq --no-install-recommends gcc libc6-dev </dev/null
}

install_node_packages() {
  command -v npm >/dev/null ||
    fail "npm is missing. The conformance tests need Node.js 20 or newer with npm; install both and try again."
  if [ conformance/node/node_modules/.package-lock.json -nt conformance/node/package-lock.json ]; then return; fi
  printf '== installing the npm packages of conformance/node\n'
  (cd conformance/node && npm ci --no-audit --no-fund --loglevel=error </dev/null)
}

command -v gcc >/dev/null || command -v clang >/dev/null || install_compiler
# Needed even with KITH_TEST_POSTGRES: the tests that crash a server crash one of their own.
if ! have_postgres; then
  install_postgres
  have_postgres || fail "apt-get installed postgresql, but initdb and postgres are still not to be found."
fi
install_node_packages
