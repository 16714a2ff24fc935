package apps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// MaxSigningKeys is how many signing keys an app may have at a time. Each signs each callback.
const MaxSigningKeys = 5

// MaxSigningGrace is how long older keys may sign on after a new one was added.
const MaxSigningGrace = 90 * 24 * time.Hour

// Kinds of signing keys.
const (
	KindHMAC    = "hmac"    // whsec_…: sender and receiver share it
	KindEd25519 = "ed25519" // whsk_…: the receiver has its public half only
)

// Signing makes and checks the secrets of Standard Webhooks; the functions of package webhook are meant. What is nil cannot
// be done.
type Signing struct {
	// Check says what is wrong with a secret (whsec_, whsk_) without quoting it.
	Check func(secret string) error
	// NewSecret makes a shared secret.
	NewSecret func() string
	// NewKeyPair makes an Ed25519 key pair.
	NewKeyPair func() (private, public string)
}

// NewSigningKey describes a signing key to add.
type NewSigningKey struct {
	// Kind is KindHMAC or KindEd25519. Empty: that of Secret, and KindHMAC without one.
	Kind string
	// Secret is the key, made up when empty.
	Secret string
	// Grace is how long the keys of the same kind that are there sign on beside the new one; zero: not at all. Those that end
	// earlier by themselves do, and those of the other kind stay as they are.
	Grace time.Duration
}

// AddSigningKey adds a key that signs the app's callbacks from now on, and returns it. Errors are those of Update.
func (r *Registry) AddSigningKey(ctx context.Context, sdkAppID uint32, spec NewSigningKey) (relation.SigningKey, error) {
	secret, err := r.signingSecret(spec)
	if err != nil {
		return relation.SigningKey{}, err
	}
	if spec.Grace < 0 || spec.Grace > MaxSigningGrace {
		return relation.SigningKey{}, invalid("the grace for older signing keys must be 0 to %d days", MaxSigningGrace/(24*time.Hour))
	}
	now := r.now()
	key := relation.SigningKey{ID: SigningKeyID(secret), Secret: secret, Created: now}
	_, err = r.Update(ctx, sdkAppID, func(app *relation.App) error {
		c := &app.Callback
		for i := range c.SigningKeys {
			old := &c.SigningKeys[i]
			if SigningKeyKind(old.Secret) != SigningKeyKind(secret) {
				continue
			}
			if end := now.Add(spec.Grace); old.Expires.IsZero() || old.Expires.After(end) {
				old.Expires = end
			}
		}
		c.SigningKeys = slices.Insert(c.SigningKeys, 0, key)
		return nil
	})
	if err != nil {
		return relation.SigningKey{}, err
	}
	return key, nil
}

// signingSecret returns the secret to add.
func (r *Registry) signingSecret(spec NewSigningKey) (string, error) {
	kind := spec.Kind
	switch {
	case kind == "" && spec.Secret == "":
		kind = KindHMAC
	case kind == "":
		if kind = SigningKeyKind(spec.Secret); kind == "" {
			return "", invalid("the secret begins neither with whsec_ (%s) nor with whsk_ (%s): copy it whole", KindHMAC, KindEd25519)
		}
	}
	if kind != KindHMAC && kind != KindEd25519 {
		return "", invalid("the kind of a signing key must be %s or %s", KindHMAC, KindEd25519)
	}
	mint := r.opts.Signing
	switch {
	case spec.Secret != "" && SigningKeyKind(spec.Secret) != kind:
		return "", invalid("the secret is no %s key: one of %s begins with whsec_, one of %s with whsk_", kind, KindHMAC, KindEd25519)
	case spec.Secret != "":
		return spec.Secret, nil
	case kind == KindHMAC && mint.NewSecret != nil:
		return mint.NewSecret(), nil
	case kind == KindEd25519 && mint.NewKeyPair != nil:
		private, _ := mint.NewKeyPair()
		return private, nil
	}
	return "", invalid("this server cannot make signing keys; give the secret")
}

// DropSigningKey removes the key with this id, which signs nothing from now on. Errors are those of Update.
func (r *Registry) DropSigningKey(ctx context.Context, sdkAppID uint32, id string) (*relation.App, error) {
	return r.Update(ctx, sdkAppID, func(app *relation.App) error {
		c := &app.Callback
		i := slices.IndexFunc(c.SigningKeys, func(k relation.SigningKey) bool { return k.ID == id })
		if i < 0 {
			return invalid("the app has no signing key with this id; `kith app callback keys list` shows those it has")
		}
		c.SigningKeys = slices.Delete(c.SigningKeys, i, i+1)
		return nil
	})
}

// SigningKeyKind returns the kind of a secret, or nothing for a text that is none.
func SigningKeyKind(secret string) string {
	switch {
	case strings.HasPrefix(secret, "whsec_"):
		return KindHMAC
	case strings.HasPrefix(secret, "whsk_"):
		return KindEd25519
	}
	return ""
}

// SigningKeyID names a secret without telling it: the first 12 hex digits of its SHA-256.
func SigningKeyID(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:6])
}

// prune removes the keys that have expired. Until the app's next change they stay in its record, so whoever shows keys or signs
// with them asks relation.SigningKey.InForce.
func prune(c *relation.Callback, now time.Time) {
	c.SigningKeys = slices.DeleteFunc(c.SigningKeys, func(k relation.SigningKey) bool {
		return !k.InForce(now)
	})
}

func (p *problems) signingKeys(keys []relation.SigningKey, checkSecret func(string) error) {
	p.check(len(keys) <= MaxSigningKeys, "an app has at most %d signing keys; drop old ones first", MaxSigningKeys)
	seen := make(map[string]bool, len(keys))
	for _, key := range keys {
		p.check(key.ID != "", "a signing key has no id")
		p.check(!seen[key.ID], "this signing key is one of the app's already")
		seen[key.ID] = true
		if checkSecret == nil {
			p.check(false, "this server cannot check signing keys")
		} else if err := checkSecret(key.Secret); err != nil {
			p.check(false, "the signing key is wrong: %v", err)
		}
	}
}
