#!/usr/bin/env bash
# Runs the checks that need no server: formatting, vet, linters, modules, build.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}

step() { printf '== %s\n' "$*"; }

step gofumpt
unformatted=$("$GO" tool gofumpt -l .)
if [ -n "$unformatted" ]; then
  printf 'These files are not formatted; run: %s tool gofumpt -w .\n%s\n' "$GO" "$unformatted" >&2
  exit 1
fi

step go build
"$GO" build ./...

step go vet
"$GO" vet ./...

step staticcheck
"$GO" tool staticcheck ./...

step go mod tidy
if ! "$GO" mod tidy -diff; then
  printf 'go.mod or go.sum is not tidy; run: %s mod tidy\n' "$GO" >&2
  exit 1
fi

step go mod verify
"$GO" mod verify

step done
