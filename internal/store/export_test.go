package store

import "context"

// ErrBroken is the mark of a failed disk.
var ErrBroken = errBroken

// Exec runs a statement on the writing connection, for tests that damage or limit it.
func (s *Store) Exec(ctx context.Context, q string) error {
	return s.alone(ctx, func(c conn) error { return c.query(q, nil) })
}

// Queued is how many calls wait for a commit.
func (s *Store) Queued() (n int) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	for _, l := range s.queue.turns {
		n += len(l.calls)
	}
	return n
}
