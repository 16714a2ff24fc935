package egress_test

import (
	"bufio"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/relation"
)

// TestNodeOfThePage runs the program for Node.js of docs/mutual-tls.md, but for paths and the port.
func TestNodeOfThePage(t *testing.T) {
	ca := openCA(t, time.Now)
	dir := t.TempDir()
	root := serverFiles(t, dir, ca.CertPEM())
	write(t, filepath.Join(dir, "server.mjs"), replaceAll(t, pageBlock(t, "js"), [][2]string{
		{"/etc/chat/chat.example.net.crt", filepath.Join(dir, "server.crt")},
		{"/etc/chat/chat.example.net.key", filepath.Join(dir, "server.key")},
		{"/etc/chat/kith-ca.crt", filepath.Join(dir, "kith-ca.crt")},
		{"server.listen(8443, ", "server.listen(0, '127.0.0.1', "},
	}))
	cmd := exec.Command("node", filepath.Join(dir, "server.mjs"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log := run(t, cmd)
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the program does not start: %v, %s", err, log())
	}
	server := &tlsServer{address: "127.0.0.1:" + strings.TrimSpace(port), root: root}
	for _, tt := range []struct {
		name   string
		shown  relation.ClientCertificate
		status int // 0: no answer
		alert  bool
	}{
		{"the app's certificate", issue(t, ca, appA), http.StatusOK, false},
		{"another app's", issue(t, ca, appB), http.StatusForbidden, false},
		{"of another CA", issue(t, openCA(t, time.Now), appA), 0, false},
		{"no certificate", relation.ClientCertificate{}, 0, true},
	} {
		transport := server.transport(t, tt.shown)
		for i := range 2 { // the second connection resumes the session of the first
			status, body, err := postTo(t, transport, "https://"+server.address+"/callback")
			if status != tt.status || (err != nil) != (tt.status == 0) {
				t.Errorf("%s, connection %d: status %d, body %q, error %v, %s", tt.name, i+1, status, body, err, log())
			}
			if e := egress.Classify(err); tt.alert != (e != nil && e.Phase == egress.PhaseClientCert) {
				t.Errorf("%s, connection %d: error %v (%+v), alert %v", tt.name, i+1, err, e, tt.alert)
			}
		}
	}
}

// TestGoOfThePage builds the program in Go of docs/mutual-tls.md. That such a server refuses what it should is tested by
// TestClientCertificates.
func TestGoOfThePage(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.go"), pageBlock(t, "go"))
	if out, err := exec.Command("go", "vet", filepath.Join(dir, "main.go")).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
