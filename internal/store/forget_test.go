package store_test

import (
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// What the record keeps no longer is told, and why.
func TestOnForget(t *testing.T) {
	type told struct {
		events  int
		crowded bool
	}
	for _, c := range []struct {
		name   string
		change func(*store.Options)
		want   told
	}{
		{"too old", func(o *store.Options) { o.Now = func() time.Time { return time.Now().Add(2 * time.Hour) } }, told{2, false}},
		{"too large", func(o *store.Options) { o.RecordSize = 1 }, told{2, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			heard := make(chan told, 10)
			o := store.Options{
				Dir: t.TempDir(), Retention: time.Hour,
				OnForget: func(events int, crowded bool) { heard <- told{events, crowded} },
			}
			s := open(t, o)
			app := seed(t, s)
			for range 2 {
				toggle(t, s, app)
				if err := settleHead(s, relation.Delivered); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			c.change(&o)
			open(t, o)
			select {
			case got := <-heard:
				if got != c.want {
					t.Errorf("told %+v, want %+v", got, c.want)
				}
			case <-time.After(time.Minute):
				t.Fatal("nothing was told")
			}
		})
	}
}
