package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

func TestOpenMakesACAOnceAndKeepsIt(t *testing.T) {
	dir := t.TempDir()
	first := mustOpen(t, Options{Dir: dir, Now: at(start)})
	cert := parse(t, first.CertPEM())
	if !cert.IsCA || cert.MaxPathLen != 0 || cert.KeyUsage&x509.KeyUsageCertSign == 0 || cert.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("CA %+v", cert)
	}
	if want := start.Add(caLife); !first.NotAfter().Equal(want) || cert.NotBefore.After(start.Add(-clockSlack)) {
		t.Errorf("CA from %v to %v, want to %v", cert.NotBefore, first.NotAfter(), want)
	}
	if len(first.Warnings()) != 0 {
		t.Errorf("warnings %q", first.Warnings())
	}
	for _, name := range []string{certName, keyName} {
		info, err := os.Stat(filepath.Join(dir, "ca", name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	second := mustOpen(t, Options{Dir: dir, Now: at(start.Add(time.Hour))})
	if second.CertPEM() != first.CertPEM() {
		t.Error("the second start made another CA")
	}
	entries, err := os.ReadDir(filepath.Join(dir, "ca"))
	if err != nil || len(entries) != 2 {
		t.Errorf("files %v, %v, want the two of the CA", entries, err)
	}
	other := mustOpen(t, Options{Dir: t.TempDir(), Now: at(start)})
	if bytes.Equal(parse(t, other.CertPEM()).RawSubject, cert.RawSubject) {
		t.Error("two CAs have one name")
	}
}

func TestACrashBetweenTheTwoFilesIsMended(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, Options{Dir: dir})
	key, err := os.ReadFile(filepath.Join(dir, "ca", keyName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "ca", certName)); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, Options{Dir: dir})
	if kept, err := os.ReadFile(filepath.Join(dir, "ca", keyName)); err != nil || !bytes.Equal(kept, key) {
		t.Errorf("the key changed (%v)", err)
	}
}

func TestCreateOverwritesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.key")
	if err := create(file, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := create(file, []byte("second")); !errors.Is(err, os.ErrExist) {
		t.Errorf("error %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "first" {
		t.Errorf("%q, %v", text, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("files %v, %v", entries, err)
	}
}

// masterKey stands for the server's master key: it seals with the first of its keys and unseals with all.
type masterKey []byte

func (m masterKey) seal(text []byte) ([]byte, error) {
	return append([]byte{m[0]}, flip(text, m[0])...), nil
}

func (m masterKey) unseal(text []byte) ([]byte, error) {
	if len(text) == 0 || bytes.IndexByte(m, text[0]) < 0 {
		return nil, errors.New("no key fits hunter2")
	}
	return flip(text[1:], text[0]), nil
}

func flip(text []byte, key byte) []byte {
	out := make([]byte, len(text))
	for i := range text {
		out[i] = text[i] ^ key
	}
	return out
}

func TestTheKeyIsSealedOnDisk(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ca", keyName)
	open := func(m masterKey) (*CA, error) {
		return Open(Options{Dir: dir, Now: at(start), Seal: m.seal, Unseal: m.unseal})
	}
	sealedWith := func(key byte) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		return block != nil && block.Type == blockSealed && block.Bytes[0] == key
	}
	ca, err := open(masterKey{1})
	if err != nil || !sealedWith(1) {
		t.Fatalf("sealed %v, error %v", sealedWith(1), err)
	}
	// A change of the master key: both, then only the new one.
	for _, m := range []masterKey{{1}, {2, 1}, {2}} {
		again, err := open(m)
		if err != nil || again.CertPEM() != ca.CertPEM() || !sealedWith(m[0]) || len(again.Warnings()) != 0 {
			t.Fatalf("master key %v: sealed %v, error %v", m, sealedWith(m[0]), err)
		}
	}
	if _, err := open(masterKey{3}); err == nil || !strings.Contains(err.Error(), "cannot be decrypted: set the master-key") ||
		strings.Contains(err.Error(), "hunter2") {
		t.Errorf("wrong master key: %v", err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "is encrypted: set the master-key") {
		t.Errorf("no master key: %v", err)
	}
	if !sealedWith(2) {
		t.Error("a failed start changed the file")
	}
}

func TestAKeyInClearIsSealedWhenAMasterKeyIsSet(t *testing.T) {
	dir := t.TempDir()
	plain := mustOpen(t, Options{Dir: dir})
	m := masterKey{7}
	sealed := mustOpen(t, Options{Dir: dir, Seal: m.seal, Unseal: m.unseal})
	if sealed.CertPEM() != plain.CertPEM() {
		t.Error("another CA")
	}
	text, err := os.ReadFile(filepath.Join(dir, "ca", keyName))
	if err != nil || !bytes.Contains(text, []byte(blockSealed)) {
		t.Errorf("file %q, %v", text, err)
	}
}

func TestACAThatEndsSoonIsWarnedOf(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, Options{Dir: dir, Now: at(start)})
	soon := mustOpen(t, Options{Dir: dir, Now: at(start.Add(caLife - time.Hour))})
	if w := strings.Join(soon.Warnings(), "\n"); !strings.Contains(w, "expires on 2036-11-24") {
		t.Errorf("warnings %q", w)
	}
	late := mustOpen(t, Options{Dir: dir, Now: at(start.Add(caLife))})
	if w := strings.Join(late.Warnings(), "\n"); !strings.Contains(w, "expired on 2036-11-24") {
		t.Errorf("warnings %q", w)
	}
	if _, err := late.Issue(1, 0); err == nil || !strings.Contains(err.Error(), "expired on 2036-11-24") {
		t.Errorf("error %v", err)
	}
}

func TestOneFileOfTheCAIsMissing(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, Options{Dir: dir})
	if err := os.Remove(filepath.Join(dir, "ca", keyName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "ca.key is missing") {
		t.Errorf("error %v", err)
	}
}

func mustOpen(t *testing.T, o Options) *CA {
	t.Helper()
	ca, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func parse(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no PEM in %q", text)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
