package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/kithchat/kith/api"
)

func TestEncodeBlackListGolden(t *testing.T) {
	for _, row := range []struct {
		name, command string
		pairs         []api.Pair
		want          string
	}{
		{
			"as documented", api.CallbackBlackListAdd,
			[]api.Pair{{FromAccount: "mira.k", ToAccount: "troll_77"}},
			`{"CallbackCommand":"Sns.CallbackBlackListAdd","PairList":[{"From_Account":"mira.k","To_Account":"troll_77"}]}`,
		},
		{
			"two pairs", api.CallbackBlackListDelete,
			[]api.Pair{{FromAccount: "a", ToAccount: "b"}, {FromAccount: "a", ToAccount: "c"}},
			`{"CallbackCommand":"Sns.CallbackBlackListDelete","PairList":[` +
				`{"From_Account":"a","To_Account":"b"},{"From_Account":"a","To_Account":"c"}]}`,
		},
		{
			"no HTML escapes", api.CallbackBlackListDelete,
			[]api.Pair{{FromAccount: `<a>&"b"\/~`, ToAccount: "'`{} "}},
			`{"CallbackCommand":"Sns.CallbackBlackListDelete","PairList":[{"From_Account":"<a>&\"b\"\\/~","To_Account":"'` + "`" + `{} "}]}`,
		},
		{"no pairs", "x", nil, `{"CallbackCommand":"x","PairList":[]}`},
	} {
		if got := string(EncodeBlackList(row.command, row.pairs)); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

// manyPairs is a full batch with the longest UserIDs.
func manyPairs() []api.Pair {
	pairs := make([]api.Pair, 1000)
	for i := range pairs {
		pairs[i] = api.Pair{FromAccount: fmt.Sprintf("%032d", 7), ToAccount: fmt.Sprintf("%032d", i)}
	}
	return pairs
}

func TestEncodeBlackListLongestFitsTheReceiver(t *testing.T) {
	pairs := manyPairs()
	for i := range pairs { // escapes double the length
		pairs[i].FromAccount = string(bytes.Repeat([]byte{'\\'}, 32))
	}
	if n := len(EncodeBlackList(api.CallbackBlackListDelete, pairs)); n > DefaultMaxBody/4 {
		t.Errorf("the longest body has %d bytes, too near to DefaultMaxBody", n)
	}
}

// FuzzEncodeBlackList compares with encoding/json, for any strings.
func FuzzEncodeBlackList(f *testing.F) {
	f.Add(api.CallbackBlackListAdd, "mira.k", "troll_77")
	f.Add("\x00\x1f\x7f", "\xff\xfe", "\u2028é<>&\"\\")
	f.Fuzz(func(t *testing.T, command, from, to string) {
		pairs := []api.Pair{{FromAccount: from, ToAccount: to}, {FromAccount: to, ToAccount: from}}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(api.BlackListCallback{CallbackCommand: command, PairList: pairs}); err != nil {
			t.Fatal(err)
		}
		if got := EncodeBlackList(command, pairs); string(got)+"\n" != want.String() {
			t.Errorf("\n got %q\nwant %q", got, want.String())
		}
	})
}
