package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// left tells how often a text stands in the files of a database.
func left(t *testing.T, dir, text string) int {
	t.Helper()
	n := 0
	for _, name := range []string{"kith.db", "kith.db-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(content, []byte(text))
	}
	return n
}

func TestScrubLeavesNothingOfWhatWas(t *testing.T) {
	dir := t.TempDir()
	s := openDir(t, dir)
	const secret = "the-secret-that-was-there"
	app := relation.App{SDKAppID: 7, Name: "shop", Admins: []string{"administrator"}}
	if err := s.CreateApp(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	for _, padding := range []int{0, 3000, 60_000, 10} { // within a page, and over several
		app.Callback.Token = secret
		app.Callback.CA = strings.Repeat("x", padding)
		if err := s.UpdateApp(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	app.Callback.Token = "sealed"
	if err := s.UpdateApp(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	if left(t, dir, secret) == 0 {
		t.Fatal("nothing was left before the scrub, so the test shows nothing")
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := left(t, dir, secret); n != 0 {
		t.Errorf("the secret is left %d times", n)
	}
	got, err := s.Apps(t.Context())
	if err != nil || len(got) != 1 || got[0].Callback.Token != "sealed" {
		t.Errorf("read %+v, err %v", got, err)
	}
	app.Name = "still writable"
	if err := s.UpdateApp(t.Context(), app); err != nil {
		t.Error(err)
	}
}

func TestScrubKeepsWhatIsThere(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		app := seed(t, s)
		if err := s.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		app.Name = "still writable"
		if err := s.UpdateApp(t.Context(), app); err != nil {
			t.Fatal(err)
		}
		got, err := s.Apps(t.Context())
		if err != nil || len(got) != 1 || got[0].Name != app.Name {
			t.Errorf("read %+v, err %v", got, err)
		}
	})
}
