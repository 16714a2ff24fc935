#!/usr/bin/env bash
# Runs all tests and says which parts ran. No test of this repository skips (internal/lint holds that), so a package that
# passed ran all it has.
set -euo pipefail
cd "$(dirname "$0")/.."
GO=${GO:-go}
TEST_TIMEOUT=${TEST_TIMEOUT:-15m}
MODULE=$("$GO" list -m)

log=$(mktemp)
trap 'rm -f "$log"' EXIT

status=0
"$GO" test -race -count=1 -timeout "$TEST_TIMEOUT" ./... 2>&1 | tee "$log" || status=$?

# part NAME PACKAGE: one line of the summary, from the package's own result line.
part() {
  local result='not in this tree'
  if grep -q "^ok[[:space:]]*$MODULE/$2[[:space:]]" "$log"; then
    result=passed
  elif grep -q "^FAIL[[:space:]]*$MODULE/$2[[:space:]]" "$log"; then
    result=FAILED
  fi
  printf '  %-38s %s\n' "$1" "$result"
}

if [ -n "${KITH_TEST_POSTGRES:-}" ]; then
  postgres='the server of KITH_TEST_POSTGRES'
else
  postgres='a throw-away cluster'
fi
printf '\n== parts that ran (PostgreSQL: %s)\n' "$postgres"
part 'house rules' internal/lint
part 'store on SQLite and PostgreSQL' internal/store
part 'whole server' internal/server
part 'gateway' internal/gateway
part 'faults, and a short soak' internal/proof
part 'Go SDK' client
part "TypeScript SDK (node $(node --version))" sdk/typescript
part 'web page in Chromium' cmd/kith/internal/demo
part 'the kith command' cmd/kith
part "conformance (node $(node --version))" conformance
exit "$status"
