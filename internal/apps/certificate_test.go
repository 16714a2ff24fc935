package apps_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// lifetime is how long the certificates of the issuer are good. They are due when a third is left.
const lifetime = 90 * 24 * time.Hour

// issuer issues certificates that only look like some.
type issuer struct {
	mu     sync.Mutex
	issued map[uint32]int
	fail   error
}

func (i *issuer) issue(id uint32) (relation.ClientCertificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return relation.ClientCertificate{}, i.fail
	}
	i.issued[id]++
	return certOf(time.Now().UTC().Add(lifetime)), nil
}

func renewAt(c relation.ClientCertificate) time.Time { return c.NotAfter.Add(-lifetime / 3) }

func openIssuing(t *testing.T, store relation.AppStore) (*apps.Registry, *issuer) {
	t.Helper()
	i := &issuer{issued: map[uint32]int{}}
	r, err := apps.Open(t.Context(), store, apps.Options{CheckURL: webhook.ValidateURL, Issue: i.issue, RenewAt: renewAt})
	if err != nil {
		t.Fatal(err)
	}
	return r, i
}

func mutual(on bool) func(*relation.App) error {
	return func(app *relation.App) error { app.Callback.MutualTLS = on; return nil }
}

func TestMutualTLSBringsACertificate(t *testing.T) {
	r, issuer := openIssuing(t, newTableStore())
	create(t, r, apps.New{SDKAppID: 7, Callback: relation.Callback{URL: "https://x/"}})
	app, err := r.Update(t.Context(), 7, mutual(true))
	if err != nil || app.Callback.ClientCert == nil {
		t.Fatalf("switched on: %+v, err %v", app, err)
	}
	first := app.Callback.ClientCert
	if app, err = r.EnsureClientCert(t.Context(), 7); err != nil || app.Callback.ClientCert != first || issuer.issued[7] != 1 {
		t.Errorf("ensured: issued %d, err %v, want the one there was", issuer.issued[7], err)
	}
	if app, err = r.Update(t.Context(), 7, mutual(false)); err != nil || app.Callback.ClientCert != nil {
		t.Errorf("switched off: %+v, err %v, want no key kept", app, err)
	}
	if _, err = r.EnsureClientCert(t.Context(), 7); err != nil || issuer.issued[7] != 1 {
		t.Errorf("ensured while off: issued %d, err %v", issuer.issued[7], err)
	}
	if _, err := r.EnsureClientCert(t.Context(), 9); !errors.Is(err, relation.ErrNoApp) {
		t.Errorf("of no app: %v", err)
	}
	issuer.fail = errors.New("no key")
	if _, err := r.Update(t.Context(), 7, mutual(true)); !errors.Is(err, issuer.fail) {
		t.Errorf("err = %v, want the issuer's", err)
	}
	if app, _ := r.App(7); app.Callback.MutualTLS {
		t.Error("mutual TLS is on without a certificate")
	}
	plain := open(t, newTableStore())
	create(t, plain, apps.New{SDKAppID: 7})
	if _, err := plain.Update(t.Context(), 7, mutual(true)); !errors.Is(err, relation.ErrParameter) || !strings.Contains(err.Error(), "no CA") {
		t.Errorf("without a CA: %v", err)
	}
}

// TestRenewal lives through two years of three apps, with a store that refuses all writes in the first week in which a
// certificate is due. No certificate comes near its end.
func TestRenewal(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		store := newTableStore()
		r, issuer := openIssuing(t, store)
		for id := range uint32(3) {
			create(t, r, apps.New{SDKAppID: 7 + id, Callback: relation.Callback{URL: "https://x/", MutualTLS: id < 2}})
			time.Sleep(17 * time.Hour) // of the bubble's clock: they are not due together
		}
		ctx, cancel := context.WithCancel(t.Context())
		var renewing sync.WaitGroup
		renewing.Go(func() { r.Renew(ctx) })
		left := func(id uint32) time.Duration {
			app, _ := r.App(id)
			return time.Until(app.Callback.ClientCert.NotAfter)
		}
		renewed := 0
		for hour := range 2 * 365 * 24 {
			before := left(7)
			store.refuse(before <= lifetime/3+time.Hour && before > lifetime/3-7*day)
			time.Sleep(time.Hour) // of the bubble's clock
			synctest.Wait()
			if left(7) > before {
				renewed++
			}
			for _, id := range []uint32{7, 8} {
				if left(id) < lifetime/3-8*day {
					t.Fatalf("after %d hours the certificate of app %d has %v left", hour, id, left(id))
				}
			}
		}
		cancel()
		renewing.Wait()
		if want := 2 * 365 * day / (lifetime*2/3 + 7*day); renewed != int(want) {
			t.Errorf("app 7 got %d certificates in two years, want %d", renewed, want)
		}
		if issuer.issued[9] != 0 {
			t.Error("an app without mutual TLS got a certificate")
		}
	})
}

// TestRenewAtStart: a certificate that became due while nothing ran is renewed before the first hour is over.
func TestRenewAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTableStore()
		r, _ := openIssuing(t, store)
		create(t, r, apps.New{SDKAppID: 7, Callback: relation.Callback{URL: "https://x/", MutualTLS: true}})
		time.Sleep(2 * lifetime) // of the bubble's clock: it has expired
		r, _ = openIssuing(t, store)
		ctx, cancel := context.WithCancel(t.Context())
		var renewing sync.WaitGroup
		renewing.Go(func() { r.Renew(ctx) })
		synctest.Wait()
		if app, _ := r.App(7); time.Until(app.Callback.ClientCert.NotAfter) != lifetime {
			t.Errorf("it is good for %v, want %v", time.Until(app.Callback.ClientCert.NotAfter), lifetime)
		}
		cancel()
		renewing.Wait()
	})
}
