package operator

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard refuses what a web page in the operator's browser could send, and sets the headers that every answer has.
func (h *handler) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch {
		case r.Header.Get("Origin") != "":
			h.fail(w, r, forbidden("requests from web pages are refused; leave the Origin header out"))
		case arrivedOnLoopback(r) && !localName(r.Host) && !plainProbe(r):
			h.fail(w, r, forbidden("a request to a loopback address must name it: use 127.0.0.1 or localhost as host"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// token lets only holders of the operator token through.
func (h *handler) token(next http.Handler) http.Handler { return h.scoped(scopeOperator, next) }

// localOrToken lets processes of the same machine through, so that a Prometheus there needs no secret.
func (h *handler) localOrToken(next http.Handler) http.Handler {
	guarded := h.token(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local(r) {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// local reports whether a process of the same machine asks, and not through a proxy there.
func local(r *http.Request) bool {
	proxied := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
	return isLoopback(r.RemoteAddr) && !proxied
}

// arrivedOnLoopback reports whether the connection's own end is a loopback address.
func arrivedOnLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && isLoopback(local.String())
}

func isLoopback(hostPort string) bool {
	address, err := netip.ParseAddrPort(hostPort)
	return err == nil && address.Addr().Unmap().IsLoopback()
}

// plainProbe reports whether this is a health check without a Host header, as those of load balancers by HTTP/1.0. No
// browser sends one, and the answer is no secret.
func plainProbe(r *http.Request) bool {
	return r.Host == "" && (r.URL.Path == "/healthz" || r.URL.Path == "/readyz")
}

// localName reports whether a Host header cannot come from a name that somebody else's DNS answers: an address, or
// localhost.
func localName(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil || strings.EqualFold(name, "localhost")
}
