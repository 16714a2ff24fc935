package app

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
)

// stepReader gives one part after another, and calls between before the second.
type stepReader struct {
	parts   []string
	between func()
}

func (r *stepReader) Read(p []byte) (int, error) {
	if len(r.parts) == 0 {
		return 0, io.EOF
	}
	if len(r.parts) == 1 && r.between != nil {
		r.between()
		r.between = nil
	}
	n := copy(p, r.parts[0])
	if r.parts[0] = r.parts[0][n:]; r.parts[0] == "" {
		r.parts = r.parts[1:]
	}
	return n, nil
}

const (
	exportHead = `{"kith_export":"blocklists","sdkappid":1600077123,"position":"e4","taken":"2026-01-01T00:00:00Z"}` + "\n"
	exportRest = `{"From_Account":"mira.k","Sequence":9,"BlackList":[{"To_Account":"spam"},{"To_Account":"ad"}]}` + "\n" +
		`{"From_Account":"tom","Sequence":2,"BlackList":[{"To_Account":"spam"}]}` + "\n" + `{"end":true,"lists":2,"entries":3}` + "\n"
)

// event sends an event with an account's sequence.
func (f *fixture) event(t *testing.T, id, sequence, command, from, to string) {
	t.Helper()
	c := callback{testApp, "", command, pairs(from, to), id, 1, map[string]string{api.HeaderSequence: sequence}}
	if status, code := f.send(t, c); status != 200 || code != 0 {
		t.Fatalf("%s: %d, ErrorCode %d", id, status, code)
	}
}

func (f *fixture) holds(t *testing.T, user, want string) {
	t.Helper()
	if got := strings.Join(f.Blocked(testApp, user), " "); got != want {
		t.Errorf("the copy of %s holds %q, want %q", user, got, want)
	}
}

// An event that came before the rebuild does not outlive it when what undid it is in the export.
func TestRebuildForgetsWhatCameBefore(t *testing.T) {
	f := start(t, Options{SDKAppID: testApp})
	f.event(t, "e1", "1", api.CallbackBlackListAdd, "mira.k", "troll_77")
	position, err := f.Rebuild(strings.NewReader(exportHead + exportRest))
	if err != nil || position != "e4" {
		t.Fatalf("position %q, %v", position, err)
	}
	// These two are in the export. The first comes late, the second in a replay.
	f.event(t, "e1", "1", api.CallbackBlackListAdd, "mira.k", "troll_77")
	f.event(t, "e2", "2", api.CallbackBlackListDelete, "mira.k", "troll_77")
	f.holds(t, "mira.k", "ad spam")
	f.holds(t, "tom", "spam")
	if !strings.Contains(f.out.String(), "(in the export already, event e2,") {
		t.Errorf("printed %s", &f.out)
	}
	f.event(t, "e5", "10", api.CallbackBlackListDelete, "mira.k", "ad")
	f.holds(t, "mira.k", "spam")
}

// What comes while the export is loaded is newer than all of it, and stays removed whatever comes again.
func TestRebuildYieldsToEvents(t *testing.T) {
	f := start(t, Options{SDKAppID: testApp})
	if _, err := f.Rebuild(&stepReader{[]string{exportHead, exportRest}, func() {
		f.event(t, "e7", "12", api.CallbackBlackListDelete, "mira.k", "spam")
		f.event(t, "e8", "13", api.CallbackBlackListAdd, "mira.k", "new")
		f.event(t, "e3", "8", api.CallbackBlackListDelete, "mira.k", "ad")
	}}); err != nil {
		t.Fatal(err)
	}
	f.holds(t, "mira.k", "ad new")
	// The replay: e5 removed spam as well, e6 put it back, before e7.
	f.event(t, "e5", "10", api.CallbackBlackListDelete, "mira.k", "spam")
	f.event(t, "e6", "11", api.CallbackBlackListAdd, "mira.k", "spam")
	f.event(t, "e7", "12", api.CallbackBlackListDelete, "mira.k", "spam")
	f.holds(t, "mira.k", "ad new")
}

func TestRebuildRefusesHalfAnExport(t *testing.T) {
	f := start(t, Options{SDKAppID: testApp})
	for text, want := range map[string]string{
		"": "no export of blocklists", `{"kith_export":"other"}`: "no export of blocklists",
		exportHead: "cut off", exportHead + exportRest[:len(exportRest)-12]: "cut off",
	} {
		if _, err := f.Rebuild(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// docs/operations.md shows the function of this package.
func TestOperationsPageShowsRebuild(t *testing.T) {
	page, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("rebuild.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "func (b *Backend) Rebuild")
	if !strings.Contains(string(page), "```go\nfunc (b *Backend) Rebuild"+body+"```\n") {
		t.Error("docs/operations.md does not show rebuild.go as it is")
	}
}
