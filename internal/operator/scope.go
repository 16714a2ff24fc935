package operator

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
)

// scope says what a token that is good for one app only may do with an endpoint. The operator token opens them all.
type scope int

const (
	scopeOperator scope = iota // nothing
	scopePath                  // call it for its own app, which the path names as /apps/{id}
	scopeQuery                 // call it; ?sdkappid= is set to its own app, and may name no other
)

// scoped lets holders of the operator token through, and of an app's token as far as the scope goes.
func (h *handler) scoped(s scope, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := bearer(r)
		if same(given, h.Token) {
			next.ServeHTTP(w, r)
			return
		}
		app, ok := h.Registry.TokenApp(given)
		if !ok {
			w.Header().Set("WWW-Authenticate", "Bearer")
			h.fail(w, r, unauthorized(given))
			return
		}
		pinned, err := s.pin(r, app)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, pinned.WithContext(context.WithValue(pinned.Context(), tokenKey{}, given)))
	})
}

// tokenKey is the context's key of the app's token that a request was let through with.
type tokenKey struct{}

// revoked says why an answer that goes on must end, as one of an app (0: of all) does for holders of a token that was dropped
// meanwhile. It is empty while it may go on.
func (h *handler) revoked(r *http.Request, sdkAppID uint32) string {
	if h.known(sdkAppID) != nil {
		return endDeleted
	}
	given, scoped := r.Context().Value(tokenKey{}).(string)
	if !scoped {
		return ""
	}
	switch app, good := h.Registry.TokenApp(given); {
	case !good:
		return endDropped
	case app.Disabled:
		return endDisabled
	}
	return ""
}

// pin returns the request as the holder of a token of the app may make it, or why not.
func (s scope) pin(r *http.Request, app *relation.App) (*http.Request, error) {
	own := strconv.FormatUint(uint64(app.SDKAppID), 10)
	switch {
	case app.Disabled:
		return nil, forbidden(fmt.Sprintf("app %s is disabled, and so are its tokens", own))
	case s == scopePath && r.PathValue("id") == own:
		return r, nil
	case s == scopeQuery:
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, badRequest("the query of the URL is broken")
		}
		for _, id := range query["sdkappid"] {
			if id != own {
				return nil, notForToken(own)
			}
		}
		query.Set("sdkappid", own)
		pinned := r.WithContext(r.Context()) // a copy
		u := *r.URL
		u.RawQuery = query.Encode()
		pinned.URL = &u
		return pinned, nil
	}
	return nil, notForToken(own)
}

func notForToken(own string) error {
	return forbidden(fmt.Sprintf("this token is good for callbacks and events of app %s only; for anything else use the operator token", own))
}

func unauthorized(given string) error {
	message := "the operator token is missing or wrong; it is in the file operator-token in the server's data directory"
	if strings.HasPrefix(given, apps.TokenPrefix) {
		message = "the app's token is wrong or was dropped; `kith app token create` makes another"
	}
	return &Error{Status: http.StatusUnauthorized, Code: CodeUnauthorized, Message: message}
}

// bearer returns the token that the request presents, or nothing.
func bearer(r *http.Request) string {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return given
}

// same compares hashes, so that neither content nor length of the token shows in the time it takes. Nothing is the same as
// an empty token.
func same(given, want string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && want != ""
}
