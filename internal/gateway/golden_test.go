package gateway_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/kithchat/kith/api"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden replays the transcripts in testdata in virtual time, on the real store. Their language:
//
//	# a remark
//	server <option>=<value>...    options of the gateway; the first line, if at all
//	app <setting>=<value>...      changes the app; see script_test.go
//	import <account>...           and block, unblock, kick, delete: what the app backend does by REST
//	store works|fails|hangs       how the store takes changes from now on
//	wait <duration>               moves the clock
//	stop                          stops the gateway
//	<client> connect [<address>] [<origin>]
//	<client> idle | reads | gone  stops reading, reads again, closes the connection without a word
//	<client> > <frame>            sends. {sig <account> <lifetime> [<key> [other]]} stands for a UserSig, of
//	                              another app with other, {old ...} for one made a minute ago, {times <n> <text>} for a long text
//	<client> >> <frame>           sends a binary frame
//	<client> < <frame>            what came, byte for byte but for UUIDs and random pauses
//	<client> closed <code> <reason>
func TestGolden(t *testing.T) {
	for _, file := range transcripts(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = replay(t, string(want)) })
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

func transcripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	return files
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

// said returns all lines of the transcripts that hold what was received.
func said(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, file := range transcripts(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if received.MatchString(line) {
				out.WriteString(line)
			}
		}
	}
	return out.String()
}

var received = regexp.MustCompile(`^\S+ (<|closed) `)

// TestEveryRefusalIsShown: the transcripts show each refusal as often as api has constants: none is there that nobody says.
func TestEveryRefusalIsShown(t *testing.T) {
	source, err := os.ReadFile("../../api/refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	refusals := regexp.MustCompile(`(Refusal\w+) +Refusal = (\d+)`).FindAllStringSubmatch(string(source), -1)
	if len(refusals) < 20 {
		t.Fatalf("api/refusal.go is read wrong: %v", refusals)
	}
	text := said(t)
	for _, r := range refusals {
		inError, inClose := strings.Contains(text, `"Refusal":`+r[2]), strings.Contains(text, " closed "+r[2]+" ")
		switch {
		case !inError && !inClose:
			t.Errorf("no transcript shows %s (%s)", r[1], r[2])
		case inClose && r[2] >= "4300":
			t.Errorf("%s (%s) is the code of a close frame", r[1], r[2])
		}
	}
}

// TestEveryCodeIsShown: likewise for the codes of errors and items.
func TestEveryCodeIsShown(t *testing.T) {
	text := said(t)
	for _, code := range []api.Code{
		api.CodeRPCParse, api.CodeRPCRequest, api.CodeRPCMethod, api.CodeRPCParams,
		api.CodeParameter, api.CodeNoAccount, api.CodeSnsInternal, api.CodeBlocklistFull,
		api.CodeAPIRate, api.CodeServiceTimeout, api.CodeNotAdmin, api.CodeSDKAppIDMissing, api.CodeAppDisabled,
		api.CodeTicketExpired, api.CodeTicketEmpty, api.CodeTicketMalformed, api.CodeTicketSignature,
		api.CodeTicketIdentifier, api.CodeTicketSDKAppID, api.CodeAppUnknown, api.CodeTooManyFailures,
		api.CodeTicketRevoked, api.CodeAccountParameter,
	} {
		number, _ := json.Marshal(code)
		if !strings.Contains(text, `ode":`+string(number)+`,`) {
			t.Errorf("no transcript shows code %s", number)
		}
	}
}

// TestEveryMethodIsShown: each method succeeds in a transcript, and each notification comes.
func TestEveryMethodIsShown(t *testing.T) {
	var all strings.Builder
	for _, file := range transcripts(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, method := range []string{
		api.MethodLogin, api.MethodLogout, api.MethodPing, api.MethodSessionGet, api.MethodSessionRenew,
		api.MethodBlocklistAdd, api.MethodBlocklistRemove, api.MethodBlocklistGet, api.MethodBlocklistCheck,
	} {
		succeeds := regexp.MustCompile(`"id":(\d+),"method":"` + method + `"[^\n]*\n(\S+ < [^\n]*"method"[^\n]*\n)*\S+ < {"jsonrpc":"2.0","id":\d+,"result":`)
		if !succeeds.MatchString(all.String()) {
			t.Errorf("no transcript shows %s succeed", method)
		}
	}
	for _, method := range []string{
		api.NotifyBlocklistChanged, api.NotifyBlocklistReload, api.NotifySessionExpiring, api.NotifySessionReconnect,
	} {
		if !strings.Contains(all.String(), `< {"jsonrpc":"2.0","method":"`+method+`"`) {
			t.Errorf("no transcript shows %s", method)
		}
	}
}
