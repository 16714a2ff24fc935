package egress

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// secureConn is a TLS connection after its handshake. Under TLS 1.3 the client has finished before the server has looked
// at its certificate, so a refusal arrives as an alert at the first read. A write can fail before that read is done, because
// the server has closed the connection; then the alert is the better explanation.
type secureConn struct {
	net.Conn // a *tls.Conn
	identity identity
	patience time.Duration // how long a failed write waits for the read that explains it

	once  sync.Once
	first chan struct{} // closed when the first read has returned
	err   error         // of the first read
}

func newSecureConn(conn *tls.Conn, id identity, patience time.Duration) *secureConn {
	return &secureConn{Conn: conn, identity: id, patience: patience, first: make(chan struct{})}
}

// Read marks an alert of the peer.
func (c *secureConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if _, ok := peerAlert(err); ok {
		err = tlsError(err, c.identity)
	}
	c.once.Do(func() {
		c.err = err
		close(c.first)
	})
	return n, err
}

// Write returns the peer's alert when there is one. The transport always has a read under way.
func (c *secureConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err == nil {
		return n, nil
	}
	timer := time.NewTimer(c.patience)
	defer timer.Stop()
	select {
	case <-c.first:
		if Classify(c.err) != nil {
			return n, c.err
		}
	case <-timer.C:
	}
	return n, err
}
