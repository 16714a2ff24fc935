package conformance

import (
	"os"
	"os/exec"
	"testing"
)

// TestSignaturesByNode holds the signatures that package webhook must make to what the official library for JavaScript and
// Node.js itself compute.
func TestSignaturesByNode(t *testing.T) {
	vectors := exec.Command(lookNode(t), "--test-reporter=spec", "signature.test.mjs")
	vectors.Dir = "node"
	vectors.Env = []string{"PATH=" + os.Getenv("PATH")}
	run(t, vectors)
}
