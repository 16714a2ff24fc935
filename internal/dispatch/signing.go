package dispatch

import (
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// signing signs with the keys of an app that have not expired. Each is left out as soon as it has, without anybody telling.
// It is safe for concurrent use.
type signing struct {
	keys []relation.SigningKey

	mu     sync.Mutex
	signer *webhook.Signer // nil: no key is in force
	from   time.Time       // signer is good for [from, until)
	until  time.Time       // zero: for ever
}

// newSigning checks all keys. An error repeats none of them.
func newSigning(keys []relation.SigningKey, now time.Time) (*signing, error) {
	secrets := make([]string, len(keys))
	for i, k := range keys {
		secrets[i] = k.Secret
	}
	if _, err := webhook.NewSigner(secrets); err != nil {
		return nil, err
	}
	s := &signing{keys: keys}
	s.choose(now)
	return s, nil
}

// at returns what signs at a time, nil when no key is in force.
func (s *signing) at(now time.Time) *webhook.Signer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.from) || !s.until.IsZero() && !now.Before(s.until) {
		s.choose(now)
	}
	return s.signer
}

// choose takes the keys that are in force.
func (s *signing) choose(now time.Time) {
	var secrets []string
	s.signer, s.from, s.until = nil, now, time.Time{}
	for _, k := range s.keys {
		if !k.InForce(now) {
			continue
		}
		if !k.Expires.IsZero() && (s.until.IsZero() || k.Expires.Before(s.until)) {
			s.until = k.Expires
		}
		secrets = append(secrets, k.Secret)
	}
	if len(secrets) > 0 {
		s.signer, _ = webhook.NewSigner(secrets) // newSigning has checked them
	}
}
