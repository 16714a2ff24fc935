#!/usr/bin/env bash
# Rewrites the golden files of the packages that have an -update flag.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}

grep -rlE --include='*_test.go' --exclude-dir=node_modules 'flag\.Bool\("update"' . |
  xargs -r -n1 dirname | sort -u | xargs -r -I{} "$GO" test -count=1 -run Golden {} -update
git --no-pager diff --stat -- '*testdata*'
