package dispatch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/kithchat/kith/internal/egress"
)

// post makes one HTTP request and reads the answer, until ctx ends.
func (r *route) post(ctx context.Context, o outgoing) (*answer, error) {
	ctx, progress := egress.Track(ctx)
	response, err := r.client.RoundTrip(request(ctx, o))
	if err != nil {
		return nil, told(progress, errors.Join(err, ctx.Err()))
	}
	defer func() { _ = response.Body.Close() }()
	if refused := r.egress.RefusedByProxy(o.url, response.StatusCode); refused != nil {
		return nil, refused
	}
	a := &answer{status: response.StatusCode, header: response.Header}
	if a.status == http.StatusSwitchingProtocols {
		return a, nil // what follows is a connection, whose reads heed no deadline
	}
	// Every answer is read, not only the ones that count: a connection can be used again only after that.
	a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	a.tooLarge = len(a.body) > maxAnswer
	if err != nil {
		err = told(progress, errors.Join(err, ctx.Err()))
	}
	return a, err
}

// told returns what is known of where a request failed.
func told(progress *egress.Progress, err error) error {
	if found := progress.Classify(err); found != nil {
		return found
	}
	return err
}

func request(ctx context.Context, o outgoing) *http.Request {
	r := &http.Request{
		Method:        http.MethodPost,
		URL:           o.url,
		Host:          o.url.Host,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        o.header,
		ContentLength: int64(len(o.body)),
		Body:          io.NopCloser(bytes.NewReader(o.body)),
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(o.body)), nil },
	}
	return r.WithContext(ctx)
}
