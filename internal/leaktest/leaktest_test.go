package leaktest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// recorder is a testing.TB that only counts failures.
type recorder struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) end() []string {
	for _, f := range r.cleanups {
		f()
	}
	return r.failures
}

func TestCheckFindsEachSecretInEachForm(t *testing.T) {
	for name, secret := range Known() {
		shown := []string{
			secret, hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
			url.QueryEscape(secret), url.PathEscape(secret), url.UserPassword("u", secret).String(), fmt.Sprintf("%q", secret),
		}
		for user := range 7 {
			text := strings.Repeat("u", user) + ":" + secret
			shown = append(shown, base64.StdEncoding.EncodeToString([]byte(text)), base64.URLEncoding.EncodeToString([]byte(text+"@x")))
		}
		if i := strings.LastIndexByte(secret, '_'); i > 0 {
			shown = append(shown, secret[i+1:], strings.TrimRight(secret[i+1:], "="))
		}
		for _, text := range shown {
			r := &recorder{TB: t}
			Check(r, "a log", "nothing here", "before "+text+" after")
			if len(r.failures) != 1 || !strings.Contains(r.failures[0], "a log tells the "+name) {
				t.Errorf("%s shown as %q: %q", name, text, r.failures)
			}
		}
	}
}

func TestCheckFindsDecodedKeys(t *testing.T) {
	for name, secret := range map[string]string{"master key": MasterKey, "signing key": SigningKey[6:], "signing pair": SigningPair[5:]} {
		raw, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			t.Fatal(err)
		}
		r := &recorder{TB: t}
		Check(r, "a dump", hex.EncodeToString(raw), string(raw))
		if len(r.failures) != 2 || !strings.Contains(r.failures[0], name) {
			t.Errorf("%s: %q", name, r.failures)
		}
	}
}

func TestCheckPassesWhatIsNoSecret(t *testing.T) {
	public := SigningPair[len(SigningPair)-43:] // the public half may be shown
	Check(t, "an answer", "", "leaktest", "whsec_", "kat_1600077123_", "whpk_"+public, AppKey[:20], AppKey[1:])
}

func TestWatch(t *testing.T) {
	r := &recorder{TB: t}
	w := NewWatch(r)
	w.Log().Debug("hello", "token", CallbackToken)
	w.Saw("an error", "cannot send: made-up-secret")
	w.Saw("another error", "cannot send")
	answers := w.Answers(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Key", AppKey)
		if r.URL.Path == "/fails" {
			rw.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(rw, "made-up-secret")
	}), func(r *http.Request, secret string) bool {
		return r.Method == http.MethodPost && secret == "made-up-secret"
	})
	for _, request := range [][2]string{{http.MethodGet, "/x"}, {http.MethodPost, "/x"}, {http.MethodPost, "/fails"}} {
		answer := httptest.NewRecorder()
		answers.ServeHTTP(answer, httptest.NewRequest(request[0], request[1], nil))
		if answer.Body.String() != "made-up-secret" || answer.Header().Get("X-Key") != AppKey {
			t.Errorf("the answer was changed: %q", answer.Body)
		}
	}
	w.Secret("secret of this test", "made-up-secret") // after it was shown
	w.Secret("nothing", "")
	if !strings.Contains(w.Text(), "hello") {
		t.Errorf("the log is %q", w.Text())
	}
	failures := r.end()
	want := []string{
		"the log tells the callback token", "an error tells the secret of this test",
		"the answer to GET /x tells the app key", "the answer to GET /x tells the secret of this test",
		"the answer to POST /x tells the app key",
		"the answer to POST /fails tells the app key", "the answer to POST /fails tells the secret of this test",
	}
	if len(failures) != len(want) {
		t.Fatalf("failures %q, want %q", failures, want)
	}
	for i := range want {
		if !strings.HasPrefix(failures[i], want[i]) {
			t.Errorf("failure %q, want %q", failures[i], want[i])
		}
	}
}
