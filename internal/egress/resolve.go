package egress

import (
	"context"
	"errors"
	"net"
	"strings"
)

// confirmMissing asks once more about a name that a dial found missing, as it is and without the search list of the machine.
// The resolver of Go tries both and reports whichever it likes: where a cluster's name server knows its own domain and cannot
// reach the others, that is a suffix which does not exist, and not the SERVFAIL about the name itself.
func (e *Egress) confirmMissing(ctx context.Context, host string, err error) error {
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound || strings.HasSuffix(host, ".") || !strings.Contains(host, ".") {
		return err
	}
	// A context of its own, since a trace must not see this lookup.
	bare, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	_, again := e.resolver.LookupNetIP(bare, "ip", host+".")
	if errors.As(again, &dns) && !dns.IsNotFound {
		if ctx.Err() != nil {
			return &net.DNSError{Err: "timeout", Name: host, IsTimeout: true, UnwrapErr: ctx.Err()}
		}
		return again
	}
	return err
}
