package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSource reads every Go file of the repository and holds the rules of checkSource.
func TestSource(t *testing.T) {
	files := 0
	for _, name := range repositoryFiles(t) {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		files++
		for _, problem := range checkSource(t, name, nil) {
			t.Error(problem)
		}
	}
	if files == 0 {
		t.Fatal("found no Go file")
	}
}

// repositoryFiles lists the files below root, by their path from there.
func repositoryFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if !d.IsDir() {
			files = append(files, filepath.ToSlash(rel))
		} else if slices.Contains([]string{".git", "bin", "data"}, rel) || d.Name() == "node_modules" {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// checkSource returns how a Go file breaks these rules:
//
//   - a test sleeps only with a comment on the same line or the line before that says why,
//   - a test never skips,
//   - only programs and TestMain end the process.
//
// The text is read from the repository unless src is given.
func checkSource(t *testing.T, name string, src any) []string {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, filepath.Join(root, name), src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s := sourceFile{
		name:      name,
		isTest:    strings.HasSuffix(name, "_test.go"),
		isProgram: fitsAny(filepath.ToSlash(filepath.Dir(name)), []string{"cmd/...", "examples/...", "bench/..."}),
		commented: commentedLines(fset, f),
	}
	for _, d := range f.Decls {
		fn, isFunc := d.(*ast.FuncDecl)
		s.inTestMain = isFunc && s.isTest && fn.Name.Name == "TestMain"
		ast.Inspect(d, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				s.checkCall(fset.Position(call.Pos()).Line, call)
			}
			return true
		})
	}
	return s.problems
}

// sourceFile is a file on its way through checkSource.
type sourceFile struct {
	name                          string
	isTest, isProgram, inTestMain bool
	commented                     map[int]bool // lines that have a comment
	problems                      []string
}

// checkCall applies the rules to one call of the form name.Function().
func (s *sourceFile) checkCall(line int, call *ast.CallExpr) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return
	}
	switch called := x.Name + "." + sel.Sel.Name; called {
	case "time.Sleep":
		if s.isTest && !s.commented[line] && !s.commented[line-1] {
			s.problem(line, called+" without a reason: wait for a signal, or say why in a comment beside it")
		}
	case "t.Skip", "t.Skipf", "t.SkipNow", "b.Skip", "b.Skipf", "b.SkipNow", "f.Skip", "f.Skipf", "f.SkipNow",
		"tb.Skip", "tb.Skipf", "tb.SkipNow", "testing.Short":
		if s.isTest {
			s.problem(line, called+": a test runs, or fails and says what is missing")
		}
	case "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln":
		if !s.isProgram && !s.inTestMain {
			s.problem(line, called+": only programs and TestMain end the process; return an error")
		}
	}
}

func (s *sourceFile) problem(line int, what string) {
	s.problems = append(s.problems, fmt.Sprintf("%s:%d: %s", s.name, line, what))
}

// commentedLines returns the lines that hold a comment.
func commentedLines(fset *token.FileSet, f *ast.File) map[int]bool {
	lines := make(map[int]bool)
	for _, group := range f.Comments {
		for line := fset.Position(group.Pos()).Line; line <= fset.Position(group.End()).Line; line++ {
			lines[line] = true
		}
	}
	return lines
}

func TestCheckSource(t *testing.T) {
	for _, c := range []struct {
		name, file, body string
		problems         int
	}{
		{"bare sleep in a test", "api/a_test.go", "func TestA(t *testing.T) {\n\ttime.Sleep(1)\n}", 1},
		{"sleep with a reason beside it", "api/a_test.go", "func TestA(t *testing.T) {\n\ttime.Sleep(1) // as slow as a phone\n}", 0},
		{"sleep with a reason above it", "api/a_test.go", "func TestA(t *testing.T) {\n\t// As slow as a phone.\n\ttime.Sleep(1)\n}", 0},
		{"sleep with a comment too far away", "api/a_test.go", "func TestA(t *testing.T) {\n\t// Reason.\n\n\ttime.Sleep(1)\n}", 1},
		{"sleep in the product", "api/a.go", "func a() { time.Sleep(1) }", 0},
		{"skip", "api/a_test.go", "func TestA(t *testing.T) { t.Skip() }", 1},
		{"skip in short mode", "api/a_test.go", "func TestA(t *testing.T) { if testing.Short() { t.SkipNow() } }", 2},
		{"skip of something else", "api/a.go", "func a(t scanner) { t.Skip() }", 0},
		{"exit in a library", "internal/store/a.go", "func a() { os.Exit(1) }", 1},
		{"fatal log in a library", "webhook/a.go", "func a() { log.Fatalf(\"x\") }", 1},
		{"exit in a test", "api/a_test.go", "func TestA(t *testing.T) { os.Exit(0) }", 1},
		{"exit in TestMain", "api/a_test.go", "func TestMain(m *testing.M) { os.Exit(m.Run()) }", 0},
		{"exit in a program", "cmd/kith/main.go", "func main() { os.Exit(1) }", 0},
		{"fatal log in an example", "examples/appbackend/main.go", "func main() { log.Fatal(1) }", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := checkSource(t, c.file, "package a\n\n"+c.body+"\n"); len(got) != c.problems {
				t.Errorf("got %q, want %d problems", got, c.problems)
			}
		})
	}
}
