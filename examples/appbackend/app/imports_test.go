package app

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// An example must build outside this repository: it imports what is public, and nothing of third parties.
func TestImportClosure(t *testing.T) {
	const format = "{{if not .Standard}}{{.ImportPath}}{{end}}"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, "..").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"github.com/kithchat/kith/api",
		"github.com/kithchat/kith/webhook",
		"github.com/kithchat/kith/examples/appbackend/app",
		"github.com/kithchat/kith/examples/appbackend",
	}
	if got := strings.Fields(string(out)); !slices.Equal(got, want) {
		t.Errorf("the example needs %v, want %v", got, want)
	}
}
