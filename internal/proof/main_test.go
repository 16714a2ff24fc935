package proof

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/kithchat/kith/internal/pgtest"
)

// TestMain lets the test program be the receiver of a soak, which starts the program that runs.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ReceiverRole {
		if err := RunReceiver(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// toxiproxy abandons a connection whose other side has gone, with what was still to be written to it.
	goleak.VerifyTestMain(pgtest.Suite{Tests: m},
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"))
}
