package hostile

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var mira = Account{App: "1", Name: "mira"}

// step is something that happens to a journal: an event arrives, and is taken and answered unless it says otherwise.
type step struct {
	id      string
	attempt int
	digest  string
	seq     int64 // 0: the number that id is
	replay  string
	lost    bool // not taken
	sent    int64
}

func (s step) event() Event {
	return Event{
		Account: mira, ID: s.id, Attempt: max(s.attempt, 1), Digest: s.digest, Sequence: cmp.Or(s.seq, int64(s.id[0]-'0')), Replay: s.replay, Sent: s.sent,
	}
}

func (s step) happen(j *Journal) {
	v := j.arrive(s.event())
	if !s.lost {
		v.take()
	}
	v.end(false)
}

// TestJournalChecks: the promises that are checked, and what does not break them.
func TestJournalChecks(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []step
		want  string // a word of the one problem; empty: none
		dead  string // an id whose dead letter excuses it
	}{
		{"in order", []step{{id: "1"}, {id: "2"}, {id: "3"}}, "", ""},
		{"again after a lost answer", []step{{id: "1"}, {id: "1", attempt: 2}, {id: "2"}}, "", ""},
		{"again after a failure", []step{{id: "1", lost: true}, {id: "1", attempt: 2}, {id: "2"}}, "", ""},
		{"a copy that was under way", []step{{id: "1", attempt: 2}, {id: "2"}, {id: "1", attempt: 1}}, "", ""},
		{"again after a newer one", []step{{id: "1"}, {id: "2"}, {id: "1", attempt: 2}}, "sent again", "1"},
		{"the same attempt again after a newer one", []step{{id: "1", sent: 5}, {id: "2", sent: 5}, {id: "1", sent: 6}}, "sent again", "1"},
		{"before the earlier one was taken", []step{{id: "1", lost: true}, {id: "2"}}, "was not taken", "1"},
		{"older after newer", []step{{id: "2"}, {id: "1"}}, "after the newer", "1"},
		{"older after newer by sequence", []step{{id: "1", seq: 2}, {id: "2", seq: 1}}, "after the newer", "2"},
		{"in order by sequence", []step{{id: "2", seq: 1}, {id: "1", seq: 2}}, "", ""},
		{"another content", []step{{id: "1", digest: "a"}, {id: "1", attempt: 2, digest: "b"}}, "another content", ""},
		{"another number", []step{{id: "1", seq: 1}, {id: "1", attempt: 2, seq: 2}}, "another content", ""},
		{"a replay of an old one", []step{{id: "1"}, {id: "2"}, {id: "1", attempt: 2, replay: "r"}}, "", ""},
		{"a replay that goes back after a restart", []step{
			{id: "1"}, {id: "2"}, {id: "1", replay: "r"}, {id: "2", replay: "r"}, {id: "1", replay: "r"}, {id: "2", replay: "r"},
		}, "", ""},
		{"two replays, one behind the other", []step{
			{id: "1"}, {id: "2"}, {id: "1", replay: "r"}, {id: "2", replay: "r"}, {id: "1", replay: "s"}, {id: "2", replay: "s"},
		}, "", ""},
		{"a replay of a dead letter", []step{{id: "2"}, {id: "1", replay: "r"}, {id: "3"}}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			j := NewJournal(&log)
			if err := j.Begin(); err != nil {
				t.Fatal(err)
			}
			for _, s := range c.steps {
				s.happen(j)
			}
			read, err := ReadJournal(&log)
			if err != nil {
				t.Fatal(err)
			}
			for what, j := range map[string]*Journal{"live": j, "read again": read} {
				if problems := j.Problems(nil); c.want == "" && len(problems) > 0 {
					t.Errorf("%s: %v", what, problems)
				}
				if c.want != "" {
					wantProblem(t, j, c.want)
				}
				if left := j.Problems(map[string]bool{c.dead: true}); c.dead != "" && len(left) > 0 {
					t.Errorf("%s: a dead letter does not excuse %v", what, left)
				}
			}
		})
	}
}

// TestJournalReplayOrder: an account's events come in order in a replay, but for those that were settled after its creation.
func TestJournalReplayOrder(t *testing.T) {
	j := NewJournal(nil)
	for _, s := range []step{{id: "1"}, {id: "2"}, {id: "3"}, {id: "2", replay: "r"}, {id: "1", replay: "r"}, {id: "3", replay: "r"}} {
		s.happen(j)
	}
	for late, want := range map[string]int{"3": 1, "1": 0} {
		taken, problems := j.Replayed("r", func(event string) bool { return event != late })
		if taken != 3 || len(problems) != want {
			t.Errorf("%s was settled late: %d events, %q, want %d problems", late, taken, problems, want)
		}
	}
	if taken, problems := j.Replayed("s", func(string) bool { return true }); taken != 0 || problems != nil {
		t.Errorf("of a replay that nobody knows: %d %q", taken, problems)
	}
}

// TestJournalStrict: two callbacks of an account in flight are noticed, unless the sender may have given the first one up.
func TestJournalStrict(t *testing.T) {
	const patience = 2 * time.Second
	for _, c := range []struct {
		name      string
		strict    time.Duration
		after     time.Duration // from the first to the second
		abandoned bool          // the first
		want      bool
	}{
		{"together", patience, 10 * time.Millisecond, false, true},
		{"the sender of the first had gone", patience, 10 * time.Millisecond, true, false},
		{"the first may have timed out", patience, patience, false, false},
		{"a proxy is between", 0, 10 * time.Millisecond, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := NewJournal(nil)
			now := time.Unix(1_700_000_000, 0)
			j.now = func() time.Time { return now }
			j.Strict(c.strict)
			first := j.arrive(step{id: "1"}.event())
			first.take()
			other := step{id: "1"}.event()
			other.ID, other.Name = "other", "rob"
			j.arrive(other).end(false) // another account is free
			now = now.Add(c.after)
			second := j.arrive(step{id: "2"}.event())
			first.end(c.abandoned)
			second.end(false)
			if problems := j.Problems(nil); (len(problems) > 0) != c.want {
				t.Errorf("problems %v, want some: %t", problems, c.want)
			}
		})
	}
}

// TestJournalOutlivesKills cuts a log at any place, as the kill of a receiver does, and goes on with another receiver.
// What was taken before the cut is known after it.
func TestJournalOutlivesKills(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var log bytes.Buffer
		j := NewJournal(&log)
		_ = j.Begin()
		marks := []int{} // length of the log after each event
		for i := range 5 {
			step{id: string(rune('1' + i))}.happen(j)
			marks = append(marks, log.Len())
		}
		cut := random.IntN(log.Len()) + 1
		log.Truncate(cut)
		second := NewJournal(&log)
		_ = second.Begin()
		for i := range 6 {
			step{id: string(rune('1' + i)), attempt: 2}.happen(second)
		}
		read, err := ReadJournal(&log)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		whole := 0
		for _, m := range marks {
			if m <= cut {
				whole++
			}
		}
		counts := read.Counts()
		if counts.Taken != 6 || counts.Repeats < whole || counts.Repeats > whole+1 {
			t.Errorf("cut at %d, after %d events: %+v", cut, whole, counts)
		}
	}
	if _, err := ReadJournal(strings.NewReader("{\"started\":true}\n{half\n{\"ended\":true,\"visit\":1}\n")); err == nil {
		t.Error("a damaged line in the middle was not noticed")
	}
}
