package webclient

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The bundle is committed, so that building Kith needs Go alone. Here it is built anew, in a copy, because the SDK's own
// tests may be building at the same time.
func TestBundleIsWhatTheSDKBuilds(t *testing.T) {
	source, err := filepath.Abs("../../sdk/typescript")
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(source, "node_modules")
	if _, err := os.Stat(modules); err != nil {
		t.Fatal("the npm packages of sdk/typescript are not installed; run `make deps`")
	}
	dir := t.TempDir()
	for _, name := range []string{"src", "scripts"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(source, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"package.json", "tsconfig.json", "tsconfig.build.json", "tsconfig.browser.json"} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "node", "scripts/build.mjs")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the SDK does not build: %v\n%s", err, out)
	}
	built, err := os.ReadFile(filepath.Join(dir, "dist", "kith.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(built, bundle) {
		t.Errorf("kith.min.js (%d bytes) is not what sdk/typescript builds (%d bytes); run `make sdk` and commit it", len(bundle), len(built))
	}
}
