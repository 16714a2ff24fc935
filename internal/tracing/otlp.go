package tracing

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	// retryBase is the wait before a batch is sent again. It doubles with each try.
	retryBase = 200 * time.Millisecond
	// maxWhy is how many bytes of a collector's answer an error quotes, of maxLooked that are searched for secrets.
	maxWhy    = 300
	maxLooked = 64 << 10
)

// client is an otlptrace.Client that speaks OTLP over HTTP: a POST of gzipped protobuf, sent again after the answers that the
// protocol names. The library's own one would bring all of gRPC into the program.
type client struct {
	endpoint string
	header   http.Header
	secrets  []string // in the header, longest first
	http     *http.Client
	// ending ends with end: then nothing is sent again. cut ends with Stop: then nothing is being sent any more.
	ending, cut   context.Context
	end, cutShort context.CancelFunc
}

func newClient(endpoint string) (*client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("trace-endpoint must be a URL such as http://127.0.0.1:4318")
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	c := &client{
		endpoint: u.String(),
		header:   http.Header{"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"gzip"}},
		http: &http.Client{
			Transport:     http.DefaultTransport.(*http.Transport).Clone(),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	c.ending, c.end = context.WithCancel(context.Background())
	c.cut, c.cutShort = context.WithCancel(context.Background())
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		if err := c.addHeaders(os.Getenv(name)); err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
	}
	return c, nil
}

// addHeaders adds headers written as name=value,name=value with values as in a URL. Values are secrets: no error quotes them.
func (c *client) addHeaders(list string) error {
	for part := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, found := strings.Cut(part, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || err != nil || strings.TrimSpace(name) == "" {
			return errors.New("cannot be read; write it as name=value,name=value, with odd characters of values as %XX")
		}
		c.header.Set(strings.TrimSpace(name), value)
		const short = 4 // such as a scheme, and likely to be part of any text
		c.secrets = append(c.secrets, value)
		c.secrets = append(c.secrets, strings.Fields(value)...)
		c.secrets = slices.DeleteFunc(c.secrets, func(s string) bool { return len(s) <= short })
	}
	// One can begin another.
	slices.SortFunc(c.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return nil
}

// Start implements otlptrace.Client.
func (c *client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *client) Stop(context.Context) error {
	c.end()
	c.cutShort()
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. It tries until ctx ends, or the stop begins, while the collector cannot be reached or asks for patience.
func (c *client) UploadTraces(ctx context.Context, spans []*otlp.ResourceSpans) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.cut, cancel)()
	// On the wire this message and the protocol's request are the same.
	text, err := proto.Marshal(&otlp.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	if _, err := zip.Write(text); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	for wait := retryBase; ; wait *= 2 {
		again, err := c.post(ctx, body.Bytes())
		if err == nil || !again {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-c.ending.Done():
			timer.Stop()
			return err
		}
	}
}

// post sends a batch once. again says that a failure can pass.
func (c *client) post(ctx context.Context, body []byte) (again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	request.Header = c.header
	response, err := c.http.Do(request)
	if err != nil {
		return true, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusSwitchingProtocols { // what follows is a connection, whose reads heed no deadline
		return false, errors.New("the collector answered 101: it switches to another protocol")
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxLooked))
	switch response.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return false, nil // what the collector does not like of single spans, its own log tells
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = true
	}
	if err != nil {
		return again, fmt.Errorf("the collector answered %d, then the connection broke: %w", response.StatusCode, err)
	}
	return again, fmt.Errorf("the collector answered %d: %q", response.StatusCode, c.why(string(answer)))
}

// why is the beginning of an answer, without the secrets that an answer may repeat.
func (c *client) why(answer string) string {
	for _, secret := range c.secrets {
		answer = strings.ReplaceAll(answer, secret, "[secret]")
	}
	return answer[:min(len(answer), maxWhy)]
}
