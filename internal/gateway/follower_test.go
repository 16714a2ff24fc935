package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// position is a state of a list.
type position struct {
	list     string
	sequence int64
}

// entries is a blocklist, in order.
type entries []api.BlockEntry

func (e entries) without(names ...string) entries {
	return slices.DeleteFunc(slices.Clone(e), func(b api.BlockEntry) bool { return slices.Contains(names, b.ToAccount) })
}

// with adds entries at the end. One that is there already moves there.
func (e entries) with(added ...api.BlockEntry) entries {
	for _, b := range added {
		e = append(e.without(b.ToAccount), b)
	}
	return e
}

// model follows every list as the store told of it.
type model struct {
	mu      sync.Mutex
	store   *store.Store
	moved   chan struct{} // closed and replaced when anything moves
	now     map[relation.AccountKey]position
	states  map[position]entries
	problem string
}

func newModel(f *fixture) *model {
	return &model{
		store: f.store, moved: make(chan struct{}), now: make(map[relation.AccountKey]position), states: make(map[position]entries),
	}
}

// add takes a commit. It is called by the store, before the gateway hears of it.
func (m *model) add(c relation.Commit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, change := range c.Lists {
		at := position{strconv.FormatInt(change.List, 36), change.Sequence}
		before := m.now[change.AccountKey]
		if before.list == at.list && before.sequence+1 != at.sequence {
			m.problem = fmt.Sprintf("the store told %v after %v", at, before)
		}
		list := entries(nil)
		if before.list == at.list {
			list = m.states[before]
		}
		list = list.without(change.Removed...)
		for _, e := range change.Added {
			list = list.with(api.BlockEntry{ToAccount: e.UserID, AddBlackTimeStamp: e.Since})
		}
		if change.Reload {
			list = m.read(change.AccountKey)
		}
		m.now[change.AccountKey], m.states[at] = at, list
	}
	close(m.moved)
	m.moved = make(chan struct{})
}

// read reads a list from the store.
func (m *model) read(key relation.AccountKey) entries {
	page, err := m.store.Blocklist(context.Background(), relation.BlockQuery{
		SDKAppID: key.SDKAppID, Owner: key.UserID, Limit: relation.MaxBlockPage,
	})
	if err != nil && !errors.Is(err, relation.ErrNoAccount) {
		m.problem = err.Error()
	}
	var list entries
	for _, e := range page.Entries {
		list = append(list, api.BlockEntry{ToAccount: e.UserID, AddBlackTimeStamp: e.Since})
	}
	return list
}

// at returns a list as it was. A reader may be ahead of what the store told; then it waits.
func (m *model) at(p position) (entries, error) {
	if p.sequence == 0 {
		return nil, nil
	}
	late := time.After(patience)
	for {
		m.mu.Lock()
		list, known := m.states[p]
		moved := m.moved
		m.mu.Unlock()
		if known {
			return list, nil
		}
		select {
		case <-moved:
		case <-late:
			return nil, fmt.Errorf("the store never told of %v", p)
		}
	}
}

// counts says what happened to followers.
type counts struct{ logins, resumed, reloads, pages, changes, mine int }

// follower is a device that follows its user's list as docs/gateway.md says, and checks what it is told.
type follower struct {
	t            testing.TB
	model        *model
	url          string
	user, device string
	random       *rand.Rand
	targets      []string // that it blocks and unblocks; none: it only follows
	mortal       []string // targets that are deleted now and then
	page         int      // entries to a page

	mu        sync.Mutex
	moved     chan struct{} // closed and replaced when the copy moves
	list      entries
	at        position // zero: no copy
	whole     int64    // the sequence from which on the copy is one: its pages were read up to there
	reading   *reading // nil: the copy can be used
	connected bool
	counts    counts

	told int64 // sequence that this connection was told last
	next int
}

// reading is a list that is being read anew.
type reading struct {
	id      string // of the call under way
	list    entries
	first   *position // of the first page
	last    int64     // highest sequence of a page
	changes []api.BlocklistChange
}

// run connects again and again, until the context ends.
func (d *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.connect(ctx); err != nil && ctx.Err() == nil {
			d.t.Errorf("%s/%s: %v", d.user, d.device, err)
			return
		}
		select { // a pause, as clients make one
		case <-time.After(time.Duration(d.random.Int64N(int64(5 * time.Millisecond)))):
		case <-ctx.Done():
		}
	}
}

