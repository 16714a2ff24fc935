package main

import (
	"testing"

	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/pgtest"
)

// onEachEngine runs a test on both store engines: it hands over what makes a configuration use one of them.
func onEachEngine(t *testing.T, test func(t *testing.T, engine func(*config.Config))) {
	t.Run("sqlite", func(t *testing.T) { test(t, func(*config.Config) {}) })
	t.Run("postgres", func(t *testing.T) {
		url := pgtest.NewDatabase(t)
		test(t, func(c *config.Config) { c.Store = url })
	})
}
