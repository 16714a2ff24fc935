package webhook

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The package goes into other people's programs, so it brings nothing along.
func TestImportClosure(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"github.com/kithchat/kith/api", "github.com/kithchat/kith/webhook"}
	if got := strings.Fields(string(out)); !slices.Equal(got, want) {
		t.Errorf("the package needs %v, want %v", got, want)
	}
}

// The program that the documentation opens with compiles as it stands.
func TestProgramOfPackageComment(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(file.Doc.Text(), "\n\n")
	program, _, found := strings.Cut(program, "\n\n# ")
	if !found || !strings.HasPrefix(program, "\tpackage main\n") {
		t.Fatalf("doc.go does not open with a program: %q", program)
	}

	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	// The overlay puts the program into the module without a file there.
	place, err := filepath.Abs("docprogram/main.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{place: source}})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(config, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	// "go list -export" compiles and does not link.
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-overlay", config, "./docprogram")
	if out, err := list.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, program)
	}
}
