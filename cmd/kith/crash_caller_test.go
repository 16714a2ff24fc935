package main

import (
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/proof"
)

const (
	crashApp = 1600077123
	crashKey = proof.AppKey
)

// change is one call that changes an owner's list.
type change = proof.Change

// crashCaller is an app backend that makes REST calls to whichever server runs now.
type crashCaller struct {
	test *testing.T
	*proof.App
}

// newCrashCaller creates the app, with its callbacks going to callbackURL, on the server of the data directory.
func newCrashCaller(t *testing.T, dir, callbackURL string) *crashCaller {
	t.Helper()
	client, err := operator.FromDataDir(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	app, err := proof.NewApp(t.Context(), client, crashApp, operator.SetCallback{URL: &callbackURL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	return &crashCaller{t, app}
}

// connect makes the caller use the server at base from now on.
func (c *crashCaller) connect(base string) { c.Connect(base) }

// call makes a REST call. An error means that its outcome is not known.
func (c *crashCaller) call(command string, body, answer any) error {
	return c.Call(c.test.Context(), command, body, answer)
}

func (c *crashCaller) importAccounts(t *testing.T) {
	t.Helper()
	var accounts []string
	for i := range crashOwners {
		accounts = append(accounts, crashOwner(i))
	}
	for i := range crashTargets {
		accounts = append(accounts, crashTarget(i))
	}
	if err := c.Import(t.Context(), accounts); err != nil {
		t.Fatal(err)
	}
}

// change makes the call of a change and returns the result code of each target.
func (c *crashCaller) change(owner string, change change) ([]api.Code, error) {
	return c.Change(c.test.Context(), owner, change)
}
