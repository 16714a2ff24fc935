package apps_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
)

func TestTokens(t *testing.T) {
	store := newTableStore()
	r := open(t, store)
	create(t, r, apps.New{SDKAppID: 7})
	create(t, r, apps.New{SDKAppID: 8})
	token, made, err := r.CreateToken(t.Context(), 7, "laptop of Größe")
	if err != nil || made.Name != "laptop of Größe" || !made.Created.Equal(noon) {
		t.Fatalf("made %+v, err %v", made, err)
	}
	if !regexp.MustCompile(`^kat_7_[0-9A-Za-z_-]{43}$`).MatchString(token) {
		t.Error("the token has another form")
	}
	if strings.Contains(made.Hash, token[6:]) || strings.Contains(made.ID, token[6:12]) {
		t.Error("the record holds the token")
	}
	other, _, err := r.CreateToken(t.Context(), 7, "")
	if err != nil || other == token {
		t.Fatalf("the second token is the first, err %v", err)
	}
	for _, r := range []*apps.Registry{r, open(t, store)} {
		for _, good := range []string{token, other} {
			if app, ok := r.TokenApp(good); !ok || app.SDKAppID != 7 {
				t.Errorf("a good token opens %v, %t", app, ok)
			}
		}
		for _, bad := range []string{
			"", "kat_", "kat_7", "kat_7_", "kat_x_y", "kat_9_" + token[6:], "kat_8_" + token[6:], "kat_07_" + token[6:], token + "x",
			token[:len(token)-1], made.Hash, made.ID, "kat_7_" + made.Hash, " " + token, strings.ToUpper(token), "kat_4294967303_" + token[6:],
		} {
			if _, ok := r.TokenApp(bad); ok {
				t.Errorf("%q opens an app", bad)
			}
		}
	}
	if app, err := r.DropToken(t.Context(), 7, made.ID); err != nil || len(app.Tokens) != 1 {
		t.Fatalf("dropped: %+v, err %v", app, err)
	}
	if _, ok := r.TokenApp(token); ok {
		t.Error("a dropped token is still good")
	}
	if _, ok := r.TokenApp(other); !ok {
		t.Error("the other token is not good any more")
	}
	if _, err := r.DropToken(t.Context(), 7, made.ID); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("dropped twice: %v", err)
	}
	if err := r.Delete(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.TokenApp(other); ok {
		t.Error("a token of a deleted app is good")
	}
}

func TestTokenLimits(t *testing.T) {
	r := open(t, newTableStore())
	create(t, r, apps.New{SDKAppID: 7})
	for _, name := range []string{" ", "a\nb", strings.Repeat("x", 65), "\xff"} {
		if _, _, err := r.CreateToken(t.Context(), 7, name); !errors.Is(err, relation.ErrParameter) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for range apps.MaxTokens {
		if _, _, err := r.CreateToken(t.Context(), 7, ""); err != nil {
			t.Fatal(err)
		}
	}
	token, _, err := r.CreateToken(t.Context(), 7, "")
	if !errors.Is(err, relation.ErrParameter) || token != "" {
		t.Errorf("one too many: %v", err)
	}
	if _, _, err := r.CreateToken(t.Context(), 9, ""); !errors.Is(err, relation.ErrNoApp) {
		t.Errorf("of no app: %v", err)
	}
}
