#!/usr/bin/env bash
# Rewrites the golden files of the packages that have an -update flag.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}

dirs=$(grep -rlE --include='*_test.go' --exclude-dir=node_modules 'flag\.Bool\("update"' . | xargs -r -n1 dirname | sort -u) || true
if [ -z "$dirs" ]; then
  printf 'No package has golden files.\n'
  exit 0
fi
for dir in $dirs; do
  "$GO" test -count=1 -run Golden "$dir" -update
done
git --no-pager diff --stat -- '*testdata*' docs/operator-api.json
