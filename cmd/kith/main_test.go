package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/kithchat/kith/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Suite{Tests: m}) }
