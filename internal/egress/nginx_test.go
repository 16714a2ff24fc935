package egress_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/pki"
	"github.com/kithchat/kith/internal/relation"
)

const mutualTLSPage = "../../docs/mutual-tls.md"

// TestNginxOfThePage runs nginx with the configuration of docs/mutual-tls.md, but for paths and addresses.
func TestNginxOfThePage(t *testing.T) {
	dir := t.TempDir()
	openAt(t, dir, time.Now().Add(-200*24*time.Hour)) // the CA is old enough for an expired certificate
	ca := openAt(t, dir, time.Now())
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "for "+r.Header.Get("X-Kith-App"))
	}))
	defer backend.Close()
	for _, versions := range []string{"TLSv1.2 TLSv1.3", "TLSv1.2"} {
		server := runNginx(t, ca.CertPEM(), backend, versions)
		for _, tt := range []struct {
			name  string
			shown relation.ClientCertificate
			want  string // body; empty: refused
		}{
			{"the app's certificate", issue(t, ca, appA), "for 1600077123"},
			{"no certificate", relation.ClientCertificate{}, ""},
			{"of another CA", issue(t, openCA(t, time.Now), appA), ""},
			{"another app's", issue(t, ca, appB), ""},
			{"expired", issue(t, openAt(t, dir, time.Now().Add(-100*24*time.Hour)), appA), ""},
		} {
			t.Run(versions+" "+tt.name, func(t *testing.T) {
				transport := server.transport(t, tt.shown)
				// The second connection resumes the session of the first.
				for range 2 {
					status, body, err := postTo(t, transport, "https://"+server.address+"/callback")
					if err != nil {
						t.Fatalf("error %v, nginx says: %s", err, server.log())
					}
					if tt.want != "" && (status != http.StatusOK || body != tt.want) {
						t.Errorf("status %d, body %q, nginx says: %s", status, body, server.log())
					}
					if refused := egress.RefusedByNginx(status, []byte(body)); refused != (tt.want == "") {
						t.Errorf("refused %v: status %d, body %q", refused, status, body)
					}
				}
			})
		}
	}
}

// TestNginxTrustsAnIntermediateCA has an operator's CA that is not a root, with the configuration of the page as it is.
func TestNginxTrustsAnIntermediateCA(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer backend.Close()
	root, rootKey := newCert(t, "root", true, nil, nil)
	middle, middleKey := newCert(t, "middle", true, root, rootKey)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ca.pem"), pemOf(middle.Raw)+pemOf(root.Raw))
	write(t, filepath.Join(dir, "ca.key"), keyPEM(t, middleKey))
	ca, err := pki.Open(pki.Options{CertFile: filepath.Join(dir, "ca.pem"), KeyFile: filepath.Join(dir, "ca.key")})
	if err != nil {
		t.Fatal(err)
	}
	for name, trusted := range map[string]string{"kith ca show": ca.CertPEM(), "the root alone": pemOf(root.Raw)} {
		server := runNginx(t, trusted, backend, "TLSv1.2 TLSv1.3")
		status, body, err := postTo(t, server.transport(t, issue(t, ca, appA)), "https://"+server.address+"/callback")
		if err != nil || status != http.StatusOK {
			t.Errorf("%s: status %d, body %q, error %v, nginx says: %s", name, status, body, err, server.log())
		}
	}
}

func TestOtherAnswersAreNoRefusalOfACertificate(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
	}{
		{200, "No required SSL certificate was sent"},
		{400, "<html>400 Bad Request</html>"},
		{403, "The SSL certificate error"},
		{400, ""},
	} {
		if egress.RefusedByNginx(tt.status, []byte(tt.body)) {
			t.Errorf("%d %q counts as one", tt.status, tt.body)
		}
	}
}

// tlsServer is a program under test and what a client needs to reach it.
type tlsServer struct {
	address string
	root    string // CA of its certificate
	log     func() string
}

