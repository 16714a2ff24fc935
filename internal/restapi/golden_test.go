package restapi

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden replays the transcripts in testdata against the real store. A transcript is a conversation of an admin
// with one app, for people to read: "POST <service>/<command> <body>", then the answer as it stands on the wire, then
// the events that the call made. "# ..." is a remark, "wait <duration>" moves the clock, "online <account>
// <platform>..." says from where an account is connected.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	w := newWorld(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			w.newApp(t)
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := w.replay(string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compareLines(t, got, string(want))
		})
	}
}

// replay carries out the input lines of a transcript and returns it with the output lines as they are now.
func (w *world) replay(transcript string) string {
	w.t.Helper()
	var out strings.Builder
	for line := range strings.Lines(transcript) {
		line = strings.TrimSuffix(line, "\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "200", "event": // output
			continue
		case "wait":
			d, err := time.ParseDuration(rest)
			if err != nil {
				w.t.Fatal(err)
			}
			w.clock.advance(d)
		case "online":
			words := strings.Fields(rest)
			w.online.connect(w.app, words[0], words[1:]...)
		}
		out.WriteString(line + "\n")
		if verb != "POST" {
			continue
		}
		command, body, _ := strings.Cut(rest, " ")
		earlier := w.events()
		fmt.Fprintf(&out, "200  %s\n", w.post(w.target(command), body))
		for _, e := range w.eventsSince(earlier) {
			fmt.Fprintf(&out, "event %s\n", e)
		}
	}
	return out.String()
}

// compareLines reports the first line that differs.
func compareLines(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		var gl, wl string
		if i < len(g) {
			gl = g[i]
		}
		if i < len(w) {
			wl = w[i]
		}
		if gl != wl {
			t.Fatalf("line %d (rewrite with -update)\n got %s\nwant %s", i+1, gl, wl)
		}
	}
}
