package webhook_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/webhook"
)

// pairKey names what an event changes.
type pairKey struct {
	app  uint32
	pair api.Pair
}

// state is what the backend knows of a pair. In a database it is a row with a column for the sequence, written in one
// statement: ... ON CONFLICT DO UPDATE ... WHERE excluded.sequence > sequence.
type state struct {
	sequence int64 // of the last event applied
	blocked  bool  // false is kept as well, so that an old event cannot block again
}

// copyOfLists is a backend's own copy of who blocks whom.
type copyOfLists struct {
	mu    sync.Mutex
	pairs map[pairKey]state
}

// apply is the function for blocks and unblocks.
func (c *copyOfLists) apply(_ context.Context, e webhook.BlackListEvent) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range e.Pairs {
		key := pairKey{e.SDKAppID, p}
		if e.Sequence <= c.pairs[key].sequence {
			fmt.Printf("event %d is not news for %s and %s\n", e.Sequence, p.FromAccount, p.ToAccount)
			continue
		}
		c.pairs[key] = state{e.Sequence, e.Command == api.CallbackBlackListAdd}
		fmt.Printf("event %d applied: %s blocks %s: %t\n", e.Sequence, p.FromAccount, p.ToAccount, c.pairs[key].blocked)
	}
	return nil
}

// The last writer wins: an event is applied to a pair only if its Sequence is higher than the last one's. A replay of old
// events, in whatever order it comes, then mends what was missed and spoils nothing.
func Example_lastWriterWins() {
	lists := copyOfLists{pairs: make(map[pairKey]state)}
	handler, err := webhook.New(webhook.Options{
		SDKAppID: 1600077123, OnBlackListAdd: lists.apply, OnBlackListDelete: lists.apply, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	send := func(command, to, sequence, replay string) {
		body := webhook.EncodeBlackList(command, []api.Pair{{FromAccount: "mira.k", ToAccount: to}})
		r := httptest.NewRequest(http.MethodPost, "/?SdkAppid=1600077123&CallbackCommand="+command, bytes.NewReader(body))
		r.Header.Set(api.HeaderSequence, sequence)
		r.Header.Set(api.HeaderReplay, replay)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	send(api.CallbackBlackListAdd, "troll_77", "1", "")
	send(api.CallbackBlackListDelete, "troll_77", "3", "") // 2 was lost, by a fault of the backend
	// The operator replays all events of the account.
	send(api.CallbackBlackListAdd, "troll_77", "1", "r1")
	send(api.CallbackBlackListAdd, "spam", "2", "r1")
	send(api.CallbackBlackListDelete, "troll_77", "3", "r1")
	// Output:
	// event 1 applied: mira.k blocks troll_77: true
	// event 3 applied: mira.k blocks troll_77: false
	// event 1 is not news for mira.k and troll_77
	// event 2 applied: mira.k blocks spam: true
	// event 3 is not news for mira.k and troll_77
}