// connect follows one connection to its end. Its error is a broken promise.
func (d *follower) connect(ctx context.Context) error {
	dialing, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext}
	defer transport.CloseIdleConnections()
	ws, _, err := websocket.Dial(dialing, d.url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return nil
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(-1)
	d.reading = nil
	p := loginOf(d.user, d.device)
	if d.at != (position{}) {
		p.Blocklist = &api.BlocklistPosition{List: d.at.list, Sequence: d.at.sequence}
	}
	defer d.setConnected(false)
	if d.send(ctx, ws, api.MethodLogin, p) != nil {
		return nil
	}
	first := true
	for {
		reading, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, text, err := ws.Read(reading)
		cancel()
		if err != nil {
			if d.ended(api.Refusal(websocket.CloseStatus(err))) {
				return nil
			}
			return err
		}
		var frame api.GatewayFrame
		if err := json.Unmarshal(text, &frame); err != nil {
			if _, _, lost := ws.Read(ctx); lost != nil {
				return nil // the library takes a connection that is lost within a frame for the frame's end
			}
			return fmt.Errorf("frame %q: %w", text, err)
		}
		if err := d.take(ctx, ws, frame, first); err != nil {
			return fmt.Errorf("%w; frame %s", err, text)
		}
		first = false
	}
}

// ended reports whether the connection may end like this.
func (d *follower) ended(why api.Refusal) bool {
	if why == api.RefusalDeleted {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.at, d.list, d.whole = position{}, nil, 0
		return true
	}
	return why < api.RefusalExpired
}

func (d *follower) setConnected(is bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.connected = is
}

func (d *follower) send(ctx context.Context, ws *websocket.Conn, method string, params any) error {
	d.next++
	text, err := json.Marshal(params)
	if err != nil {
		return err
	}
	frame := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, d.next, method, text)
	return ws.Write(ctx, websocket.MessageText, []byte(frame))
}

// take does what one frame says.
func (d *follower) take(ctx context.Context, ws *websocket.Conn, frame api.GatewayFrame, first bool) error {
	d.mu.Lock()
	defer func() {
		close(d.moved)
		d.moved = make(chan struct{})
		d.mu.Unlock()
	}()
	reload := false
	switch {
	case first && frame.Error != nil:
		return nil // the account was deleted while it logged in, or the like; the connection is closed
	case first:
		news := decode[api.LoginResult](d.t, frame.Result).Blocklist
		if err := d.resume(news); err != nil {
			return err
		}
		d.connected, reload = true, news.Reload
	case frame.Method == api.NotifyBlocklistChanged:
		if err := d.changed(decode[api.BlocklistChange](d.t, frame.Params)); err != nil {
			return err
		}
	case frame.Method == api.NotifyBlocklistReload:
		at := decode[api.BlocklistPosition](d.t, frame.Params)
		if at.Sequence < d.told {
			return fmt.Errorf("told to reload to %d after %d", at.Sequence, d.told)
		}
		d.told, reload = at.Sequence, true
	case frame.Method == api.NotifySessionReconnect:
	case d.reading != nil && string(frame.ID) == d.reading.id:
		return d.readPage(ctx, ws, frame)
	}
	if reload {
		d.counts.reloads++
		return d.read(ctx, ws)
	}
	if len(d.targets) > 0 && d.random.IntN(3) == 0 {
		d.counts.mine++
		method := []string{api.MethodBlocklistAdd, api.MethodBlocklistRemove}[d.random.IntN(2)]
		_ = d.send(ctx, ws, method, api.BlocklistTargets{ToAccount: pick(d.random, d.targets)})
	}
	return nil
}

// pick returns one to three different ones.
func pick(random *rand.Rand, of []string) []string {
	var picked []string
	for _, i := range random.Perm(len(of))[:1+random.IntN(3)] {
		picked = append(picked, of[i])
	}
	return picked
}

// resume takes what a login brought.
func (d *follower) resume(news api.BlocklistNews) error {
	d.counts.logins++
	d.told = news.Sequence
	if news.Reload {
		if len(news.Changes) > 0 {
			return errors.New("reload, and changes")
		}
		return nil
	}
	if d.at.list != news.List || d.at.sequence > news.Sequence || d.at.sequence+int64(len(news.Changes)) != news.Sequence {
		return fmt.Errorf("the copy stood at %v, and gets %d changes up to %v", d.at, len(news.Changes), news.BlocklistPosition)
	}
	for _, c := range news.Changes {
		d.counts.resumed++
		if err := d.apply(c); err != nil {
			return err
		}
	}
	return nil
}

