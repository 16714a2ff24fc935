package webhook

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

// The secrets of an app that has both kinds of keys.
const (
	testShared  = "whsec_Zt8SnXKuHQAoTnB4FvR7KlgzeqFpR/vcIKaiIeJuxaw="
	testPrivate = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="
	testPublic  = "whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g="
)

func withSecrets(secrets ...string) func(*Options) {
	return func(o *Options) { o.Secrets = secrets }
}

func TestHandlerAcceptsSignatures(t *testing.T) {
	other := NewSecret()
	for _, row := range []struct {
		name     string
		receiver []string
		sender   []string
		seconds  int64
	}{
		{"shared secret", []string{testShared}, []string{testShared}, testTime},
		{"public key", []string{testPublic}, []string{testPrivate}, testTime},
		{"sender has the new one first", []string{testShared}, []string{other, testShared}, testTime},
		{"receiver has the new one first", []string{other, testShared}, []string{testShared}, testTime},
		{"from shared to public", []string{testShared, testPublic}, []string{testPrivate}, testTime},
		{"60 s old", []string{testShared}, []string{testShared}, testTime - 60},
		{"60 s ahead", []string{testShared}, []string{testShared}, testTime + 60},
	} {
		f, r := newFixture(t, withSecrets(row.receiver...)), unblockRequest(t)
		signWith(t, r, row.seconds, row.sender...)
		if status, got := f.serve(t, r); status != 200 || got.ErrorCode != 0 || len(f.removed) != 1 {
			t.Errorf("%s: %d %+v after %d calls, want OK after one", row.name, status, got, f.calls())
		}
	}
}

func TestHandlerRefusesSignatures(t *testing.T) {
	other := NewSecret()
	for _, row := range []struct {
		name   string
		change func(*http.Request)
		reason string
	}{
		{"unsigned", func(r *http.Request) {
			r.Header.Del(api.HeaderWebhookTimestamp)
			r.Header.Del(api.HeaderWebhookSignature)
		}, "webhook-timestamp is missing"},
		{"no id", func(r *http.Request) { r.Header.Del(api.HeaderWebhookID) }, "webhook-id is missing"},
		{"another secret", func(r *http.Request) { signWith(t, r, testTime, other) }, "no signature"},
		{"another id", func(r *http.Request) { r.Header.Set(api.HeaderWebhookID, "e2") }, "no signature"},
		{"another body", func(r *http.Request) {
			setBody(r, string(EncodeBlackList(api.CallbackBlackListDelete, []api.Pair{{FromAccount: "mira.k", ToAccount: "tom"}})))
		}, "no signature"},
		{"a byte order mark put before", func(r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			setBody(r, "\xef\xbb\xbf"+string(body))
		}, "no signature"},
		{"61 s old", func(r *http.Request) { signWith(t, r, testTime-61, testShared) }, "too far"},
		{"61 s ahead", func(r *http.Request) { signWith(t, r, testTime+61, testShared) }, "too far"},
		{"signed, without Sign", func(r *http.Request) { setQuery(r, api.QuerySign, "") }, "Sign or RequestTime is missing"},
	} {
		f, r := newFixture(t, withSecrets(testShared, testPublic)), unblockRequest(t)
		signWith(t, r, testTime, testShared, testPrivate)
		row.change(r)
		status, got := f.serve(t, r)
		if status != 403 || got.ErrorCode != 1 || !strings.Contains(got.ErrorInfo, row.reason) || f.calls() != 0 {
			t.Errorf("%s: %d %+v after %d calls, want 403 with %q", row.name, status, got, f.calls(), row.reason)
		}
		f.wantLog(t, slog.LevelWarn, "callback refused", "reason", got.ErrorInfo)
		for _, secret := range []string{testShared, testPublic, other, testToken} {
			if strings.Contains(f.log.String()+got.ErrorInfo, secret) {
				t.Errorf("%s: a secret leaked", row.name)
			}
		}
	}
}

// Each check is made if its option is set, whatever the other one is.
func TestHandlerChecksTokensAndSecretsIndependently(t *testing.T) {
	for _, row := range []struct {
		name            string
		tokens, secrets []string
		sign, signature bool // what the request has, rightly made
		status          int
	}{
		{"both asked for, both there", []string{testToken}, []string{testShared}, true, true, 200},
		{"both asked for, Sign only", []string{testToken}, []string{testShared}, true, false, 403},
		{"both asked for, signature only", []string{testToken}, []string{testShared}, false, true, 403},
		{"signature asked for and there", nil, []string{testShared}, false, true, 200},
		{"signature asked for, Sign there", nil, []string{testShared}, true, false, 403},
		{"Sign asked for and there", []string{testToken}, nil, true, false, 200},
		{"Sign asked for, signature there", []string{testToken}, nil, false, true, 403},
		{"nothing asked for", nil, nil, false, false, 200},
	} {
		f := newFixture(t, func(o *Options) { o.Tokens, o.Secrets = row.tokens, row.secrets })
		r := unblockRequest(t)
		if !row.sign {
			setQuery(r, api.QuerySign, "")
			setQuery(r, api.QueryRequestTime, "")
		}
		if row.signature {
			signWith(t, r, testTime, testShared)
		}
		if status, got := f.serve(t, r); status != row.status || (status == 200) != (f.calls() == 1) {
			t.Errorf("%s: %d %+v after %d calls, want %d", row.name, status, got, f.calls(), row.status)
		}
	}
}

func TestHandlerTakesSkewForSignatures(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Secrets, o.Skew = []string{testShared}, 5*time.Minute })
	r := unblockRequest(t)
	signWith(t, r, testTime-300, testShared)
	if status, got := f.serve(t, r); status != 200 {
		t.Errorf("%d %+v, want OK", status, got)
	}
}

// What a stranger sends is refused by its headers where that is possible, and the body is bounded where it is not.
func TestHandlerReadsNoBodyBeforeSignatureHeaders(t *testing.T) {
	f, r := newFixture(t, withSecrets(testShared)), unblockRequest(t)
	body := &countingReader{}
	r.Body = io.NopCloser(body)
	if status, _ := f.serve(t, r); status != 403 || body.reads != 0 {
		t.Errorf("%d after %d reads of the body, want 403 without", status, body.reads)
	}

	f = newFixture(t, func(o *Options) { o.Secrets, o.MaxBody = []string{testShared}, 10 })
	r = unblockRequest(t)
	signWith(t, r, testTime, testShared)
	if status, _ := f.serve(t, r); status != 413 || f.calls() != 0 {
		t.Errorf("a signed body beyond MaxBody: %d, want 413", status)
	}
}

func TestNewRefusesSecrets(t *testing.T) {
	for _, row := range []struct {
		name, reason string
		secrets      []string
	}{
		{"empty", "secret 2 of 2: the secret is empty", []string{testShared, ""}},
		{"private key", "secret 1 of 1: a private key (whsk_) belongs to the sender alone: give the receiver its public key", []string{testPrivate}},
		{"a Token", "begins neither with", []string{testToken}},
	} {
		_, err := New(Options{SDKAppID: 1, Secrets: row.secrets})
		if err == nil || !strings.Contains(err.Error(), row.reason) {
			t.Errorf("%s: %v, want a refusal with %q", row.name, err, row.reason)
		}
		for _, secret := range row.secrets {
			leaksNothing(t, err, secret)
		}
	}
}
