package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// streamSilence is after how long without a line a stream counts as broken: three heartbeats.
const streamSilence = 3 * DefaultHeartbeat

// ErrStreamEnded says that a stream that should go on has ended, or could not begin: the server stopped, is away, or the
// connection broke. The text of the error that is it says which.
var ErrStreamEnded = errors.New("the stream has ended")

// streamError is an ErrStreamEnded in other words.
type streamError struct{ error }

// Is reports whether target is ErrStreamEnded.
func (e streamError) Is(target error) bool { return target == ErrStreamEnded }

// Unwrap returns the reason.
func (e streamError) Unwrap() error { return e.error }

// Tail calls each with every line of the stream of attempts. It ends with an error: that of each, the context's, a refusal,
// or ErrStreamEnded. Of q it uses SDKAppID, Account and Command.
func (c *Client) Tail(ctx context.Context, q EventQuery, each func(TailLine) error) error {
	path := "/events/tail?" + EventQuery{SDKAppID: q.SDKAppID, Account: q.Account, Command: q.Command}.values().Encode()
	return follow(ctx, c, path, func(line TailLine) (string, error) { return line.End, each(line) })
}

// Listen calls each with every line of the stream of an app's callbacks. Mode is ListenMirror or ListenInstead. It ends as
// Tail does.
func (c *Client) Listen(ctx context.Context, sdkAppID uint32, mode string, each func(ListenLine) error) error {
	path := appPath(sdkAppID, "/listen?mode="+url.QueryEscape(mode))
	return follow(ctx, c, path, func(line ListenLine) (string, error) { return line.End, each(line) })
}

// AnswerExchange answers a callback that came over Listen with ListenInstead.
func (c *Client) AnswerExchange(ctx context.Context, sdkAppID uint32, exchange string, answer ExchangeAnswer) error {
	path := appPath(sdkAppID, "/listen/"+url.PathEscape(exchange))
	_, err := call[ExchangeSettled](ctx, c, http.MethodPost, path, answer)
	return err
}

// ExportBlocklists copies an export into w as it comes, and checks that it is whole. After an error w holds no usable copy.
func (c *Client) ExportBlocklists(ctx context.Context, sdkAppID uint32, w io.Writer) (ExportSummary, error) {
	resp, err := c.send(ctx, http.MethodGet, appPath(sdkAppID, "/export/blocklists"), nil)
	if err != nil {
		return ExportSummary{}, err
	}
	defer resp.Body.Close()
	var checker exportChecker
	_, err = io.Copy(io.MultiWriter(&checker, w), resp.Body)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return checker.summary, errors.New("the server cut the export off; its log has the reason")
	case err != nil:
		return checker.summary, fmt.Errorf("copy the export: %w", err)
	}
	return checker.finish()
}

// follow decodes the lines of a stream until it ends. each returns the line's End.
func follow[T any](ctx context.Context, c *Client, path string, each func(T) (string, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(streamSilence, cancel)
	defer silence.Stop()
	resp, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return ended(err, silence)
	}
	defer resp.Body.Close()
	for decoder := json.NewDecoder(resp.Body); ; {
		var line T
		if err := decoder.Decode(&line); err != nil {
			return ended(fmt.Errorf("the stream broke off: %w", err), silence)
		}
		silence.Stop() // each takes as long as it takes
		end, err := each(line)
		silence.Reset(streamSilence)
		switch {
		case err != nil:
			return err
		case end != "":
			return streamError{errors.New("the server ended the stream: " + end)}
		}
	}
}

// ended says why a stream that was being read has ended.
func ended(err error, silence *time.Timer) error {
	var refusal *Error
	switch {
	case errors.As(err, &refusal):
		return err
	case !silence.Stop():
		return streamError{fmt.Errorf("nothing was heard from the server for %s", streamSilence)}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return streamError{err}
}
