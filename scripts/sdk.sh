#!/usr/bin/env bash
# Builds the TypeScript SDK and puts its bundle where the Go program embeds it. A test of examples/webclient fails when the
# two differ.
set -euo pipefail
cd "$(dirname "$0")/.."

cd sdk/typescript
npm ci --no-audit --no-fund --loglevel=error </dev/null
npm run --silent build
cp dist/kith.min.js ../../examples/webclient/kith.min.js
