package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kithchat/kith/api"
)

// Block puts targets on the user's own blocklist. Over 1000 are sent in several calls; when one fails, the results of those
// before it are returned with the error. While there is no connection it waits for one until ctx ends. A call whose connection
// was lost is made again on the next; then a target that is on the list counts as added.
func (s *Session) Block(ctx context.Context, targets ...string) ([]ItemResult, error) {
	return s.changeBlocks(ctx, api.MethodBlocklistAdd, blocking, targets)
}

// Unblock takes targets off the user's own blocklist, otherwise as Block.
func (s *Session) Unblock(ctx context.Context, targets ...string) ([]ItemResult, error) {
	return s.changeBlocks(ctx, api.MethodBlocklistRemove, unblocking, targets)
}

func (s *Session) changeBlocks(ctx context.Context, method string, c change, targets []string) ([]ItemResult, error) {
	return inPieces(targets, MaxTargets, func(piece []string) ([]ItemResult, error) {
		var r api.BlocklistResult
		repeated, err := s.do(ctx, method, api.BlocklistTargets{ToAccount: piece}, &r)
		if err != nil {
			return nil, err
		}
		items := c.settle(blockItems(r.ResultItem), repeated)
		return items, checkCount(method, len(piece), len(items))
	})
}

// CheckBlocks asks the server which targets are on the user's own list. BlockedBy is never told.
func (s *Session) CheckBlocks(ctx context.Context, targets ...string) ([]BlockState, error) {
	return inPieces(targets, MaxTargets, func(piece []string) ([]BlockState, error) {
		var r api.BlocklistCheckResult
		if _, err := s.do(ctx, api.MethodBlocklistCheck, api.BlocklistTargets{ToAccount: piece}, &r); err != nil {
			return nil, err
		}
		states := blockStates(r.BlackListCheckItem)
		return states, checkCount(api.MethodBlocklistCheck, len(piece), len(states))
	})
}

// Logout logs the device out, so that the app backend is told, and ends the session.
func (s *Session) Logout(ctx context.Context) error {
	_, err := s.do(ctx, api.MethodLogout, nil, nil)
	if err != nil {
		return err
	}
	<-s.done // the connection ends with the answer
	return nil
}

// maxRefused is how often a call is made again that was refused for now.
const maxRefused = 5

// do makes a call and decodes its answer. repeated says that an earlier try may have been carried out.
func (s *Session) do(ctx context.Context, method string, params, result any) (repeated bool, err error) {
	encoded, err := encodeParams(params)
	if err != nil {
		return false, fmt.Errorf("client: %s: %w", method, err)
	}
	for refused := 0; ; {
		l, err := s.ready(ctx)
		if err != nil {
			return repeated, err
		}
		body, err := l.call(ctx, method, encoded)
		if gone, ok := errors.AsType[*lost](err); ok {
			repeated = repeated || gone.sent
			if err := s.gone(ctx, l); err != nil {
				return repeated, err
			}
			continue
		}
		e := asError(err)
		if e == nil || !e.Temporary() || refused >= maxRefused {
			return repeated, decodeResult(method, body, result, err)
		}
		repeated = repeated || e.undecided()
		if over := pauses.wait(ctx, refused, e.RetryAfter()); over != nil {
			return repeated, fmt.Errorf("%w; gave up: %w", err, over)
		}
		refused++
	}
}

func decodeResult(method string, body json.RawMessage, result any, err error) error {
	if err != nil || result == nil {
		return err
	}
	if json.Unmarshal(body, result) != nil {
		return fmt.Errorf("client: %s: the answer has another shape than it should", method)
	}
	return nil
}

// ready waits for a connection.
func (s *Session) ready(ctx context.Context) (l *link, err error) {
	waited := s.until(ctx, func() bool {
		l, err = s.link, s.err
		return l != nil || err != nil
	})
	if waited != nil {
		if trouble := s.lastTrouble(); trouble != nil {
			waited = fmt.Errorf("%w; no connection: %w", waited, trouble)
		}
		return nil, waited
	}
	return l, err
}

// gone waits until the session knows that a link has ended.
func (s *Session) gone(ctx context.Context, l *link) error {
	return s.until(ctx, func() bool { return s.link != l || s.err != nil })
}
