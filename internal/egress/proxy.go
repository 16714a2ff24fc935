package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// proxy is the HTTP proxy on the way. It is the operator's, so its own address is not checked.
type proxy struct {
	address string      // host:port
	host    string      // name of its certificate
	tls     *tls.Config // nil: the proxy speaks plain HTTP
	auth    string      // value of Proxy-Authorization; empty: none
	forward *url.URL    // what net/http is told for requests in absolute form
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	alive   liveness
}

// basic begins the value of Proxy-Authorization.
const basic = "Basic "

func newProxy(raw string, base *tls.Config) (*proxy, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		// The setting can hold a password, so it is not repeated.
		return nil, errors.New("callback-proxy must be a URL such as http://proxy.example.net:3128: correct it")
	}
	p := &proxy{host: u.Hostname()}
	port := u.Port()
	if u.Scheme == "https" {
		if port == "" {
			port = "443"
		}
		p.tls = &tls.Config{}
		if base != nil {
			p.tls = base.Clone()
		}
		p.tls.InsecureSkipVerify = false
		p.tls.MinVersion = max(p.tls.MinVersion, tls.VersionTLS12)
		p.tls.ServerName = p.host
	} else if port == "" {
		port = "80"
	}
	p.address = net.JoinHostPort(p.host, port)
	if u.User != nil {
		password, _ := u.User.Password()
		p.auth = basic + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	p.forward = &url.URL{Scheme: "http", Host: p.address, User: u.User}
	return p, nil
}

// connect opens a connection to the proxy for a request. Whatever goes wrong is ours.
func (p *proxy) connect(ctx context.Context) (net.Conn, error) {
	enter(ctx, PhaseProxy, true)
	return p.open(ctx)
}

func (p *proxy) open(ctx context.Context) (net.Conn, error) {
	conn, err := p.dial(ctx, "tcp", p.address)
	if err != nil {
		return nil, &Error{Phase: PhaseProxy, Ours: true, Err: err}
	}
	if p.tls == nil {
		return conn, nil
	}
	secure := tls.Client(conn, p.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &Error{Phase: PhaseProxy, Ours: true, Err: err}
	}
	return secure, nil
}

// tunnel opens a connection to an endpoint through the proxy.
func (e *Egress) tunnel(ctx context.Context, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, connectError(err)
	}
	if err := e.guard.checkHost(host); err != nil {
		return nil, connectError(err)
	}
	conn, err := e.proxy.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.proxy.ask(ctx, conn, address); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// ask makes a connection to the proxy one to the endpoint.
func (p *proxy) ask(ctx context.Context, conn net.Conn, address string) error {
	wait := p.await(ctx)
	defer wait.end()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if p.auth != "" {
		request.Header.Set("Proxy-Authorization", p.auth)
	}
	response, early, err := exchange(conn, request)
	if err == nil {
		p.alive.answered()
		if err := judgeProxy(response); err != nil {
			return err
		}
		if early {
			err = errors.New("the proxy sent something before the endpoint was asked")
		} else if !stop() {
			err = ctx.Err()
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		phase, ours := wait.blame()
		return &Error{Phase: phase, Ours: ours, Err: ctx.Err()}
	}
	return &Error{Phase: PhaseProxy, Ours: true, Err: err}
}

// exchange sends a request to the proxy and reads the header of its answer. Early says that more than that came.
func exchange(conn net.Conn, request *http.Request) (response *http.Response, early bool, err error) {
	if err := request.Write(conn); err != nil {
		return nil, false, err
	}
	reader := bufio.NewReader(io.LimitReader(conn, MaxHeaderBytes))
	if response, err = http.ReadResponse(reader, request); err != nil {
		return nil, false, err
	}
	_ = response.Body.Close()
	return response, reader.Buffered() > 0, nil
}

// proxyAnswerError is an answer of the proxy that is not a tunnel.
type proxyAnswerError struct{ status int }

func (e *proxyAnswerError) Error() string {
	text := "the proxy answered " + strconv.Itoa(e.status)
	switch e.status {
	case http.StatusProxyAuthRequired:
		text += ": check the user and password of callback-proxy"
	case http.StatusForbidden:
		text += ": allow the endpoint in the proxy's rules"
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		text += ": it could not reach the endpoint"
	}
	return text
}

// judgeProxy says what a proxy's answer to CONNECT means. 502 and 504 say that the endpoint could not be reached; Squid
// says 503 for that, with a header of its own.
func judgeProxy(r *http.Response) error {
	if r.StatusCode/100 == 2 {
		return nil
	}
	err := &proxyAnswerError{status: r.StatusCode}
	squid := r.Header.Get("X-Squid-Error")
	reached := r.StatusCode != http.StatusBadGateway && r.StatusCode != http.StatusGatewayTimeout &&
		!strings.HasPrefix(squid, "ERR_CONNECT_FAIL") && !strings.HasPrefix(squid, "ERR_DNS_FAIL")
	if reached {
		return &Error{Phase: PhaseProxy, Ours: true, Err: err}
	}
	return &Error{Phase: PhaseConnect, Err: err}
}

// RefusedByProxy returns the Error that an answer stands for when the request went to the proxy in absolute form and the
// proxy itself refused it, and otherwise nil. It judges plain HTTP only: with https the proxy's answers are errors.
func (e *Egress) RefusedByProxy(u *url.URL, status int) *Error {
	if e.proxy == nil || u.Scheme != "http" || status != http.StatusProxyAuthRequired {
		return nil
	}
	return &Error{Phase: PhaseProxy, Ours: true, Err: &proxyAnswerError{status: status}}
}
