package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/kithchat/kith/internal/hostile"
)

// Toxic is one fault of the network, as toxiproxy names and describes them.
type Toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`   // upstream: from kith to the receiver; downstream: back
	Toxicity   float64        `json:"toxicity"` // share of connections that have it
	Attributes map[string]any `json:"attributes"`
}

// String describes the toxic.
func (t Toxic) String() string { return fmt.Sprintf("%s %s %v", t.Type, t.Stream, t.Attributes) }

// Toxics returns one toxic of each kind, for a sender that waits for so long. Both directions are there.
func Toxics(patience time.Duration) []Toxic {
	ms := patience.Milliseconds()
	var all []Toxic
	for _, stream := range []string{"upstream", "downstream"} {
		all = append(
			all,
			Toxic{"latency", stream, 1, map[string]any{"latency": ms / 8, "jitter": ms / 10}},
			Toxic{"latency", stream, 0.5, map[string]any{"latency": ms, "jitter": ms / 2}},
			Toxic{"bandwidth", stream, 1, map[string]any{"rate": 5}}, // KB/s
			Toxic{"slow_close", stream, 1, map[string]any{"delay": ms / 2}},
			Toxic{"timeout", stream, 0.5, map[string]any{"timeout": ms / 4}},
			Toxic{"timeout", stream, 0.3, map[string]any{"timeout": 0}},
			Toxic{"reset_peer", stream, 0.5, map[string]any{"timeout": 0}},
			Toxic{"reset_peer", stream, 0.5, map[string]any{"timeout": ms / 8}},
			Toxic{"slicer", stream, 1, map[string]any{"average_size": 40, "size_variation": 20, "delay": 500}},
			Toxic{"limit_data", stream, 0.7, map[string]any{"bytes": 600}},
		)
	}
	return all
}

// Link is the network between kith and one receiver. It keeps its address. Its methods are not safe for concurrent use.
type Link struct {
	address, upstream string
	server            *toxiproxy.ApiServer
	proxy             *toxiproxy.Proxy // nil while it is cut
}

// quiet switches toxiproxy's own log off, which some of its parts write to a logger that cannot be handed in.
var quiet = sync.OnceFunc(func() { zerolog.SetGlobalLevel(zerolog.Disabled) })

// NewLink opens a network without faults to the address of a receiver.
func NewLink(upstream string) (*Link, error) {
	quiet()
	address, err := hostile.FreeAddress()
	if err != nil {
		return nil, err
	}
	l := &Link{address: address, upstream: upstream, server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
	return l, l.Use()
}

// Address returns where kith connects to.
func (l *Link) Address() string { return l.address }

// Use replaces the faults of the network; none makes it sound. Connections are lost: toxiproxy changes those of open
// connections in ways that can lock it up.
func (l *Link) Use(faults ...Toxic) error {
	l.Cut()
	p := toxiproxy.NewProxy(l.server, "link", l.address, l.upstream)
	for i, toxic := range faults {
		text, err := json.Marshal(struct {
			Name string `json:"name"`
			Toxic
		}{fmt.Sprintf("%d", i), toxic})
		if err != nil {
			return err
		}
		if _, err := p.Toxics.AddToxicJson(bytes.NewReader(text)); err != nil {
			return fmt.Errorf("toxic %s: %w", toxic, err)
		}
	}
	if err := p.Start(); err != nil {
		return fmt.Errorf("start the proxy: %w", err)
	}
	l.proxy = p
	return nil
}

// Cut takes the network away: connections end, and new ones are refused.
func (l *Link) Cut() {
	if l.proxy != nil {
		l.proxy.Stop()
		l.proxy = nil
	}
}
