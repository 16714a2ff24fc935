package operator

import (
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// DefaultSigningGrace is how long older signing keys sign on when a new one is added and nothing else is said.
const DefaultSigningGrace = 24 * time.Hour

// SigningKey names a key that signs callbacks (Standard Webhooks).
type SigningKey struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // hmac or ed25519
	// PublicKey (whpk_…) is what an app backend verifies with; it is no secret. Empty for an HMAC key.
	PublicKey string    `json:"public_key,omitempty"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires,omitzero"` // when it stops to sign; left out: never
}

// AddSigningKey describes a signing key to add.
type AddSigningKey struct {
	Kind   string `json:"kind,omitempty"`   // hmac or ed25519; left out: that of the secret, or hmac
	Secret string `json:"secret,omitempty"` // whsec_… or whsk_…; made up when left out
	// GraceMS is how many milliseconds the older keys of the same kind sign on; 0: they stop at once, left out: 24 hours.
	GraceMS *int64 `json:"grace_ms,omitempty"`
}

// SigningKeySecret is a signing key together with its secret, if it is an HMAC key: app backends need that. It is the answer
// that made the key; no other answer has the secret. The private half of an Ed25519 key stays in Kith.
type SigningKeySecret struct {
	SigningKey
	Secret string `json:"secret,omitempty"`
	// Older are the app's other keys of the same kind, which sign on until they expire.
	Older []SigningKey `json:"older,omitempty"`
}

func (h *handler) addSigningKey(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req AddSigningKey
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	grace := DefaultSigningGrace
	if req.GraceMS != nil {
		if *req.GraceMS < 0 || *req.GraceMS > apps.MaxSigningGrace.Milliseconds() { // before it overflows
			return nil, badRequest("grace_ms must be 0 to %d milliseconds", apps.MaxSigningGrace.Milliseconds())
		}
		grace = time.Duration(*req.GraceMS) * time.Millisecond
	}
	key, err := h.Registry.AddSigningKey(r.Context(), id, apps.NewSigningKey{Kind: req.Kind, Secret: req.Secret, Grace: grace})
	if err != nil {
		return nil, err
	}
	answer := SigningKeySecret{SigningKey: showSigningKey(key)}
	if answer.Kind == apps.KindHMAC {
		answer.Secret = key.Secret
	}
	if app, ok := h.Registry.App(id); ok {
		for _, old := range showSigningKeys(app.Callback.SigningKeys, h.Now()) {
			if old.Kind == answer.Kind && old.ID != answer.ID {
				answer.Older = append(answer.Older, old)
			}
		}
	}
	return answer, nil
}

func (h *handler) dropSigningKey(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	app, err := h.Registry.DropSigningKey(r.Context(), id, r.PathValue("key"))
	if err != nil {
		return nil, err
	}
	return showCallback(app, h.Now()), nil
}

// showSigningKeys shows the keys in force. An app's record has expired ones too, until its next change.
func showSigningKeys(keys []relation.SigningKey, now time.Time) []SigningKey {
	shown := make([]SigningKey, 0, len(keys))
	for _, key := range keys {
		if key.InForce(now) {
			shown = append(shown, showSigningKey(key))
		}
	}
	return shown
}

func showSigningKey(key relation.SigningKey) SigningKey {
	shown := SigningKey{ID: key.ID, Kind: apps.SigningKeyKind(key.Secret), Created: key.Created, Expires: key.Expires}
	if shown.Kind == apps.KindEd25519 {
		shown.PublicKey, _ = webhook.PublicKey(key.Secret) // the registry has checked the key
	}
	return shown
}
