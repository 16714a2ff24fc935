package webclient

import (
	"embed"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/kithchat/kith/api"
)

// page is index.html and what it loads.
//
//go:embed page
var page embed.FS

// bundle is the built SDK. `make sdk` makes it from sdk/typescript, and a test fails when it is not what that builds.
//
//go:embed kith.min.js
var bundle []byte

func (p *Page) serveFiles(mux *http.ServeMux) {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	server := http.FileServerFS(files)
	policy := p.contentPolicy()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		server.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /kith.min.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = w.Write(bundle)
	})
}

// contentPolicy lets the page load its own files, talk to its own server and to Kith's gateway, and nothing else.
func (p *Page) contentPolicy() string {
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
		"connect-src 'self' " + p.gateway(), "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
	}, "; ")
}

// gateway returns the gateway's URL: that of Kith, with ws for http and wss for https.
func (p *Page) gateway() string {
	return "ws" + strings.TrimPrefix(strings.TrimRight(p.Kith, "/"), "http") + api.GatewayPath
}

// protect sets the headers that every answer has, and refuses requests that came under another host's name: a page
// elsewhere could point its own name at loopback, and would then count as the same site.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !local(r.Host) {
			http.Error(w, "open this page by a loopback address, such as http://127.0.0.1", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// local tells whether a Host header names this machine's loopback.
func local(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
