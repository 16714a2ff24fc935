package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// lookBriefly compares what is quickly read of an app: what is due, and one account.
func (h *history) lookBriefly(app *relation.App) op {
	owner, limit := h.user(), 1+h.rng.IntN(4)
	return op{fmt.Sprintf("look at %s of app %d", owner, app.SDKAppID), func(s *side) string {
		s.app = app
		return s.lookAtHeads(limit) + s.lookAtAccount(owner)
	}}
}

// lookAtAll compares everything that can be seen.
func (h *history) lookAtAll() {
	h.Helper()
	h.settleDown()
	limit := 1 + h.rng.IntN(20)
	for _, app := range h.apps {
		h.both(op{fmt.Sprint("look at app ", app.SDKAppID), func(s *side) string {
			s.app = app
			var b strings.Builder
			b.WriteString(s.lookAtHeads(limit))
			for _, owner := range historyUsers() {
				b.WriteString(s.lookAtAccount(owner))
				fmt.Fprintf(&b, "count %d\n", s.count(owner))
				b.WriteString(s.lookByCursor(owner, 1+limit%3))
			}
			b.WriteString(s.lookAtLetters(limit))
			b.WriteString(s.lookAtStats())
			b.WriteString(s.lookAtRecords(limit))
			b.WriteString(s.lookAtSelection(limit))
			b.WriteString(s.lookAtExport())
			return b.String()
		}})
	}
	h.both(op{"look at all apps", func(s *side) string {
		apps, err := s.Apps(s.ctx)
		return text(apps) + sentinel(err) + text(s.online())
	}})
}

// lookAtHeads prints the heads that are due and when the next will be. Among those that are due, order is by when they
// became due, which is the engine's own affair (heads checks that it is the order); here it is by owner.
func (s *side) lookAtHeads(limit int) string {
	s.Helper()
	now := s.clock.Now()
	var due []string
	for _, head := range s.heads(now, limit) {
		due = append(due, fmt.Sprintf("%s more %v\n", s.describe(head.Event), head.More))
	}
	slices.Sort(due)
	next, err := s.NextDue(s.ctx, s.app.SDKAppID, now)
	s.ok("next due", err)
	return fmt.Sprintf("due %s\nnext %v\n", due, milli(next))
}

func (s *side) lookAtAccount(owner string) string {
	s.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "account %s imported %v\n", owner, s.imported(owner))
	kicked, err := s.KickedAt(s.ctx, s.app.SDKAppID, owner)
	fmt.Fprintf(&b, "kicked %d %s\n", kicked, sentinel(err))
	page, err := s.svc.Blocklist(s.ctx, relation.BlockQuery{SDKAppID: s.app.SDKAppID, Owner: owner, Limit: 1000})
	sequence := s.sequence(account{s.app.SDKAppID, owner}, page.Sequence)
	fmt.Fprintf(&b, "list %+v sequence %s %s\n", page.Entries, sequence, sentinel(err))
	states, err := s.svc.CheckBlocks(s.ctx, relation.BlockCheckQuery{
		SDKAppID: s.app.SDKAppID, Owner: owner, Targets: historyUsers(), Both: true,
	})
	fmt.Fprintf(&b, "states %+v %s\n", states, sentinel(err))
	if err == nil {
		b.WriteString(s.lookAtHead(owner, kicked, page))
	}
	for _, e := range s.queue(owner) {
		fmt.Fprintf(&b, "waits %s\n", s.describe(e))
	}
	return b.String()
}

// lookAtHead compares the head of a list with its page, and the list with what was told of it.
func (s *side) lookAtHead(owner string, kicked int64, page relation.BlockPage) string {
	s.Helper()
	head := s.account(owner)
	if s.base == nil { // sweeping goes on
		page.Sequence = head.Sequence
	} else {
		s.followed(owner)
	}
	equal(s, "head of "+owner, head, relation.AccountHead{KickedAt: kicked, List: page.List, Sequence: page.Sequence})
	var online []string
	for _, d := range s.online() {
		if d.AccountKey == (relation.AccountKey{SDKAppID: s.app.SDKAppID, UserID: owner}) {
			online = append(online, text(d.Device))
		}
	}
	return fmt.Sprintf("online %s\n", online)
}

// lookByCursor prints a list in pages by cursor.
func (s *side) lookByCursor(owner string, limit int) string {
	var b strings.Builder
	k := account{s.app.SDKAppID, owner}
	for q := (relation.BlockQuery{SDKAppID: k.sdkAppID, Owner: owner, Limit: limit}); ; {
		p, err := s.svc.Blocklist(s.ctx, q)
		fmt.Fprintf(&b, "page %+v sequence %s %s\n", p.Entries, s.sequence(k, p.Sequence), sentinel(err))
		if err != nil || p.Cursor <= q.After {
			return b.String()
		}
		q.After = p.Cursor
	}
}

func (s *side) lookAtLetters(limit int) string {
	s.Helper()
	var b strings.Builder
	for _, letter := range s.letters(limit) {
		fmt.Fprintf(&b, "dead %s parked %v: %s\n", s.describe(letter.Event), letter.Settled, letter.Reason)
	}
	return b.String()
}

// lookAtStats prints the app's figures. The age of the oldest event is compared with what waits, see oldestSlack.
func (s *side) lookAtStats() string {
	s.Helper()
	var oldest time.Time
	for _, owner := range historyUsers() {
		for _, e := range s.queue(owner) {
			if oldest.IsZero() || e.Created.Before(oldest) {
				oldest = e.Created
			}
		}
	}
	for _, stats := range s.stats() {
		if stats.SDKAppID != s.app.SDKAppID {
			continue
		}
		answer := fmt.Sprintf("waiting %d dead %d", stats.Waiting, stats.Dead)
		if early := oldest.Sub(stats.Oldest); early < 0 || early >= oldestSlack {
			answer += fmt.Sprintf(" oldest %v for one of %v", stats.Oldest, oldest)
		}
		return answer
	}
	return "nothing waits"
}
