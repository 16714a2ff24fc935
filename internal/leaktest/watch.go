package leaktest

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Check fails the test when one of the texts has one of the secrets of Known in it. Where says where the texts are from.
func Check(t testing.TB, where string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		check(t, Known(), where, text)
	}
}

func check(t testing.TB, secrets map[string]string, where, text string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if form := find(text, secrets[name]); form != "" {
			t.Errorf("%s tells the %s, as %q:\n%s", where, name, form, around(text, form))
		}
	}
}

// around returns the part of the text that the form stands in.
func around(text, form string) string {
	const margin = 200
	i := strings.Index(text, form)
	return text[max(0, i-margin):min(len(text), i+len(form)+margin)]
}

// find returns the form in which the secret stands in the text, or nothing.
func find(text, secret string) string {
	for _, form := range forms(secret) {
		if strings.Contains(text, form) {
			return form
		}
	}
	return ""
}

// Watch collects texts until the test ends, and fails it then when one of them has a secret in it. Make one with NewWatch.
type Watch struct {
	mu      sync.Mutex
	secrets map[string]string
	log     bytes.Buffer
	seen    []seen
}

// seen is a text, with where it was, and which secrets may be in it.
type seen struct {
	where, text string
	allowed     func(secret string) bool
}

// NewWatch returns a Watch that looks for the secrets of Known.
func NewWatch(t testing.TB) *Watch {
	w := &Watch{secrets: Known()}
	t.Cleanup(func() { w.check(t) })
	return w
}

func (w *Watch) check(t testing.TB) {
	w.mu.Lock()
	defer w.mu.Unlock()
	check(t, w.secrets, "the log", w.log.String())
	for _, s := range w.seen {
		secrets := maps.Clone(w.secrets)
		maps.DeleteFunc(secrets, func(_, secret string) bool { return s.allowed != nil && s.allowed(secret) })
		check(t, secrets, s.where, s.text)
	}
}

// Secret adds a secret, under a name for people. An empty one is none.
func (w *Watch) Secret(name, secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if secret != "" {
		w.secrets[name] = secret
	}
}

// Saw adds a text, such as an error. Where says where it is from.
func (w *Watch) Saw(where, text string) { w.saw(seen{where: where, text: text}) }

func (w *Watch) saw(s seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, s)
}

// Write adds to the log.
func (w *Watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// Log returns a logger of every level, whose lines are watched.
func (w *Watch) Log() *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Text returns what was logged so far.
func (w *Watch) Text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// Answers watches headers and bodies of what next answers. Allowed, which may be nil, tells which secrets the answer to a
// request is meant to have when it succeeds.
func (w *Watch) Answers(next http.Handler, allowed func(r *http.Request, secret string) bool) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked := r.Clone(r.Context())
		tee := &tee{ResponseWriter: rw, status: http.StatusOK}
		defer func() {
			s := seen{where: fmt.Sprintf("the answer to %s %s", asked.Method, asked.URL.Path)}
			s.text = fmt.Sprintf("%v\n%s", tee.Header(), tee.body.String())
			if allowed != nil && tee.status == http.StatusOK {
				s.allowed = func(secret string) bool { return allowed(asked, secret) }
			}
			w.saw(s)
		}()
		next.ServeHTTP(tee, r)
	})
}

// tee keeps the status and a copy of the body.
type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (t *tee) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (t *tee) Write(p []byte) (int, error) {
	t.body.Write(p)
	return t.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }
