package hostile

import (
	"net"
	"net/http"
)

// trap is an address that nobody must call.
type trap struct {
	url    string
	server *http.Server
	done   chan struct{}
}

func newTrap(j *Journal) (*trap, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &trap{url: "http://" + l.Addr().String(), done: make(chan struct{})}
	t.server = &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		j.complain("a redirect to a private address was followed", "")
	})}
	go func() {
		defer close(t.done)
		_ = t.server.Serve(l)
	}()
	return t, nil
}

func (t *trap) close() error {
	err := t.server.Close()
	<-t.done
	return err
}
