package dispatch

import "context"

// share is what one app has pending, oldest first.
type share struct {
	sdkAppID uint32
	pending  []verdict
}

// gather takes a batch, after waiting a moment for it to grow.
func (s *settler) gather(ctx context.Context) (batch []verdict, closed bool) {
	if s.small() {
		sleep(ctx, settleLinger)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := make([]int, len(s.turns))
	for more := true; more && len(batch) < settleBatch; {
		more = false
		for i, of := range s.turns {
			if len(batch) < settleBatch && taken[i] < min(len(of.pending), settleShare) {
				batch = append(batch, of.pending[taken[i]])
				taken[i]++
				more = true
			}
		}
	}
	s.remove(taken)
	return batch, s.closed
}

// small reports whether it is worth waiting for more.
func (s *settler) small() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, of := range s.turns {
		if len(of.pending) >= settleShare {
			return false
		}
		n += len(of.pending)
	}
	return n > 0 && n < settleBatch
}

// remove drops what was taken. An app that has more, and got something, goes behind those that got nothing.
func (s *settler) remove(taken []int) {
	var first, then []*share
	for i, of := range s.turns {
		rest := copy(of.pending, of.pending[taken[i]:])
		clear(of.pending[rest:])
		of.pending = of.pending[:rest]
		switch {
		case rest == 0:
			delete(s.shares, of.sdkAppID)
		case taken[i] == 0:
			first = append(first, of)
		default:
			then = append(then, of)
		}
	}
	s.turns = append(first, then...)
}
