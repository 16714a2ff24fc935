package store

import "time"

const (
	// paceTarget is how long a commit should take at most, so that who comes during it need not wait long. Where disk or
	// network make even a small commit slow, it is paceShares times what does not depend on its work, but paceSlowest at most.
	paceTarget  = 4 * time.Millisecond
	paceShares  = 4
	paceSlowest = 200 * time.Millisecond
	// The work of a commit is bounded by paceLeast and paceMost, and by paceStart before anything is known.
	paceLeast = 64
	paceStart = 1024
	paceMost  = 16384
	// paceTrips is how many round trips to a database a commit makes about, each as long as its begin.
	paceTrips = 8
)

// pace learns how much work makes a commit of the wanted length. Only the writing goroutine uses it.
type pace struct {
	limit int
	fixed time.Duration // what a commit takes lately whatever its work is
}

func newPace() *pace { return &pace{limit: paceStart} }

// room is how much work the next commit may be.
func (p *pace) room() int { return p.limit }

// timing is how long a transaction took, and its begin and its commit alone.
type timing struct{ begin, commit, whole time.Duration }

// learn takes in what a commit took. One that was far from the limit says nothing about it. A limit changes by half at most,
// so that one hiccup of the disk does not undo what many commits told.
func (p *pace) learn(work int, t timing) {
	p.fixed += (paceTrips*t.begin + t.commit - p.fixed) / 16
	if work < p.limit/2 {
		return
	}
	target := min(paceSlowest, max(paceTarget, paceShares*p.fixed))
	want := int(float64(p.limit) * float64(target) / float64(max(t.whole, time.Microsecond)))
	p.limit = max(paceLeast, min(paceMost, max(p.limit/2, min(want, p.limit*3/2))))
}
