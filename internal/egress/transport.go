package egress

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// MaxHeaderBytes is the longest header of an answer that is read.
const MaxHeaderBytes = 64 << 10

// idleConnection is how long an unused connection is kept. Common servers close theirs after 60 seconds or more.
const idleConnection = 30 * time.Second

// Endpoint is what a Transport needs to know of the endpoint it is for.
type Endpoint struct {
	// Timeout bounds each dial with its handshake, which can outlive the request that asked for it. It must be positive.
	Timeout time.Duration
	// Connections is how many idle connections are kept.
	Connections int
	// CA is a bundle of certificates in PEM that the endpoint's certificate is verified against; empty: the system's roots.
	CA string
	// ClientCert and ClientKey, in PEM, are shown to an endpoint that asks for a client certificate. Both or none.
	ClientCert, ClientKey string
	// TLS is the base of the TLS configuration, for tests; nil: none. It cannot switch verification off.
	TLS *tls.Config
}

// Transport returns a connection pool of its own for an endpoint. Use RoundTrip, which follows no redirect. Its errors are
// for Classify. Response.TLS stays empty; the trace hook TLSHandshakeDone has the state.
func (e *Egress) Transport(at Endpoint) (*http.Transport, error) {
	if at.Timeout <= 0 {
		return nil, errors.New("the endpoint has no timeout: set one")
	}
	config, err := at.config()
	if err != nil {
		return nil, err
	}
	d := &dialer{egress: e, tls: config, timeout: at.Timeout, showsCert: at.ClientCert != ""}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	t := &http.Transport{
		DialContext:            d.dialPlain,
		DialTLSContext:         d.dialTLS,
		DisableCompression:     true,
		MaxIdleConns:           at.Connections,
		MaxIdleConnsPerHost:    at.Connections,
		IdleConnTimeout:        idleConnection,
		MaxResponseHeaderBytes: MaxHeaderBytes,
		Protocols:              protocols,
	}
	if e.proxy != nil {
		t.Proxy = e.proxyFor
	}
	return t, nil
}

// proxyFor sends plain HTTP to the proxy in absolute form. For https the dialer makes a tunnel, so that its errors are ours.
func (e *Egress) proxyFor(r *http.Request) (*url.URL, error) {
	if r.URL.Scheme != "http" {
		return nil, nil
	}
	if err := e.guard.checkHost(r.URL.Hostname()); err != nil {
		return nil, &Error{Phase: PhaseBlocked, Err: err}
	}
	return e.proxy.forward, nil
}

// config returns the TLS configuration towards the endpoint.
func (at Endpoint) config() (*tls.Config, error) {
	config := &tls.Config{}
	if at.TLS != nil {
		config = at.TLS.Clone()
	}
	config.InsecureSkipVerify = false
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.ClientSessionCache == nil {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	if at.CA != "" {
		pool, err := parseCA(at.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	if at.ClientCert == "" && at.ClientKey == "" {
		return config, nil
	}
	pair, err := tls.X509KeyPair([]byte(at.ClientCert), []byte(at.ClientKey))
	if err != nil {
		return nil, errors.New("the client certificate and its key cannot be used together: issue a new one")
	}
	// It is shown to whoever asks, also to a server that names other CAs: that one then says why it refuses.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return config, nil
}

// parseCA reads a bundle of certificates strictly: a typing error in it must not leave a part out.
func parseCA(bundle string) (*x509.CertPool, error) {
	pool, rest, n := x509.NewCertPool(), []byte(bundle), 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, errors.New("the CA bundle holds something else than certificates: leave only CERTIFICATE blocks in it")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("a certificate of the CA bundle cannot be read: export it again in PEM")
		}
		pool.AddCert(certificate)
		n++
	}
	if n == 0 {
		return nil, errors.New("the CA bundle holds no certificate: give it in PEM, from -----BEGIN CERTIFICATE----- on")
	}
	return pool, nil
}

// asking returns a copy of the configuration for one connection, and whether the server asked for a client certificate.
func asking(base *tls.Config, serverName string) (*tls.Config, func() bool) {
	config := base.Clone()
	if config.ServerName == "" {
		config.ServerName = serverName
	}
	asked := false
	answer := config.GetClientCertificate
	config.GetClientCertificate = func(i *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		if answer != nil {
			return answer(i)
		}
		return &tls.Certificate{}, nil
	}
	return config, func() bool { return asked }
}
