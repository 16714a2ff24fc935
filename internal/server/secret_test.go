package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/server"
)

// onDisk returns all files of a data directory, but for the operator token's, by name.
func onDisk(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "operator-token" {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// use makes an app with secrets, and changes it often enough that old versions lie about in the database.
func use(t *testing.T, s *running) {
	t.Helper()
	s.createApp(t, operator.CreateApp{SDKAppID: appID, Key: leaktest.AppKey})
	for _, limit := range []int{10, 20, 30} {
		if _, err := s.operator.SetCallback(t.Context(), appID, operator.SetCallback{Token: new(leaktest.CallbackToken)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.operator.UpdateApp(t.Context(), appID, operator.UpdateApp{BlocklistLimit: &limit}); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *running) createApp(t *testing.T, app operator.CreateApp) {
	t.Helper()
	if _, err := r.operator.CreateApp(t.Context(), app); err != nil {
		t.Fatal(err)
	}
}

// knows checks that the server still has the secrets.
func knows(t *testing.T, s *running) {
	t.Helper()
	made, err := s.operator.MakeUserSig(t.Context(), appID, operator.MakeUserSig{UserID: "mira"})
	if err != nil {
		t.Fatal(err)
	}
	callback, err := s.operator.Callback(t.Context(), appID)
	if err != nil || made.UserSig == "" || !callback.TokenSet {
		t.Errorf("callback %+v, err %v", callback, err)
	}
}

// With a master key, no file of the data directory has a secret in clear, those included that were there before.
func TestSecretsAtRest(t *testing.T) {
	c := settings(t)
	s := start(t, c)
	use(t, s)
	s.stop(t)
	if !strings.Contains(onDisk(t, c.Data)["kith.db"], leaktest.CallbackToken) {
		t.Fatal("the token is not in the database to begin with, so the test shows nothing")
	}
	clean := func(when string) {
		t.Helper()
		for name, text := range onDisk(t, c.Data) {
			leaktest.Check(t, when+": "+name, text)
		}
		block, _ := pem.Decode([]byte(onDisk(t, c.Data)["ca/ca.key"]))
		if block == nil || block.Type == "PRIVATE KEY" {
			t.Errorf("%s: the key of the CA is in clear", when)
		}
	}
	c.MasterKey = leaktest.MasterKey
	s = start(t, c)
	clean("sealed")
	knows(t, s)
	use2 := 7
	if _, err := s.operator.UpdateApp(t.Context(), appID, operator.UpdateApp{BlocklistLimit: &use2}); err != nil {
		t.Fatal(err)
	}
	clean("changed")
	s.stop(t)
	clean("stopped")
	leaktest.Check(t, "the log", s.log.String())

	other := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for name, test := range map[string]struct{ key, problem string }{
		"no key":    {"", "start with the master key"},
		"wrong key": {other, "start with the right master key"},
	} {
		wrong := c
		wrong.MasterKey = test.key
		err := run(t.Context(), wrong)
		if err == nil || !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: %v, want %q", name, err, test.problem)
			continue
		}
		leaktest.Check(t, name, err.Error())
	}
	clean("after refused starts")

	c.MasterKey = other + "," + leaktest.MasterKey
	s = start(t, c)
	knows(t, s)
	s.stop(t)
	c.MasterKey = other
	s = start(t, c)
	knows(t, s)
	clean("with another key")
}

// A start that was cut off between sealing and cleaning up is made good by the next one.
func TestScrubIsMadeGood(t *testing.T) {
	c := settings(t)
	c.MasterKey = leaktest.MasterKey
	s := start(t, c)
	use(t, s)
	s.stop(t)
	marker := filepath.Join(c.Data, "scrub-pending")
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, c)
	if _, err := os.Stat(marker); err == nil || !strings.Contains(s.log.String(), "written anew") {
		t.Errorf("the database was not cleaned up: %v", err)
	}
	knows(t, s)
	s.stop(t)
	if s = start(t, c); strings.Contains(s.log.String(), "written anew") {
		t.Error("the database is cleaned up at every start")
	}
}

func TestWrongCA(t *testing.T) {
	c := settings(t)
	c.CallbackCACert, c.CallbackCAKey = "missing.pem", "missing.key"
	if _, err := server.New(t.Context(), server.Options{Config: c}); err == nil || !strings.Contains(err.Error(), "the CA's certificate cannot be read") {
		t.Errorf("err = %v", err)
	}
}

// Where callbacks may not go is refused when it is set.
func TestCallbackAddressesAreChecked(t *testing.T) {
	c := settings(t)
	c.CallbackAllow = []string{config.AllowNone}
	s := start(t, c)
	s.createApp(t, operator.CreateApp{SDKAppID: appID})
	for _, url := range []string{"http://127.0.0.1:9/", "http://169.254.169.254/", "http://10.0.0.1/", "https://[::1]/"} {
		_, err := s.operator.SetCallback(t.Context(), appID, operator.SetCallback{URL: &url})
		if err == nil || !strings.Contains(err.Error(), "callback-allow") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if strings.Contains(s.log.String(), "may go to this machine itself") {
		t.Error("a warning without a reason")
	}
	if s := start(t, settings(t)); !strings.Contains(s.log.String(), "callbacks may go to this machine itself") {
		t.Error("the development default is not told of")
	}
}
