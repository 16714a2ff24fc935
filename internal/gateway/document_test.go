package gateway_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
)

const document = "../../docs/gateway.md"

// TestDocumentShowsWhatHappens: each frame of the document has a frame of the same method and fields in the transcripts.
func TestDocumentShowsWhatHappens(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	sent, got := transcribed(t)
	examples := regexp.MustCompile(`(?m)^    (→|←) (.*)$`).FindAllStringSubmatch(string(text), -1)
	if len(examples) < 10 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, example := range examples {
		real := map[string][]any{"→": sent, "←": got}[example[1]]
		var frame any
		if err := json.Unmarshal([]byte(example[2]), &frame); err != nil {
			t.Errorf("%s: %v", example[2], err)
			continue
		}
		shown := false
		for _, r := range real {
			shown = shown || alike(frame, r)
		}
		if !shown {
			t.Errorf("no transcript has a frame like %s", example[2])
		}
	}
}

// transcribed returns the frames of all transcripts, decoded. What is no JSON is left out.
func transcribed(t *testing.T) (sent, got []any) {
	t.Helper()
	ticket := regexp.MustCompile(`\{(sig|old)[^{}]*\}`)
	for _, file := range transcripts(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range regexp.MustCompile(`(?m)^\S+ ([<>]) (.*)$`).FindAllStringSubmatch(string(text), -1) {
			var frame any
			if json.Unmarshal([]byte(ticket.ReplaceAllLiteralString(line[2], `"eJw"`)), &frame) != nil {
				continue
			}
			if line[1] == ">" {
				sent = append(sent, frame)
			} else {
				got = append(got, frame)
			}
		}
	}
	return sent, got
}

// alike reports whether two JSON values have the same fields, of the same types. An empty list is like any list, and a method is
// only like itself.
func alike(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) || a["method"] != b["method"] {
			return false
		}
		for name := range a {
			if other, ok := b[name]; !ok || !alike(a[name], other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && (len(a) == 0 || len(b) == 0 || alike(a[0], b[0]))
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b)
}

// TestDocumentNamesWhatThereIs: every method and notification, and no refusal that api does not have.
func TestDocumentNamesWhatThereIs(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		api.MethodLogin, api.MethodLogout, api.MethodPing, api.MethodSessionGet, api.MethodSessionRenew,
		api.MethodBlocklistAdd, api.MethodBlocklistRemove, api.MethodBlocklistGet, api.MethodBlocklistCheck,
		api.NotifyBlocklistChanged, api.NotifyBlocklistReload, api.NotifySessionExpiring, api.NotifySessionReconnect,
	} {
		if !strings.Contains(string(text), name) {
			t.Errorf("%s is not mentioned", name)
		}
	}
	refusals, err := os.ReadFile("../../api/refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range regexp.MustCompile(`\((4\d\d\d)\)`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(string(refusals), "Refusal = "+number[1]) {
			t.Errorf("there is no refusal %s", number[1])
		}
	}
	for _, limit := range []int{api.MaxDeviceID, api.MaxBlocklistPage} {
		if !strings.Contains(string(text), strconv.Itoa(limit)) {
			t.Errorf("the limit %d is not mentioned", limit)
		}
	}
}
