package lint

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	codeSpan   = regexp.MustCompile("`([^`\n]+)`")
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	makeCall   = regexp.MustCompile(`(?:^|[\s;&|])make(?: ([a-z][a-z-]*))`)
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	pathLike   = regexp.MustCompile(`^[\w.@*-]+(/[\w.@*-]+)*/?$`)
	testName   = regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`)
	testFunc   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	// A placeholder that the reader fills in: DIR/kith.db.
	placeholder = regexp.MustCompile(`^[A-Z_]+$`)
	// What the chores make, and so is not in a clean clone.
	made = regexp.MustCompile(`^(bin|data|conformance/node/node_modules)(/|$)`)
)

// TestDocumentsNameWhatExists reads the documents for people and looks up every path, make target and test in them.
func TestDocumentsNameWhatExists(t *testing.T) {
	documents := []string{"README.md", "CONTRIBUTING.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md", "*/README.md"} {
		matches, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, matches...)
	}
	repo := readRepository(t)
	for _, doc := range documents {
		text, err := os.ReadFile(filepath.Join(root, doc))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range repo.check(doc, string(text)) {
			t.Error(problem)
		}
	}
}

// repository is what documents may name.
type repository struct {
	files   []string
	targets []string
	tests   []string
}

func readRepository(t *testing.T) repository {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	r := repository{files: repositoryFiles(t)}
	for _, file := range r.files {
		if !strings.HasSuffix(file, ".go") {
			continue
		}
		source, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(source), -1) {
			r.tests = append(r.tests, m[1])
		}
	}
	for _, m := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		r.targets = append(r.targets, m[1])
	}
	return r
}

// check returns the names in a document that lead nowhere.
func (r repository) check(doc, text string) []string {
	var problems []string
	complain := func(what string) { problems = append(problems, doc+" names "+what+", which does not exist") }
	for _, code := range codeOf(text) {
		for _, m := range makeCall.FindAllStringSubmatch(code, -1) {
			if !slices.Contains(r.targets, m[1]) {
				complain("make " + m[1])
			}
		}
	}
	for _, m := range codeSpan.FindAllStringSubmatch(withoutFences(text), -1) {
		if testName.MatchString(m[1]) && !slices.Contains(r.tests, m[1]) {
			complain(m[1])
		}
		if name := strings.TrimPrefix(m[1], "./"); r.isPath(name) && !r.has(doc, name) {
			complain(m[1])
		}
	}
	for _, m := range link.FindAllStringSubmatch(withoutFences(text), -1) {
		target, _, _ := strings.Cut(m[1], "#")
		if target != "" && !strings.Contains(target, ":") && !r.exists(path.Join(path.Dir(doc), target)) {
			complain(m[1])
		}
	}
	return problems
}

// isPath tells whether a code span means a path of this repository: it names a Go or Markdown file, a folder with a slash
// at its end, or begins with a folder that we have.
func (r repository) isPath(name string) bool {
	name = strings.TrimPrefix(name, module+"/")
	first, _, nested := strings.Cut(name, "/")
	if !pathLike.MatchString(name) || placeholder.MatchString(first) {
		return false
	}
	return strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".md") || strings.HasSuffix(name, "/") ||
		nested && r.exists(first)
}

// has looks a path up from the top, from the document's folder and, for a bare file name such as block.go, anywhere.
func (r repository) has(doc, name string) bool {
	name = strings.TrimSuffix(strings.TrimPrefix(name, module+"/"), "/")
	if made.MatchString(name) || r.exists(name) || r.exists(path.Join(path.Dir(doc), name)) {
		return true
	}
	bare := !strings.Contains(name, "/")
	return bare && slices.ContainsFunc(r.files, func(f string) bool { return path.Base(f) == name })
}

// exists tells whether a file, or a folder with files in it, matches the name; * stands for part of one name.
func (r repository) exists(name string) bool {
	depth := strings.Count(name, "/") + 1
	return slices.ContainsFunc(r.files, func(f string) bool {
		parts := strings.Split(f, "/")
		ok, err := path.Match(name, strings.Join(parts[:min(depth, len(parts))], "/"))
		return ok && err == nil
	})
}

// codeOf returns what is set as code: spans, and the lines of fenced and indented blocks.
func codeOf(text string) []string {
	var code []string
	for _, m := range codeSpan.FindAllStringSubmatch(withoutFences(text), -1) {
		code = append(code, m[1])
	}
	fenced := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		} else if fenced || strings.HasPrefix(line, "    ") {
			command, _, _ := strings.Cut(line, " #")
			code = append(code, strings.TrimSpace(command))
		}
	}
	return code
}

// withoutFences returns the text without its fenced blocks.
func withoutFences(text string) string {
	var out strings.Builder
	fenced := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		} else if !fenced {
			out.WriteString(line)
		}
	}
	return out.String()
}

func TestCheckDocument(t *testing.T) {
	repo := repository{
		files:   []string{"README.md", "docs/choices.md", "internal/store/block.go", "vectors/a.jsonl", "vectors/b.jsonl"},
		targets: []string{"test", "run"},
		tests:   []string{"TestBlock"},
	}
	for _, c := range []struct {
		name, doc, text string
		problems        int
	}{
		{"file", "README.md", "see `internal/store/block.go`", 0},
		{"file that is gone", "README.md", "see `internal/store/friend.go`", 1},
		{"folder", "README.md", "`internal/store/` and `internal/store`", 0},
		{"folder that is gone", "README.md", "`internal/gateway/` and `internal/gateway`", 2},
		{"import path", "README.md", "`" + module + "/internal/store`", 0},
		{"import path that is gone", "README.md", "`" + module + "/internal/gone`", 1},
		{"bare name", "README.md", "`block.go` in each layer", 0},
		{"bare name that is nowhere", "README.md", "`friend.go` in each layer", 1},
		{"wildcard", "README.md", "`vectors/*.jsonl`", 0},
		{"wildcard that matches nothing", "README.md", "`vectors/*.txt`", 1},
		{"no path", "README.md", "`/v4/sns/black_list_add`, `application/json`, `a.b`, `DIR/kith.db`, `bin/kith`, `x | y`", 0},
		{"link beside the document", "docs/choices.md", "[here](choices.md#one) and [up](../README.md)", 0},
		{"link that leads nowhere", "docs/choices.md", "[here](README.md)", 1},
		{"link out and link inside", "README.md", "[out](https://example.test/x.md) and [in](#section)", 0},
		{"target", "README.md", "`make test`, `make`\n\n    git clone X && make run\n\n```\nmake test # make nothing\n```", 0},
		{"target that is gone", "README.md", "`make tset`\n\n    make rnu\n\n```\ncd x; make tets\n```", 3},
		{"test", "docs/choices.md", "held by `TestBlock`", 0},
		{"test that is gone", "docs/choices.md", "held by `TestFriend`", 1},
		{"prose", "README.md", "make sure that it works", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := repo.check(c.doc, c.text); len(got) != c.problems {
				t.Errorf("got %q, want %d problems", got, c.problems)
			}
		})
	}
}
