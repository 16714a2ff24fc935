package gateway

import "context"

// background runs f in a goroutine that Stop waits for. Its context ends with the gateway. It returns false when the gateway
// is stopping, and then does not run f.
func (g *Gateway) background(f func(context.Context)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping.Load() {
		return false
	}
	g.running.Add(1)
	go func() {
		defer g.running.Done()
		f(g.working)
	}()
	return true
}
