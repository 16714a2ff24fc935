package lint

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	module = "github.com/kithchat/kith"
	// root is the top of the repository, seen from this package's folder, where its tests run.
	root = "../.."
)

// listed is what `go list -json` says about a package, as far as the rules need it.
type listed struct {
	ImportPath string
	Dir        string
	Doc        string
	Standard   bool
	GoFiles    []string
	Imports    []string // of the package, not of its tests
}

// name is the package's path inside the module; "" is the top.
func (p listed) name() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// goList runs `go list` at the top of the repository.
func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Doc,Standard,GoFiles,Imports"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%s: %v\n%s", cmd, err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// ours lists the packages of the module.
func ours(t *testing.T) []listed {
	t.Helper()
	packages := goList(t, "./...")
	if len(packages) == 0 {
		t.Fatal("go list found no package")
	}
	return packages
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range ours(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// TestPublicClosure lists all that an app backend takes in when it imports a public package.
func TestPublicClosure(t *testing.T) {
	for name, brings := range map[string][]string{
		"api":     {"api"},
		"usersig": {"usersig"},
		"webhook": {"webhook", "api"},
	} {
		if !isPackage(name) {
			continue
		}
		allowed := make(map[string]bool)
		for _, b := range brings {
			allowed[module+"/"+b] = true
		}
		for _, p := range goList(t, "-deps", "./"+name) {
			if !p.Standard && !allowed[p.ImportPath] {
				t.Errorf("%s brings along %s; it may bring only the standard library and %q", name, p.ImportPath, brings)
			}
		}
	}
}

// isPackage tells whether a folder holds Go files; some packages of the table may not be written yet.
func isPackage(name string) bool {
	files, err := filepath.Glob(filepath.Join(root, name, "*.go"))
	return err == nil && len(files) > 0
}
