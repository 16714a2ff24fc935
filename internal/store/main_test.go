package store_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/kithchat/kith/internal/pgtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if step := os.Getenv(killStep); step != "" {
		fmt.Println(dieAt(step))
		os.Exit(1)
	}
	goleak.VerifyTestMain(pgtest.Suite{Tests: m})
}
