package hostile

import "slices"

// drawConnection picks the mode of a new connection. One that concerns requests is left for them.
func (r *Receiver) drawConnection() Mode {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.find(func(Mode) bool { return true })
	if m := r.bag[i]; m.Early() {
		return r.take(i)
	}
	return ""
}

// drawRequest picks the mode of a request. There is none when all modes concern connections.
func (r *Receiver) drawRequest() (Mode, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.find(func(m Mode) bool { return !m.Early() })
	if i < 0 {
		return "", false
	}
	return r.take(i), true
}

// find returns where in the bag a mode is that fits. Each mode is drawn once before any is drawn again.
func (r *Receiver) find(fits func(Mode) bool) int {
	if i := slices.IndexFunc(r.bag, fits); i >= 0 {
		return i
	}
	for _, m := range r.modes {
		if fits(m) {
			r.bag = append(r.bag, m)
		}
	}
	r.random.Shuffle(len(r.bag), func(i, k int) { r.bag[i], r.bag[k] = r.bag[k], r.bag[i] })
	return slices.IndexFunc(r.bag, fits)
}

func (r *Receiver) take(i int) Mode {
	m := r.bag[i]
	r.bag = slices.Delete(r.bag, i, i+1)
	if behaviours[m].phase != inListener {
		r.counts[m]++ // those of the listener count when they are set
	}
	return m
}
