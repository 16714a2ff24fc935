package main

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each failure of a test callback says what helps, and none says what does not.
func TestCallbackTestHints(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the end of the connection is not noticed
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusMovedPermanently)
		case "/slow":
			<-r.Context().Done()
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/page":
			http.Error(w, "<html>\r\n<title>no</title>", http.StatusNotFound)
		case "/nginx":
			http.Error(w, "<html>\r\n<title>400 No required SSL certificate was sent</title>\r\n<center>nginx</center>", http.StatusBadRequest)
		}
	})
	plain, secure := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	defer plain.Close()
	defer secure.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", "1600077123")
	k.run("app", "callback", "set", "1600077123", "--url", plain.URL)

	port := plain.URL[strings.LastIndex(plain.URL, ":"):]
	tests := []struct{ name, url, ca, hint string }{
		{"of an unknown CA", secure.URL, "", "a CA of your own"},
		{"without TLS", "https://127.0.0.1" + port, "", "begins with http://"},
		{"a redirect", plain.URL + "/moved", "", "redirects are never followed"},
		{"no answer", plain.URL + "/slow", "", "--timeout"},
		{"cut off behind TLS", secure.URL + "/cut", ca, "client certificate"},
		{"no client certificate", secure.URL + "/nginx", ca, "--mutual-tls"},
		{"cut off without TLS", plain.URL + "/cut", "", ""},
		{"another status", plain.URL + "/page", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := shell{t, data}
			k.run("app", "callback", "set", "1600077123", "--url", test.url, "--ca", test.ca, "--timeout", "1s")
			r := k.fail(exitFailed, "the test callback failed", "app", "callback", "test", "1600077123")
			_, hint, found := strings.Cut(r.out, "\nhint ")
			if found != (test.hint != "") || !strings.Contains(hint, test.hint) {
				t.Errorf("the hint is %q, want %q:\n%s", hint, test.hint, r.out)
			}
			if strings.Contains(r.out, "\uFFFD") {
				t.Errorf("a line break of the answer is shown as what it is not:\n%s", r.out)
			}
		})
	}
}
