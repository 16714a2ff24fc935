package relation

import (
	"reflect"
	"strings"
	"testing"
)

func TestValidUserID(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, strings.Repeat("x", 32): true, " ~": true, `"\<>&`: true,
		"": false, strings.Repeat("x", 33): false, "a\x1f": false, "a\x7f": false, "é": false, "a\x00": false,
	} {
		if got := ValidUserID(id); got != want {
			t.Errorf("%q: %v, want %v", id, got, want)
		}
	}
}

func TestDecideDelete(t *testing.T) {
	snap := Snapshot{Accounts: []Account{{Exists: true}, {}, {Exists: true}, {Exists: true}}}
	change, outcomes := decideDelete([]string{"ann", "nobody", "tom", "ann"}, snap, at)
	if want := []Outcome{Done, UnknownAccount, Done, UnknownAccount}; !reflect.DeepEqual(outcomes, want) {
		t.Errorf("outcomes %v, want %v", outcomes, want)
	}
	if want := (Change{At: at, Delete: []string{"ann", "tom"}}); !reflect.DeepEqual(change, want) {
		t.Errorf("change %+v, want %+v", change, want)
	}
}
