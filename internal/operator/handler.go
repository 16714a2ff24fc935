package operator

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
)

// prefix begins the path of every JSON endpoint.
const prefix = "/operator/v1"

// handler holds what the endpoints share.
type handler struct{ Options }

// endpoint answers one call: with a value to encode, or an error.
type endpoint func(http.ResponseWriter, *http.Request) (any, error)

// New returns the operator API's handler. See the package comment for what it guarantees.
func New(opts Options) http.Handler {
	h := &handler{opts.withDefaults()}
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
	for pattern, call := range h.endpoints() {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+prefix+path, h.token(h.answer(call)))
	}
	mux.Handle("/", h.token(h.answer(notFound)))
	return h.guard(mux)
}

// endpoints is the table of the JSON API.
func (h *handler) endpoints() map[string]endpoint {
	return map[string]endpoint{
		"GET /status":                          h.status,
		"GET /config":                          h.config,
		"GET /apps":                            h.listApps,
		"POST /apps":                           h.createApp,
		"GET /apps/{id}":                       h.showApp,
		"PATCH /apps/{id}":                     h.updateApp,
		"DELETE /apps/{id}":                    h.deleteApp,
		"POST /apps/{id}/rotate-key":           h.rotateKey,
		"DELETE /apps/{id}/keys/{fingerprint}": h.dropKey,
		"GET /apps/{id}/callback":              h.showCallback,
		"PATCH /apps/{id}/callback":            h.setCallback,
		"POST /apps/{id}/callback/test":        h.testCallback,
		"POST /apps/{id}/usersig":              h.makeUserSig,
		"POST /apps/{id}/usersig/check":        h.checkUserSig,
		"GET /events":                          h.deadEvents,
		"GET /outbox":                          h.outbox,
		"POST /backup":                         h.backup,
	}
}

// answer encodes what an endpoint returns, and logs who changed what.
func (h *handler) answer(call endpoint) http.Handler {
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
			h.Log.Info("operator call", "method", r.Method, "path", r.URL.Path, "status", status, "peer", r.RemoteAddr)
		}
	})
}

func notFound(_ http.ResponseWriter, r *http.Request) (any, error) {
	return nil, &Error{
		Status: http.StatusNotFound, Code: CodeNotFound,
		Message: fmt.Sprintf("there is no %s %s in the operator API; client and server may be of different versions", r.Method, r.URL.Path),
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
