package config_test

import (
	"bytes"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run `make golden` and review. Got:\n%s", path, got)
	}
}

func TestGoldenReference(t *testing.T) {
	var b bytes.Buffer
	if err := config.WriteDoc(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/reference.golden.md", b.Bytes())
}

func TestGoldenEffective(t *testing.T) {
	vars := map[string]string{"KITH_STORE": "postgres://kith:hunter2@db/kith?sslpassword=hunter2", "KITH_OPERATOR_TOKEN": "hunter2-0123456789"}
	src := config.Source{Flags: flags(t, "--trusted-proxies", "10.0.0.0/8,::1", "--retry-budget", "1h30m"), Env: env(vars)}
	c, origins, err := config.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := c.WriteYAML(&b, origins); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/effective.golden.yaml", b.Bytes())
	for _, setting := range c.Settings(origins) {
		if strings.Contains(setting.Value, "hunter2") {
			t.Errorf("%s shows a secret: %q", setting.Name, setting.Value)
		}
	}
	if strings.Contains(b.String(), "hunter2") {
		t.Error("WriteYAML shows a secret")
	}
}

// TestEveryFieldIsDescribed holds the tags that everything is derived from.
func TestEveryFieldIsDescribed(t *testing.T) {
	names := map[string]bool{}
	for f := range reflect.TypeFor[config.Config]().Fields() {
		name, doc := f.Tag.Get("name"), f.Tag.Get("doc")
		if name == "" || names[name] || f.Tag.Get("group") == "" || !strings.HasSuffix(doc, ".") || strings.Contains(doc, "|") {
			t.Errorf("%s: the tags need a name of its own, a group, and a doc that ends with a full stop", f.Name)
		}
		names[name] = true
	}
}
