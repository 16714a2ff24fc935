package client

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A program that imports the SDK gets these packages and the standard library, no more.
func TestImportClosure(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	got := strings.Fields(string(out))
	slices.Sort(got)
	want := []string{
		"github.com/coder/websocket",
		"github.com/coder/websocket/internal/bpool",
		"github.com/coder/websocket/internal/errd",
		"github.com/coder/websocket/internal/util",
		"github.com/kithchat/kith/api",
		"github.com/kithchat/kith/client",
		"github.com/kithchat/kith/usersig",
	}
	if !slices.Equal(got, want) {
		t.Errorf("packages outside the standard library:\n%q, want\n%q", got, want)
	}
}
