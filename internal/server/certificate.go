package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// certificateCheck is how often the files of a certificate are looked at, so that a renewed one is served without a
	// restart.
	certificateCheck = time.Minute
	// renewBefore is how long before its end a self-signed certificate is replaced.
	renewBefore = 30 * 24 * time.Hour
)

// certificateOptions says where the certificate is: in two files, or self-signed below a data directory.
type certificateOptions struct {
	cert, key    string
	selfSignedIn string
	hosts        []string // names and addresses for a self-signed one
	now          func() time.Time
	log          *slog.Logger
}

// certificates serves the certificate of the TLS listeners and follows its files. It is safe for concurrent use and has
// no goroutine: handshakes do the looking.
type certificates struct {
	certFile, keyFile string // absolute
	selfSigned        bool
	hosts             []string
	now               func() time.Time
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // when the files were, as far as current goes
	next    time.Time // when to look again
}

// openCertificates reads the certificate, making a self-signed one if there is none that is still good.
func openCertificates(o certificateOptions) (*certificates, error) {
	c := &certificates{certFile: o.cert, keyFile: o.key, hosts: o.hosts, now: o.now, log: o.log}
	if o.selfSignedIn != "" {
		dir := filepath.Join(o.selfSignedIn, "tls")
		c.selfSigned, c.certFile, c.keyFile = true, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	}
	var err error
	if c.certFile, err = filepath.Abs(c.certFile); err != nil {
		return nil, fmt.Errorf("tls-cert: %w", err)
	}
	if c.keyFile, err = filepath.Abs(c.keyFile); err != nil {
		return nil, fmt.Errorf("tls-key: %w", err)
	}
	if err := c.refresh(c.now()); err != nil {
		return nil, err
	}
	return c, nil
}

// config returns the TLS settings of a listener: TLS 1.2 or newer, HTTP/2 preferred.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil },
	}
}

// get returns the certificate to present. When the files cannot be read, the old one stays in use.
func (c *certificates) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); !now.Before(c.next) {
		if err := c.refresh(now); err != nil {
			c.log.Error("the TLS certificate could not be renewed; the old one stays in use", "error", err)
		}
	}
	return c.current
}

// refresh reads the files if they are newer than what is in use, and replaces a self-signed certificate that ends soon.
func (c *certificates) refresh(now time.Time) error {
	c.next = now.Add(certificateCheck)
	if c.selfSigned {
		if err := c.renew(now); err != nil {
			return err
		}
	}
	info, err := os.Stat(c.certFile)
	if err != nil {
		return fmt.Errorf("tls-cert: %w; check the path", err)
	}
	if c.current != nil && info.ModTime().Equal(c.changed) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("the TLS certificate %s cannot be used: %w", c.certFile, err)
	}
	c.current, c.changed = &pair, info.ModTime()
	if !now.Before(pair.Leaf.NotAfter) {
		c.log.Warn("the TLS certificate has expired; clients will refuse it", "file", c.certFile, "expired", pair.Leaf.NotAfter)
	}
	return nil
}

// renew makes a new self-signed certificate unless the present one is good for a while.
func (c *certificates) renew(now time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err == nil && now.Add(renewBefore).Before(pair.Leaf.NotAfter) {
		return nil
	}
	if err := writeSelfSigned(c.certFile, c.keyFile, c.hosts, now); err != nil {
		return fmt.Errorf("make a self-signed certificate: %w", err)
	}
	c.log.Info("made a self-signed certificate", "file", c.certFile)
	return nil
}
