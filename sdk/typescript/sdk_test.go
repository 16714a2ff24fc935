package typescript_test

import (
	"os"
	"os/exec"
	"testing"
)

// TestSDK runs `npm test`: types, build, size of the bundle, and all tests that need no server.
func TestSDK(t *testing.T) {
	lookPackages(t)
	npm := exec.Command("npm", "test", "--silent")
	npm.Env = environment()
	t.Logf("%s", run(t, npm))
}

// lookPackages fails t unless Node.js and the npm packages are there.
func lookPackages(t *testing.T) {
	t.Helper()
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%s is missing: install Node.js 20 or newer, with npm", name)
		}
	}
	if _, err := os.Stat("node_modules/vitest"); err != nil {
		t.Fatal("the npm packages of sdk/typescript are missing: run `make deps`")
	}
}

// environment is all that a run of Node.js gets: a proxy set for this machine would swallow its requests.
func environment(more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "CI=true", "NO_COLOR=1"}, more...)
}

// run runs a command to its end and returns what it printed. It fails t, with that, unless the command succeeds.
func run(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return out
}
