package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/config"
)

// Names of listeners, as logs and errors call them.
const (
	frontHTTPS    = "https"
	frontHTTP     = "http"
	frontOperator = "operator"
)

const (
	// maxHeader bounds the request line and headers in bytes. A UserSig has some hundred, a proxy adds a few more.
	maxHeader = 32 << 10
	// answerTime is how long a client may take to read an answer, on top of the time it had to send the request.
	answerTime = 30 * time.Second
)

// front is one listener with what it serves.
type front struct {
	name     string
	tls      bool
	listener net.Listener
	server   *http.Server
}

// url returns how a program on this machine reaches the listener.
func (f *front) url() string {
	scheme := "http"
	if f.tls {
		scheme = "https"
	}
	return scheme + "://" + reachable(f.listener.Addr())
}

// reachable is the address itself, or loopback for one that stands for all interfaces.
func reachable(address net.Addr) string {
	ap, err := netip.ParseAddrPort(address.String())
	if err != nil || !ap.Addr().IsUnspecified() {
		return address.String()
	}
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	return netip.AddrPortFrom(loopback, ap.Port()).String()
}

// front returns the listener of a name, nil when the configuration has none.
func (s *Server) front(name string) *front {
	for _, f := range s.fronts {
		if f.name == name {
			return f
		}
	}
	return nil
}

// openListeners takes the addresses, and makes or reads the certificate if one is needed.
func (s *Server) openListeners(ctx context.Context) (err error) {
	c := s.config
	if c.Listen != "" || c.OperatorTLS() {
		if s.certs, err = s.openCertificates(c); err != nil {
			return err
		}
	}
	for _, l := range []struct {
		name, setting, address string
		tls                    bool
	}{
		{frontHTTPS, "listen", c.Listen, true},
		{frontHTTP, "listen-http", c.ListenHTTP, false},
		{frontOperator, "operator-listen", c.OperatorListen, c.OperatorTLS()},
	} {
		if l.address == "" {
			continue
		}
		var lc net.ListenConfig
		listener, err := lc.Listen(ctx, "tcp", l.address)
		if err != nil {
			return fmt.Errorf("cannot listen on %s: %w; stop what uses it, or set %s to another address",
				l.address, listenCause(err), l.setting)
		}
		s.fronts = append(s.fronts, &front{name: l.name, tls: l.tls, listener: listener})
	}
	return nil
}

// listenCause takes the words off a listen error that repeat the address.
func listenCause(err error) error {
	var syscall interface{ Unwrap() error }
	if op, ok := errors.AsType[*net.OpError](err); ok && errors.As(op.Err, &syscall) {
		return cmp.Or(syscall.Unwrap(), err)
	}
	return err
}

// publicServer returns the server of the REST API. Its limits keep slow clients from holding connections.
func (s *Server) publicServer(handler http.Handler) *http.Server {
	server := s.httpServer(handler)
	server.ReadTimeout = s.config.ReadTimeout
	server.WriteTimeout = s.config.ReadTimeout + s.config.CallTimeout + answerTime
	return server
}

// operatorServer returns the server of the operator API. Backups and profiles take as long as they take, so there is no
// limit on the whole of an exchange; the handler bounds how long a body takes to arrive.
func (s *Server) operatorServer(handler http.Handler) *http.Server { return s.httpServer(handler) }

func (s *Server) httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: s.config.HeaderTimeout,
		IdleTimeout:       s.config.IdleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // mostly what strangers do wrong
	}
}

// serve runs a listener until shutdown. One that ends by itself stops the server.
func (s *Server) serve(f *front) {
	var err error
	if f.tls {
		err = f.server.ServeTLS(f.listener, "", "")
	} else {
		err = f.server.Serve(f.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return
	}
	select {
	case s.failed <- fmt.Errorf("the %s listener failed: %w", f.name, err):
	default: // another one was first
	}
}

// shutdown closes listeners and waits for their requests, until ctx ends; then it cuts the connections.
func (s *Server) shutdown(ctx context.Context, names ...string) {
	var wait sync.WaitGroup
	for _, name := range names {
		f := s.front(name)
		if f == nil {
			continue
		}
		wait.Go(func() {
			if err := f.server.Shutdown(ctx); err != nil {
				s.log.Warn("requests under way were cut off", "for", f.name, "error", err)
				_ = f.server.Close()
			}
		})
	}
	wait.Wait()
}

// openCertificates returns the operator's own certificate, or a self-signed one.
func (s *Server) openCertificates(c config.Config) (*certificates, error) {
	if c.TLSCert != "" {
		return openCertificates(certificateOptions{cert: c.TLSCert, key: c.TLSKey, now: s.now, log: s.log})
	}
	return openCertificates(certificateOptions{
		selfSignedIn: c.Data, hosts: certificateHosts(c.Listen, c.OperatorListen), now: s.now, log: s.log,
	})
}
