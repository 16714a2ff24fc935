package lint

import (
	"slices"
	"strings"
	"testing"
)

// row says which packages of the module one package may import. A name that ends in /... means the package and all
// below it; "..." means any, but for those that only tests may import.
type row struct {
	name string
	may  []string
}

// table is who may import whom; docs/architecture.md shows the same. The first row that fits a package counts.
// Tests are free: they may put any parts together.
var table = []row{
	// The wire contract and what app backends import.
	{"api", nil},
	{"usersig", nil},
	{"webhook", []string{"api"}},
	{"client", []string{"api", "usersig"}},

	// Rules, then what serves them. They meet only in the server.
	{"internal/relation", nil},
	{"internal/config", nil},
	{"internal/seal", nil},
	{"internal/apps", []string{"internal/relation", "internal/seal"}},
	{"internal/store/...", []string{"internal/relation", "internal/store/..."}},
	{"internal/egress", nil},
	{"internal/isolation", nil},
	{"internal/pki", []string{"internal/relation"}},
	{"internal/dispatch", []string{"internal/relation", "internal/egress", "api", "webhook"}},
	{"internal/auth", []string{"internal/relation", "api", "usersig"}},
	{"internal/clientip", nil},
	{"internal/result", []string{"internal/relation", "api"}},
	{"internal/restapi", []string{"internal/relation", "internal/auth", "internal/clientip", "internal/result", "api", "usersig"}},
	{"internal/gateway", []string{"internal/relation", "internal/auth", "internal/clientip", "internal/result", "api", "usersig"}},
	{"internal/tracing/...", []string{"internal/relation", "api"}},
	{"internal/operator", []string{"internal/relation", "api", "internal/apps", "internal/config", "webhook", "usersig"}},
	{"internal/server", []string{"..."}},

	// Programs.
	{"cmd/kith/...", []string{"..."}},
	{"bench/...", []string{"..."}},
	{"examples/appbackend/...", []string{"webhook", "api", "examples/appbackend/app"}},
	{"examples/webclient", []string{"usersig", "api"}},

	// For tests.
	{"internal/pgtest", nil},
	{"internal/leaktest", nil},
	{"internal/hostile", []string{"api"}},
	{"internal/proof", []string{"api", "usersig", "internal/relation", "internal/operator", "internal/hostile"}},
	{"internal/lint", nil},
	{"conformance", nil},
	{"sdk/typescript", nil},
}

// testOnly are the packages that no part of the product may import.
var testOnly = []string{
	"internal/pgtest", "internal/leaktest", "internal/hostile", "internal/proof", "internal/lint", "internal/store/storetest",
	"internal/tracing/tracetest", "conformance",
}

// mayUseTestOnly are the packages that measure or test themselves and may therefore import those of testOnly.
var mayUseTestOnly = []string{"bench/...", "internal/proof", "internal/store/storetest"}

func TestImportTable(t *testing.T) {
	for _, p := range ours(t) {
		for _, problem := range checkImports(p) {
			t.Error(problem)
		}
	}
}

// checkImports returns how a package breaks the table.
func checkImports(p listed) []string {
	i := slices.IndexFunc(table, func(r row) bool { return fits(p.name(), r.name) })
	if i < 0 {
		return []string{p.ImportPath + " is not in the import table: add a row to internal/lint/imports_test.go " +
			"and to the table in docs/architecture.md"}
	}
	var problems []string
	for _, imported := range p.Imports {
		name, isOurs := strings.CutPrefix(imported, module+"/")
		if isOurs && !allowed(p.name(), table[i], name) {
			problems = append(problems, p.ImportPath+" must not import "+imported)
		}
	}
	return problems
}

// allowed tells whether the package of a row may import another.
func allowed(importer string, r row, imported string) bool {
	if fitsAny(imported, testOnly) && !fitsAny(importer, mayUseTestOnly) {
		return false
	}
	return fitsAny(imported, r.may)
}

func fitsAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return fits(name, p) })
}

// fits tells whether a package name matches a pattern of the table.
func fits(name, pattern string) bool {
	if pattern == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == base || strings.HasPrefix(name, base+"/")
	}
	return name == pattern
}

func TestCheckImports(t *testing.T) {
	for _, c := range []struct {
		name, importer, imported string
		problems                 int
	}{
		{"a rule imports a rule's port", "internal/store", "internal/relation", 0},
		{"an engine imports its neighbour", "internal/store/sqlite", "internal/store", 0},
		{"only the server meets all", "internal/server", "internal/dispatch", 0},
		{"a command does too", "cmd/kith", "internal/store", 0},
		{"the standard library is free", "internal/relation", "", 0},
		{"a rule imports the wire", "internal/relation", "api", 1},
		{"two halves meet", "internal/restapi", "internal/dispatch", 1},
		{"a half meets the store", "internal/dispatch", "internal/store", 1},
		{"the operator's part meets the store", "internal/operator", "internal/store", 1},
		{"the product imports a test package", "internal/server", "internal/pgtest", 1},
		{"an engine imports its suite", "internal/store", "internal/store/storetest", 1},
		{"a measurement imports a test package", "bench", "internal/pgtest", 0},
		{"an unknown package", "internal/grabbag", "", 1},
		{"a name that only begins the same", "internal/storefront", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := listed{ImportPath: module + "/" + c.importer, Imports: []string{"fmt", "github.com/jackc/pgx/v5"}}
			if c.imported != "" {
				p.Imports = append(p.Imports, module+"/"+c.imported)
			}
			if got := checkImports(p); len(got) != c.problems {
				t.Errorf("got %q, want %d problems", got, c.problems)
			}
		})
	}
}
