package gateway

// What tests look at from outside the package.

// Kept returns how many bytes the histories and idle users count as, and how many users are known.
func (g *Gateway) Kept() (bytes int64, users int) {
	g.users.all(func(*user) { users++ })
	return g.users.memory.used.Load(), users
}

// Addresses returns how many addresses are connected.
func (g *Gateway) Addresses() int {
	g.addresses.mu.Lock()
	defer g.addresses.mu.Unlock()
	return len(g.addresses.counts)
}

// Absent returns how many devices are away and may come back.
func (g *Gateway) Absent() (n int) {
	g.absences.mu.Lock()
	defer g.absences.mu.Unlock()
	for _, of := range g.absences.m {
		n += len(of)
	}
	return n
}

// Queued returns how many bytes wait on the connection where most do.
func (g *Gateway) Queued() (most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.mu.Lock()
		n := 0
		for _, frame := range c.queue {
			n += len(frame)
		}
		c.mu.Unlock()
		most = max(most, n)
	}
	return most
}
