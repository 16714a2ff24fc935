package apps

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/kithchat/kith/internal/relation"
)

// MaxKeys is how many keys an app may have at a time. Each one makes refusing a forged UserSig cost a little more.
const MaxKeys = 8

// The range that made-up SDKAppIDs come from; the vendor's are of the same size.
const (
	minRandomID = 1_400_000_000
	maxRandomID = 1_799_999_999
)

// Rotation says how the keys of an app change.
type Rotation struct {
	// Key is the new key, 16 to 256 printable ASCII characters. Empty: 64 random hex digits, unless DropOld is set.
	Key string
	// DropOld removes the older keys, so that every UserSig made with them is invalid from now on. With a Key only that one
	// is left; without, the newest, which ends an earlier rotation.
	DropOld bool
}

// RotateKey adds a key as the newest: it signs from now on, and the older ones still verify until they are dropped.
// Errors are those of Update.
func (r *Registry) RotateKey(ctx context.Context, sdkAppID uint32, rotation Rotation) (*relation.App, error) {
	return r.Update(ctx, sdkAppID, func(app *relation.App) error {
		if rotation.DropOld && rotation.Key == "" {
			if len(app.Keys) == 1 {
				return invalid("the app has one key and no old ones; add another with `kith app rotate-key` first")
			}
			app.Keys = app.Keys[:1:1]
			return nil
		}
		key := relation.AppKey{Secret: rotation.Key, Created: r.now()}
		if key.Secret == "" {
			key.Secret = randomKey()
		}
		if rotation.DropOld {
			app.Keys = nil
		}
		app.Keys = slices.Insert(app.Keys, 0, key)
		return nil
	})
}

// DropKey removes the key with this fingerprint. The last key cannot be dropped. Errors are those of Update.
func (r *Registry) DropKey(ctx context.Context, sdkAppID uint32, fingerprint string) (*relation.App, error) {
	return r.Update(ctx, sdkAppID, func(app *relation.App) error {
		i := slices.IndexFunc(app.Keys, func(k relation.AppKey) bool { return Fingerprint(k) == fingerprint })
		switch {
		case i < 0:
			return invalid("the app has no key with this fingerprint; `kith app show` lists those it has")
		case len(app.Keys) == 1:
			return invalid("this is the app's only key; add another with `kith app rotate-key` first")
		}
		app.Keys = slices.Delete(app.Keys, i, i+1)
		return nil
	})
}

// Fingerprint names a key without telling it: the first 12 hex digits of its SHA-256.
func Fingerprint(key relation.AppKey) string {
	sum := sha256.Sum256([]byte(key.Secret))
	return hex.EncodeToString(sum[:6])
}

// randomKey returns 64 hex digits from the system's source of randomness, which never fails.
func randomKey() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func randomSDKAppID() uint32 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return minRandomID + uint32(binary.BigEndian.Uint64(b[:])%(maxRandomID-minRandomID+1))
}