// transport makes a connection for each request.
func (s *tlsServer) transport(t *testing.T, shown relation.ClientCertificate) *http.Transport {
	t.Helper()
	e, err := egress.New(egress.Options{Allow: []string{"loopback"}})
	if err != nil {
		t.Fatal(err)
	}
	transport, err := e.Transport(egress.Endpoint{Timeout: patient, CA: s.root, ClientCert: shown.Cert, ClientKey: shown.Key})
	if err != nil {
		t.Fatal(err)
	}
	transport.DisableKeepAlives = true
	return transport
}

// runNginx starts nginx until the test ends. It inherits its listening socket, so that it can be called at once.
func runNginx(t *testing.T, trusted string, backend *httptest.Server, versions string) *tlsServer {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // not in the PATH of every user
		if _, err := os.Stat(program); err != nil {
			t.Fatal("nginx is missing: run make deps, or install it")
		}
	}
	dir := t.TempDir()
	address, socket := listening(t)
	root := serverFiles(t, dir, trusted)
	config := replaceAll(t, pageBlock(t, "nginx"), [][2]string{
		{"listen 443 ssl;", "listen " + address + " ssl;"},
		{"/etc/nginx/tls/chat.example.net.crt", filepath.Join(dir, "server.crt")},
		{"/etc/nginx/tls/chat.example.net.key", filepath.Join(dir, "server.key")},
		{"/etc/nginx/tls/kith-ca.crt", filepath.Join(dir, "kith-ca.crt")},
		{"TLSv1.2 TLSv1.3", versions},
		{"http://127.0.0.1:3000", backend.URL},
	})
	write(t, filepath.Join(dir, "nginx.conf"), "daemon off;\nuser root;\nworker_processes 1;\npid nginx.pid;\nerror_log stderr info;\nevents {}\n"+
		"http {\naccess_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\n"+
		"uwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n"+config+"}\n")
	cmd := exec.Command(program, "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"))
	cmd.Env = append(os.Environ(), "NGINX=3;")
	cmd.ExtraFiles = []*os.File{socket}
	return &tlsServer{address: address, root: root, log: run(t, cmd)}
}

// run starts a program until the test ends and returns what it writes to standard error.
func run(t *testing.T, cmd *exec.Cmd) func() string {
	t.Helper()
	log := leaktest.NewWatch(t)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	return log.Text
}

// listening returns a listening socket on a loopback port, for a program that inherits it.
func listening(t *testing.T) (string, *os.File) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = listener.Close()
		_ = socket.Close()
	})
	return listener.Addr().String(), socket
}

// serverFiles writes the certificate of a server at 127.0.0.1, its key, and the CA for clients. It returns the server's CA.
func serverFiles(t *testing.T, dir, trusted string) string {
	t.Helper()
	root, rootKey := newCert(t, "server CA", true, nil, nil)
	cert, key := newCert(t, "server", false, root, rootKey)
	write(t, filepath.Join(dir, "server.crt"), pemOf(cert.Raw))
	write(t, filepath.Join(dir, "server.key"), keyPEM(t, key))
	write(t, filepath.Join(dir, "kith-ca.crt"), trusted)
	return pemOf(root.Raw)
}

// pageBlock returns the fenced block of a language on the page about mutual TLS.
func pageBlock(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile(mutualTLSPage)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(page), "\n```"+language+"\n")
	block, _, ends := strings.Cut(rest, "\n```\n")
	if !begins || !ends {
		t.Fatalf("%s has no block of %s", mutualTLSPage, language)
	}
	return block + "\n"
}

func replaceAll(t *testing.T, text string, pairs [][2]string) string {
	t.Helper()
	for _, p := range pairs {
		if strings.Count(text, p[0]) != 1 {
			t.Fatalf("the page has %q %d times, want once", p[0], strings.Count(text, p[0]))
		}
		text = strings.Replace(text, p[0], p[1], 1)
	}
	return text
}

func postTo(t *testing.T, transport *http.Transport, url string) (status int, body string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func newCert(t *testing.T, name string, isCA bool, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: isCA, BasicConstraintsValid: true,
	}
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
	} else {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func keyPEM(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// openAt opens the CA of a data directory at a time.
func openAt(t *testing.T, dir string, now time.Time) *pki.CA {
	t.Helper()
	ca, err := pki.Open(pki.Options{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return ca
}
