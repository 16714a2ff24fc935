package operator

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"strconv"
)

// prefix begins the path of every JSON endpoint.
const prefix = "/operator/v1"

// handler holds what the endpoints share.
type handler struct {
	Options
	listeners listeners
	streams   shares // that are open
	tests     shares // that are under way
}

// endpoint is one call of the JSON API.
type endpoint struct {
	method, path string // the path below prefix
	scope        scope
	call         callFunc
}

// name is the endpoint's key among the operations.
func (e endpoint) name() string { return e.method + " " + e.path }

// callFunc answers one request: with a value to encode, or an error.
type callFunc func(http.ResponseWriter, *http.Request) (any, error)

// New returns the operator API's handler. See the package comment for what it guarantees.
func New(opts Options) http.Handler {
	h := &handler{Options: opts.withDefaults()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.health)
	mux.HandleFunc("GET /readyz", h.ready)
	if h.Metrics != nil {
		mux.Handle("GET /metrics", h.localOrToken(h.Metrics))
	}
	for pattern, handle := range map[string]http.HandlerFunc{
		"/debug/pprof/":        pprof.Index,
		"/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol":  pprof.Symbol,
		"/debug/pprof/trace":   pprof.Trace,
	} {
		mux.Handle(pattern, h.token(handle))
	}
	known := operations()
	for _, e := range h.endpoints() {
		mux.Handle(e.method+" "+prefix+e.path, h.scoped(e.scope, h.answer(checked(known[e.name()], e.call))))
	}
	mux.Handle("/", h.token(h.answer(notFound)))
	return h.timely(h.guard(mux))
}

// endpoints is the table of the JSON API.
func (h *handler) endpoints() []endpoint {
	return []endpoint{
		{"GET", "/status", scopeOperator, h.status},
		{"GET", "/config", scopeOperator, h.config},
		{"GET", "/apps", scopeOperator, h.listApps},
		{"POST", "/apps", scopeOperator, h.createApp},
		{"GET", "/apps/{id}", scopeOperator, h.showApp},
		{"PATCH", "/apps/{id}", scopeOperator, h.updateApp},
		{"DELETE", "/apps/{id}", scopeOperator, h.deleteApp},
		{"POST", "/apps/{id}/rotate-key", scopeOperator, h.rotateKey},
		{"DELETE", "/apps/{id}/keys/{fingerprint}", scopeOperator, h.dropKey},
		{"POST", "/apps/{id}/tokens", scopeOperator, h.createToken},
		{"DELETE", "/apps/{id}/tokens/{token}", scopeOperator, h.dropToken},
		{"GET", "/apps/{id}/callback", scopePath, h.showCallback},
		{"PATCH", "/apps/{id}/callback", scopeOperator, h.setCallback},
		{"POST", "/apps/{id}/callback/test", scopePath, h.testCallback},
		{"POST", "/apps/{id}/callback/keys", scopeOperator, h.addSigningKey},
		{"DELETE", "/apps/{id}/callback/keys/{key}", scopeOperator, h.dropSigningKey},
		{"POST", "/apps/{id}/callback/pause", scopeOperator, h.pauseCallback},
		{"POST", "/apps/{id}/callback/resume", scopeOperator, h.resumeCallback},
		{"GET", "/apps/{id}/callback/cert", scopePath, h.clientCert},
		{"POST", "/apps/{id}/usersig", scopeOperator, h.makeUserSig},
		{"POST", "/apps/{id}/usersig/check", scopeOperator, h.checkUserSig},
		{"POST", "/apps/{id}/trigger", scopePath, h.trigger},
		{"GET", "/apps/{id}/listen", scopePath, h.listen},
		{"POST", "/apps/{id}/listen/{exchange}", scopePath, h.answerExchange},
		{"GET", "/apps/{id}/export/blocklists", scopeOperator, h.exportBlocklists},
		{"GET", "/events", scopeQuery, h.listEvents},
		{"GET", "/events/tail", scopeQuery, h.tailEvents},
		{"GET", "/events/{event}", scopeQuery, h.showEvent},
		{"POST", "/events/{event}/park", scopeOperator, h.parkEvent},
		{"POST", "/events/{event}/retry", scopeOperator, h.retryEvent},
		{"POST", "/replays", scopeOperator, h.createReplay},
		{"GET", "/replays", scopeOperator, h.listReplays},
		{"GET", "/replays/{replay}", scopeOperator, h.showReplay},
		{"PATCH", "/replays/{replay}", scopeOperator, h.updateReplay},
		{"POST", "/replays/{replay}/pause", scopeOperator, h.pauseReplay},
		{"POST", "/replays/{replay}/resume", scopeOperator, h.resumeReplay},
		{"POST", "/replays/{replay}/cancel", scopeOperator, h.cancelReplay},
		{"GET", "/endpoints", scopeQuery, h.listEndpoints},
		{"GET", "/ca", scopeOperator, h.showCA},
		{"GET", "/outbox", scopeQuery, h.outbox},
		{"POST", "/backup", scopeOperator, h.backup},
		{"GET", "/openapi.json", scopeOperator, h.describe},
	}
}

// answer encodes what an endpoint returns, and logs who changed what.
func (h *handler) answer(call callFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		value, err := call(w, r)
		status := http.StatusOK
		switch {
		case err != nil:
			status = h.fail(w, r, err)
		case value != nil:
			writeJSON(w, status, value)
		}
		if r.Method != http.MethodGet {
			h.Log.Info("operator call", "method", r.Method, "path", redactPath(r.URL), "status", status, "peer", r.RemoteAddr)
		}
	})
}

func notFound(_ http.ResponseWriter, r *http.Request) (any, error) {
	return nil, &Error{
		Status: http.StatusNotFound, Code: CodeNotFound,
		Message: fmt.Sprintf("there is no %s %s in the operator API; client and server may be of different versions", r.Method, redactPath(r.URL)),
	}
}

// appID reads the SDKAppID of the path.
func appID(r *http.Request) (uint32, error) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 32)
	if err != nil || id == 0 {
		return 0, badRequest("%q is not an SDKAppID; give a whole number from 1 to 4294967295", r.PathValue("id"))
	}
	return uint32(id), nil
}
