package operator

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/apps"
)

// Certificate names an X.509 certificate.
type Certificate struct {
	Subject     string    `json:"subject"`
	Fingerprint string    `json:"fingerprint"` // SHA-256, in hexadecimal
	NotAfter    time.Time `json:"not_after"`
}

// showCA answers with the CA that endpoints verify client certificates against.
func (h *handler) showCA(w http.ResponseWriter, _ *http.Request) (any, error) {
	if h.CA == nil {
		return nil, unsupported("this server has no CA that issues client certificates")
	}
	writePEM(w, h.CA())
	return nil, nil
}

// clientCert answers with what Kith shows the app's endpoint, without its key.
func (h *handler) clientCert(w http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	switch {
	case err != nil:
		return nil, err
	case app.Callback.ClientCert == nil:
		return nil, badRequest("app %d has no client certificate; `kith app callback set --mutual-tls` has one issued", app.SDKAppID)
	}
	writePEM(w, app.Callback.ClientCert.Cert)
	return nil, nil
}

// writePEM answers with a file. An error in writing means that the caller has gone.
func writePEM(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", typeFile)
	_, _ = io.WriteString(w, text)
}

// showBundle describes a bundle that passed apps.CheckBundle. An empty one has no certificates.
func showBundle(bundle string) []Certificate {
	shown := []Certificate{}
	if bundle == "" {
		return shown
	}
	certs, _ := apps.ParseBundle(bundle)
	for _, cert := range certs {
		shown = append(shown, showCertificate(cert))
	}
	return shown
}

// showLeaf describes the first certificate of a chain; nil for one that cannot be read.
func showLeaf(chain string) *Certificate {
	block, _ := pem.Decode([]byte(chain))
	if block == nil {
		return nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	shown := showCertificate(cert)
	return &shown
}

func showCertificate(cert *x509.Certificate) Certificate {
	sum := sha256.Sum256(cert.Raw)
	return Certificate{Subject: cert.Subject.String(), Fingerprint: hex.EncodeToString(sum[:]), NotAfter: cert.NotAfter}
}
