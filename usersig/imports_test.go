package usersig_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// An app backend that signs tickets must not get our dependencies with them.
func TestImportsStandardLibraryOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if got, want := strings.Fields(string(out)), []string{"github.com/kithchat/kith/usersig"}; !slices.Equal(got, want) {
		t.Errorf("packages outside the standard library: %v, want %v", got, want)
	}
}
