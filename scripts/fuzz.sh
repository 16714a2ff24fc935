#!/usr/bin/env bash
# Runs every fuzz target, one after the other, for FUZZ_TIME each.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
FUZZ_TIME=${FUZZ_TIME:-20s}

grep -rHoE --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]*' . | sort |
  while IFS=: read -r file func; do
    target=${func#func }
    printf '== %s in %s\n' "$target" "$(dirname "$file")"
    "$GO" test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZ_TIME" "$(dirname "$file")" </dev/null
  done
