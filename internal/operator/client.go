package operator

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/kithchat/kith/internal/apps"
)

// maxAnswer bounds an answer that a Client decodes, in bytes.
const maxAnswer = 64 << 20

// ClientOptions says how a Client reaches a server. URL and Token are required.
type ClientOptions struct {
	// URL is where the operator API is, as http://127.0.0.1:8081. Beyond loopback it must be https.
	URL   string
	Token string
	// CertFile names a PEM file whose first certificate the server must present, whatever names are in it, as a
	// self-signed one needs. Empty: the system decides whom to trust.
	CertFile string
}

// Client calls the operator API. Errors are an *Error when the server refused, or a sentence that says why it could not
// be reached. Neither holds the token.
type Client struct {
	base  string
	token string
	http  *http.Client
	// unreachable says what to do when nothing answers.
	unreachable string
}

// NewClient returns a Client. It does not connect yet.
func NewClient(opts ClientOptions) (*Client, error) {
	base, err := checkBase(opts.URL)
	if err != nil {
		return nil, err
	}
	if opts.Token == "" {
		return nil, errors.New("the operator token is missing; give it with --operator-token or KITH_OPERATOR_TOKEN, or name the server's --data")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if opts.CertFile != "" {
		if transport.TLSClientConfig, err = pinned(opts.CertFile); err != nil {
			return nil, err
		}
	}
	return &Client{
		base: base, token: opts.Token, unreachable: "check the URL, and that `kith serve` runs there",
		http: &http.Client{
			Transport: transport,
			// A redirect would take the token elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// FromDataDir returns a Client of the server that runs on the data directory on this machine. It presents the given token, or
// the one in the directory when that is empty.
func FromDataDir(dir, token string) (*Client, error) {
	hint := fmt.Sprintf("no server is running on %s: start `kith serve --data %s`", dir, dir)
	endpoint, err := readEndpoint(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New(hint)
	}
	if err != nil {
		return nil, err
	}
	if token == "" {
		if token, err = readToken(dir); err != nil {
			return nil, fmt.Errorf("%w; run the command as the user that runs the server", err)
		}
	}
	c, err := NewClient(ClientOptions{URL: endpoint.URL, Token: token, CertFile: endpoint.Cert})
	if err != nil {
		return nil, err
	}
	c.unreachable = hint
	return c, nil
}

// URL returns where the server is.
func (c *Client) URL() string { return c.base }

// OwnApp returns the app that the client's token is good for, when it is not good for more; else 0.
func (c *Client) OwnApp() uint32 { return apps.AppOfToken(c.token) }

// Close closes idle connections. The Client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// checkBase checks the URL of an operator API and returns it without a slash at its end.
func checkBase(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return "", errors.New("the operator URL must look like http://127.0.0.1:8081 or https://host:port")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme == "http" && !local {
		return "", errors.New("the operator URL must begin with https:// beyond loopback, or the token would be readable on its way")
	}
	return strings.TrimRight(text, "/"), nil
}

// pinned trusts exactly the first certificate of the file. That is stricter than trusting who signed it, and works for
// an address that is not among its names.
func pinned(path string) (*tls.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the server's certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	}
	want := block.Bytes
	if _, err := x509.ParseCertificate(want); err != nil {
		return nil, fmt.Errorf("%s holds a damaged certificate: %w", path, err)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection below is stricter
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 || !bytes.Equal(state.PeerCertificates[0].Raw, want) {
				return fmt.Errorf("the server's certificate is not the one in %s", path)
			}
			return nil
		},
	}, nil
}

// call sends body as JSON, unless it is nil, and decodes the answer into a T.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var answer T
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil {
		return answer, fmt.Errorf("the answer of %s cannot be read: %w", c.base, err)
	}
	return answer, nil
}

// send returns the answer to a call that succeeded; its body must be closed.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+prefix+path, reader)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%s (%w)", c.unreachable, withoutURL(err))
	case resp.StatusCode == http.StatusOK:
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// withoutURL leaves the URL of a call out of its error: somebody may have given a secret where an id belongs.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// refusal reads the error of an answer other than 200.
func refusal(resp *http.Response) error {
	var body errorBody
	err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&body)
	if err != nil || body.Error == nil || body.Error.Message == "" {
		return &Error{
			Status: resp.StatusCode, Code: CodeInternal,
			Message: fmt.Sprintf("the answer is HTTP %s without an explanation; is this Kith's operator API?", resp.Status),
		}
	}
	body.Error.Status = resp.StatusCode
	return body.Error
}
