package operator

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// The comments on the fields of every type that the API shows are in the document.
func TestGoldenMeanings(t *testing.T) {
	all, shown := comments(t, ".", "../relation", "../config"), map[string]string{}
	types := shownTypes(t)
	for field, text := range all {
		parts := strings.Split(field, ".")
		if of, ok := types[parts[1]]; ok && path.Base(of.PkgPath()) == parts[0] && ast.IsExported(parts[2]) {
			shown[field] = text
		}
	}
	text, err := json.MarshalIndent(shown, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile("meanings.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
		meaningsText = text // the document is written after this, in the same run
	}
	if !bytes.Equal(meaningsText, text) {
		t.Error("meanings.json is not what the comments say; run `make golden` and review the difference")
	}
}

// comments returns what is said about the fields of the structs in these packages, by package, type and field.
func comments(t *testing.T, dirs ...string) map[string]string {
	all := map[string]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(node ast.Node) bool {
				if spec, ok := node.(*ast.TypeSpec); ok {
					if structure, ok := spec.Type.(*ast.StructType); ok {
						addComments(all, file.Name.Name+"."+spec.Name.Name, structure)
					}
				}
				return true
			})
		}
	}
	return all
}

func addComments(all map[string]string, name string, structure *ast.StructType) {
	for _, field := range structure.Fields.List {
		text := field.Doc.Text() + field.Comment.Text()
		if text = strings.Join(strings.Fields(text), " "); text == "" {
			continue
		}
		for _, ident := range field.Names {
			all[name+"."+ident.Name] = text
		}
	}
}
