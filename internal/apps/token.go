package apps

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/kithchat/kith/internal/relation"
)

// MaxTokens is how many tokens of the operator API an app may have at a time.
const MaxTokens = 20

// TokenPrefix begins every token that is good for one app only.
const TokenPrefix = "kat_"

// CreateToken adds a token of the operator API for this app alone. It returns the token, which is not kept and cannot be had
// again, and its record. The name is for people and may be empty. Errors are those of Update.
func (r *Registry) CreateToken(ctx context.Context, sdkAppID uint32, name string) (string, relation.AppToken, error) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	token := TokenPrefix + strconv.FormatUint(uint64(sdkAppID), 10) + "_" + base64.RawURLEncoding.EncodeToString(b[:])
	hash := tokenHash(token)
	made := relation.AppToken{ID: hash[:12], Name: name, Hash: hash, Created: r.now()}
	_, err := r.Update(ctx, sdkAppID, func(app *relation.App) error {
		app.Tokens = slices.Insert(app.Tokens, 0, made)
		return nil
	})
	if err != nil {
		return "", relation.AppToken{}, err
	}
	return token, made, nil
}

// DropToken removes the token with this id; from now on it opens nothing. Errors are those of Update.
func (r *Registry) DropToken(ctx context.Context, sdkAppID uint32, id string) (*relation.App, error) {
	return r.Update(ctx, sdkAppID, func(app *relation.App) error {
		i := slices.IndexFunc(app.Tokens, func(t relation.AppToken) bool { return t.ID == id })
		if i < 0 {
			return invalid("the app has no token with this id; `kith app token list` shows those it has")
		}
		app.Tokens = slices.Delete(app.Tokens, i, i+1)
		return nil
	})
}

// TokenApp returns the app that the token is good for, and whether it is good. How long that takes does not depend on how
// much of the token is right.
func (r *Registry) TokenApp(token string) (*relation.App, bool) {
	app, ok := r.App(AppOfToken(token))
	if !ok {
		return nil, false
	}
	hash, good := []byte(tokenHash(token)), 0
	for _, t := range app.Tokens {
		good |= subtle.ConstantTimeCompare(hash, []byte(t.Hash))
	}
	return app, good == 1
}

// AppOfToken returns which app a token says it is good for; 0 when it is no token of one app. Whether it is good only the
// registry knows.
func AppOfToken(token string) uint32 {
	rest, ok := strings.CutPrefix(token, TokenPrefix)
	number, _, _ := strings.Cut(rest, "_")
	id, err := strconv.ParseUint(number, 10, 32)
	if !ok || err != nil {
		return 0
	}
	return uint32(id)
}

// tokenHash is what is kept of a token. A token holds 256 random bits, so that nothing slower than SHA-256 is needed.
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (p *problems) tokens(tokens []relation.AppToken) {
	p.check(len(tokens) <= MaxTokens, "an app has at most %d tokens; drop old ones first", MaxTokens)
	for _, t := range tokens {
		if t.Name != "" {
			p.label("the name of a token", t.Name, MaxName)
		}
	}
}
