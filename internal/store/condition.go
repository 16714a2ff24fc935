package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// stuckAfter is how long a commit may be under way until the store no longer counts as ready.
const stuckAfter = 5 * time.Second

// condition is what is known of the store's ability to commit.
type condition struct {
	mu     sync.Mutex
	broken error     // the failure after which nothing may be written
	failed error     // of the last commit
	began  time.Time // of the commit under way, zero when there is none
}

// begin notes that a commit starts, or returns why none may.
func (c *condition) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = time.Now()
	return c.broken
}

// end notes how a commit ended and tells whether that is news.
func (c *condition) end(err error) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.began = time.Time{}
	news = (c.failed == nil) != (err == nil)
	c.failed = err
	return news
}

// breakDown forbids further commits and tells whether that is news.
func (c *condition) breakDown(err error) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if news = c.broken == nil; news {
		c.broken = fmt.Errorf("%w; start kith again once the disk is well", err)
	}
	return news
}

// err returns why the store cannot commit, nil when it can.
func (c *condition) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.broken != nil:
		return c.broken
	case c.failed != nil:
		return c.failed
	case !c.began.IsZero() && time.Since(c.began) > stuckAfter:
		return fmt.Errorf("%w: a commit has been under way for %s", relation.ErrUnavailable, time.Since(c.began).Round(time.Second))
	}
	return nil
}