// changed takes a change that was pushed.
func (d *follower) changed(c api.BlocklistChange) error {
	d.counts.changes++
	if c.Sequence != d.told+1 {
		return fmt.Errorf("told of change %d after %d", c.Sequence, d.told)
	}
	d.told = c.Sequence
	if d.reading != nil {
		d.reading.changes = append(d.reading.changes, c)
		return nil
	}
	return d.apply(c)
}

// apply brings the copy one change further.
func (d *follower) apply(c api.BlocklistChange) error {
	if c.Sequence <= d.at.sequence {
		return nil // it came with a page that was read
	}
	if c.Sequence != d.at.sequence+1 {
		return fmt.Errorf("change %d after %d", c.Sequence, d.at.sequence)
	}
	d.list = d.list.without(c.Removed...).with(c.Added...)
	d.at.sequence = c.Sequence
	return d.compare()
}

// compare holds the copy to what the list was at its sequence. Entries of accounts that are deleted leave the list before
// its sequence tells of it.
func (d *follower) compare() error {
	if d.at.sequence < d.whole {
		return nil
	}
	want, err := d.model.at(d.at)
	if err == nil && !slices.Equal(d.list.without(d.mortal...), want.without(d.mortal...)) {
		err = fmt.Errorf("at %v the copy is %v, want %v", d.at, d.list, want)
	}
	return err
}

// read reads the list anew.
func (d *follower) read(ctx context.Context, ws *websocket.Conn) error {
	d.at, d.list, d.whole, d.reading = position{}, nil, 0, &reading{}
	return d.ask(ctx, ws, "")
}

func (d *follower) ask(ctx context.Context, ws *websocket.Conn, cursor string) error {
	d.reading.id = fmt.Sprint(d.next + 1)
	_ = d.send(ctx, ws, api.MethodBlocklistGet, api.BlocklistGetParams{Cursor: cursor, Limit: d.page})
	return nil
}

// readPage takes a page. After the last one the copy is the pages and the changes since the first.
func (d *follower) readPage(ctx context.Context, ws *websocket.Conn, frame api.GatewayFrame) error {
	if frame.Error != nil {
		if frame.Error.Data.Refusal == api.RefusalDeleted {
			return nil // the connection is being closed
		}
		return fmt.Errorf("%+v", *frame.Error)
	}
	d.counts.pages++
	page := decode[api.BlocklistPage](d.t, frame.Result)
	r := d.reading
	if r.first == nil {
		r.first = &position{page.List, page.Sequence}
	}
	if page.List != r.first.list {
		return d.read(ctx, ws)
	}
	if page.Sequence < r.last {
		return fmt.Errorf("a page at %d after one at %d", page.Sequence, r.last)
	}
	r.last, r.list = page.Sequence, r.list.with(page.BlackListItem...)
	if page.Cursor != "" {
		return d.ask(ctx, ws, page.Cursor)
	}
	return d.finish()
}

// finish makes what was read the copy, if the changes up to its newest page are there already.
func (d *follower) finish() error {
	d.at, d.list, d.whole = *d.reading.first, d.reading.list, d.reading.last
	changes := d.reading.changes
	d.reading = nil
	for _, c := range changes {
		if c.Sequence == d.at.sequence+1 {
			d.list = d.list.without(c.Removed...).with(c.Added...)
			d.at.sequence = c.Sequence
		}
	}
	return d.compare()
}

// copied returns the copy as it is now, and a channel that is closed when it moves.
func (d *follower) copied() (position, entries, bool, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at, slices.Clone(d.list), d.connected && d.reading == nil, d.moved
}

// sum adds counts up.
func sum(followers []*follower) counts {
	var all counts
	for _, d := range followers {
		d.mu.Lock()
		c := d.counts
		d.mu.Unlock()
		all.logins += c.logins
		all.resumed += c.resumed
		all.reloads += c.reloads
		all.pages += c.pages
		all.changes += c.changes
		all.mine += c.mine
	}
	return all
}
