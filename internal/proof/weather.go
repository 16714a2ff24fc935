package proof

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/operator"
)

// actor does something every now and then.
type actor struct {
	from, to time.Duration // time between two
	do       func(context.Context) error
	at       time.Time
}

func (a *actor) hurry(factor float64) {
	a.from, a.to = time.Duration(float64(a.from)*factor), time.Duration(float64(a.to)*factor)
}

func (a *actor) plan(random *rand.Rand) {
	a.at = time.Now().Add(a.from + time.Duration(random.Int64N(int64(a.to-a.from)+1)))
}

// killServer kills kith, one time out of four again while it starts.
func (s *soak) killServer(ctx context.Context) error {
	starting := time.Duration(0)
	if s.random.IntN(4) == 0 {
		starting = 1 + time.Duration(s.random.Int64N(int64(300*time.Millisecond)))
	}
	return s.world.Kill(ctx, starting)
}

func (s *soak) killReceiver(ctx context.Context) error {
	s.sum.ReceiverKills++
	return s.backend.Restart(ctx, time.Duration(s.random.Int64N(int64(500*time.Millisecond))))
}

// changeWeather decides what the receiver and the networks are like for a while. Half of the time all is well.
func (s *soak) changeWeather(ctx context.Context) error {
	modes := []hostile.Mode{hostile.Good}
	if s.random.IntN(3) == 0 {
		modes = s.someModes()
	}
	if err := s.backend.Use(ctx, modes...); err != nil {
		return err
	}
	toxics := Toxics(soakTimeout)
	for _, link := range s.world.Links {
		switch n := s.random.IntN(12); {
		case n == 0:
			link.Cut()
		case n < 4:
			if err := link.Use(toxics[s.random.IntN(len(toxics))]); err != nil {
				return err
			}
		default:
			if err := link.Use(); err != nil {
				return err
			}
		}
	}
	return nil
}

// someModes picks one to six modes, and a good one.
func (s *soak) someModes() []hostile.Mode {
	all := hostile.Modes(false)
	var modes []hostile.Mode
	for _, i := range s.random.Perm(len(all))[:1+s.random.IntN(6)] {
		m := all[i]
		alone := m == hostile.Refuse || m == hostile.HangBacklog
		if alone && len(modes) > 0 {
			continue
		}
		modes = append(modes, m)
		if alone {
			return modes
		}
	}
	return append(modes, hostile.Good)
}

// replay sends what an app, or one of its accounts, was told of late once more.
func (s *soak) replay(ctx context.Context) error {
	what := operator.CreateReplay{SDKAppID: s.world.Apps[s.random.IntN(len(s.world.Apps))].ID, From: "10s"}
	if s.random.IntN(2) == 0 {
		what.Account, what.From = OwnerName(s.random.IntN(s.SoakOptions.Owners)), "1m"
	}
	return s.world.StartReplay(ctx, what)
}

// spoilStore makes the store refuse writes for a moment, or hold them up.
func (s *soak) spoilStore(ctx context.Context) error {
	length := 200*time.Millisecond + time.Duration(s.random.Int64N(int64(time.Second)))
	switch {
	case s.Store != "" && s.RestartStore == nil:
		return nil
	case s.Store != "":
		s.sum.StoreFaults++
		return s.RestartStore()
	case s.random.IntN(2) == 0:
		s.sum.StoreFaults++
		unlock, err := s.world.Lock()
		if err != nil {
			return err
		}
		return errors.Join(pause(ctx, length), unlock())
	}
	s.sum.StoreFaults++
	if err := RefuseWrites(s.world.Server.PID(), true); err != nil {
		return err
	}
	return errors.Join(pause(ctx, length), RefuseWrites(s.world.Server.PID(), false), s.world.Restart(ctx))
}
