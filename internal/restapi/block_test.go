package restapi

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

const (
	addABC    = `{"From_Account":"a","To_Account":["b","c","d"]}`
	addEvent  = "Sns.CallbackBlackListAdd a: "
	delEvent  = "Sns.CallbackBlackListDelete a: "
	ownerInfo = "From_Account is not an imported account; import it with account_import"
)

// result is one ResultItem.
func resultItem(id string, code int, info string) string {
	return fmt.Sprintf(`{"To_Account":%q,"ResultCode":%d,"ResultInfo":%q}`, id, code, info)
}

// results is the answer of an add or delete whose failed targets are named.
func results(items []string, failed ...string) string {
	list := ""
	if len(failed) > 0 {
		list = `"Fail_Account":["` + strings.Join(failed, `","`) + `"],`
	}
	return `{"ResultItem":[` + strings.Join(items, ",") + `],` + list + okDisplay
}

func TestBlackListAdd(t *testing.T) {
	const (
		exists  = "Err_SNS_BlackListAdd_Already_Exist"
		unknown = "Err_SNS_BlackListAdd_Account_Not_Exist"
	)
	runScenarios(t, []scenario{
		{
			name: "several", command: addCmd, body: addABC,
			want:   results([]string{resultItem("b", 0, ""), resultItem("c", 0, ""), resultItem("d", 0, "")}),
			events: []string{addEvent + "b c d"},
			after:  lists(1, "b", "c", "d"),
		},
		{
			name:    "already blocked keeps time and place", // open question 2
			before:  func(w *world) { given(addCmd, addABC)(w); w.clock.advance(time.Hour) },
			command: addCmd, body: `{"From_Account":"a","To_Account":["b"]}`,
			want:  results([]string{resultItem("b", 30001, exists)}, "b"), // 12: all failed, envelope OK
			after: lists(1, "b", "c", "d"),
		},
		{
			name: "same target twice", command: addCmd, body: `{"From_Account":"a","To_Account":["b","b"]}`, // 3
			want:   results([]string{resultItem("b", 0, ""), resultItem("b", 30001, exists)}, "b"),
			events: []string{addEvent + "b"},
			after:  lists(1, "b"),
		},
		{
			name: "oneself", command: addCmd, body: `{"From_Account":"a","To_Account":["a","b"]}`, // 4
			want:   results([]string{resultItem("a", 30001, "Err_SNS_BlackListAdd_Self"), resultItem("b", 0, "")}, "a"),
			events: []string{addEvent + "b"},
		},
		{
			name: "unknown owner", command: addCmd, body: `{"From_Account":"nobody","To_Account":["b"]}`, // 5
			want: failSns(30003, ownerInfo),
		},
		{
			name: "unknown target among others", command: addCmd, body: `{"From_Account":"a","To_Account":["c","x","b"]}`, // 6, 9, 11
			want:   results([]string{resultItem("c", 0, ""), resultItem("x", 30003, unknown), resultItem("b", 0, "")}, "x"),
			events: []string{addEvent + "c b"},
			after:  lists(1, "c", "b"),
		},
		{
			name: "a target that cannot be an account", command: addCmd,
			body: `{"From_Account":"a","To_Account":["","ü","b\u0000","` + strings.Repeat("x", 33) + `"]}`,
			want: results([]string{
				resultItem("", 30003, unknown), resultItem("ü", 30003, unknown),
				`{"To_Account":"b\u0000","ResultCode":30003,"ResultInfo":"` + unknown + `"}`,
				resultItem(strings.Repeat("x", 33), 30003, unknown),
			}, "", "ü", `b\u0000`, strings.Repeat("x", 33)),
		},
		{
			name: "an owner that cannot be an account", command: addCmd, body: `{"From_Account":"a\u0000","To_Account":["b"]}`,
			want: failSns(30003, ownerInfo),
		},
		{
			name: "ids are case-sensitive", command: addCmd, body: `{"From_Account":"a","To_Account":["B"]}`, // 59
			want: results([]string{resultItem("B", 30003, unknown)}, "B"),
		},
		{
			name: "list fills up", // 10
			before: func(w *world) {
				app := testAppRecord(w.app)
				app.BlocklistLimit = 2
				w.apps.put(app)
			},
			command: addCmd, body: addABC,
			want: results([]string{
				resultItem("b", 0, ""), resultItem("c", 0, ""), resultItem("d", 30013, "Err_SNS_BlackListAdd_BlackList_Full"),
			}, "d"),
			events: []string{addEvent + "b c"},
			after:  lists(1, "b", "c"),
		},
		{
			name: "callback switched off",
			before: func(w *world) {
				app := testAppRecord(w.app)
				app.Callback.Off = []relation.EventKind{relation.EventBlockAdd}
				w.apps.put(app)
			},
			command: addCmd, body: `{"From_Account":"a","To_Account":["b"]}`,
			want: results([]string{resultItem("b", 0, "")}),
		},
	})
}

func TestBlackListDelete(t *testing.T) {
	const (
		notListed = "Err_SNS_BlackListDelete_Not_Exist"
		unknown   = "Err_SNS_BlackListDelete_Account_Not_Exist"
	)
	blocked := given(addCmd, addABC)
	runScenarios(t, []scenario{
		{
			name: "one of three", before: blocked, command: deleteCmd, body: `{"From_Account":"a","To_Account":["c"]}`,
			want:   results([]string{resultItem("c", 0, "")}), // 13, 14: no Fail_Account, empty ResultInfo
			events: []string{delEvent + "c"},
			after:  lists(2, "b", "d"),
		},
		{
			name: "as the recorded clients send it", before: blocked, // 1, 6, 9
			command: deleteCmd, body: `{"From_Account":"a","To_Account":["b","c","e","x"]}`,
			want: results([]string{
				resultItem("b", 0, ""), resultItem("c", 0, ""), resultItem("e", 30001, notListed), resultItem("x", 30003, unknown),
			}, "e", "x"),
			events: []string{delEvent + "b c"},
			after:  lists(2, "d"),
		},
		{
			name:    "sent again by a client that retries", // 1
			before:  given(addCmd, addABC, deleteCmd, `{"From_Account":"a","To_Account":["b","c"]}`),
			command: deleteCmd, body: `{"From_Account":"a","To_Account":["b","c"]}`,
			want:  results([]string{resultItem("b", 30001, notListed), resultItem("c", 30001, notListed)}, "b", "c"),
			after: lists(2, "d"), // 18: the sequence did not move
		},
		{
			name: "same target twice", before: blocked, command: deleteCmd, body: `{"From_Account":"a","To_Account":["b","b"]}`, // 3
			want:   results([]string{resultItem("b", 0, ""), resultItem("b", 30001, notListed)}, "b"),
			events: []string{delEvent + "b"},
		},
		{
			name: "oneself", command: deleteCmd, body: `{"From_Account":"a","To_Account":["a"]}`,
			want: results([]string{resultItem("a", 30001, notListed)}, "a"),
		},
		{
			name: "unknown owner", command: deleteCmd, body: `{"From_Account":"nobody","To_Account":["b"]}`, // 5
			want: failSns(30003, ownerInfo),
		},
		{
			name: "a thousand",
			before: func(w *world) {
				importMany(w, 1000)
				given(addCmd, `{"From_Account":"a","To_Account":`+many(1000)+`}`)(w)
			},
			command: deleteCmd, body: `{"From_Account":"a","To_Account":` + many(1000) + `}`,
			want:   results(manyOK(1000)),
			events: []string{delEvent + manyNames(1000)}, // 42: one event for one call
			after:  lists(2),
		},
		{
			name: "a thousand and one", before: blocked, command: deleteCmd, body: `{"From_Account":"a","To_Account":` + many(1001) + `}`, // 7
			want:  failSns(30001, "SNS_PARAMETER_ERR: 1001 items, at most 1000 are allowed"),
			after: lists(1, "b", "c", "d"),
		},
		{
			name: "empty list", command: deleteCmd, body: `{"From_Account":"a","To_Account":[]}`, // 7
			want: failSns(30001, "SNS_PARAMETER_ERR: the batch is empty"),
		},
		{
			name: "null for a list", command: deleteCmd, body: `{"From_Account":"a","To_Account":null}`,
			want: failSns(30001, "SNS_PARAMETER_ERR: the batch is empty"),
		},
		{
			name: "no To_Account", command: deleteCmd, body: `{"From_Account":"a"}`, // 7
			want: failSns(30001, "SNS_PARAMETER_ERR: the batch is empty"),
		},
		{
			name: "no From_Account", command: deleteCmd, body: `{"To_Account":["b"]}`, // 7
			want: failSns(30001, "SNS_PARAMETER_ERR: From_Account is missing"),
		},
		{
			name: "no input", command: deleteCmd, body: `{}`,
			want: failSns(30001, "SNS_PARAMETER_ERR: From_Account is missing"),
		},
	})
}

func TestBlackListGet(t *testing.T) {
	blocked := given(addCmd, addABC)
	entry := func(id string) string {
		return fmt.Sprintf(`{"To_Account":%q,"AddBlackTimeStamp":%d}`, id, testStart.Unix()) // 22: seconds
	}
	page := func(next, seq int, ids ...string) string {
		entries := make([]string, len(ids))
		for i, id := range ids {
			entries[i] = entry(id)
		}
		return fmt.Sprintf(`{"BlackListItem":[%s],"StartIndex":%d,"CurruentSequence":%d,"CurrentSequence":%d,`+okDisplay,
			strings.Join(entries, ","), next, seq, seq) // 19: both spellings
	}
	const limit = "SNS_PARAMETER_ERR: a page holds 1 to 1000 entries and starts at 0 or later"
	get := func(start, most string) string {
		return fmt.Sprintf(`{"From_Account":"a","StartIndex":%s,"MaxLimited":%s,"LastSequence":0}`, start, most)
	}
	runScenarios(t, []scenario{
		{name: "empty list", command: getCmd, body: get("0", "30"), want: page(0, 0)}, // 18, 20
		{
			name: "order of insertion", // 15
			before: given(addCmd, `{"From_Account":"a","To_Account":["d","b"]}`, addCmd, `{"From_Account":"a","To_Account":["c"]}`,
				deleteCmd, `{"From_Account":"a","To_Account":["d"]}`, addCmd, `{"From_Account":"a","To_Account":["d"]}`),
			command: getCmd, body: get("0", "30"), want: page(0, 4, "b", "c", "d"),
		},
		{name: "first page", before: blocked, command: getCmd, body: get("0", "2"), want: page(2, 1, "b", "c")},
		{name: "last page", before: blocked, command: getCmd, body: get("2", "2"), want: page(0, 1, "d")},
		{name: "page that ends with the list", before: blocked, command: getCmd, body: get("1", "2"), want: page(0, 1, "c", "d")},
		{name: "past the end", before: blocked, command: getCmd, body: get("3", "2"), want: page(0, 1)}, // 16
		{name: "far past the end", before: blocked, command: getCmd, body: get("9223372036854775807", "2"), want: page(0, 1)},
		{
			name: "LastSequence never empties a page", before: blocked, command: getCmd, // 17, 19
			body: `{"From_Account":"a","StartIndex":2,"MaxLimited":2,"LastSequence":1}`, want: page(0, 1, "d"),
		},
		{
			name: "LastSequence left out", before: blocked, command: getCmd,
			body: `{"From_Account":"a","StartIndex":0,"MaxLimited":3}`, want: page(0, 1, "b", "c", "d"),
		},
		{
			name: "an index counts places in the list as it is now", // 21: c is skipped
			before: func(w *world) {
				blocked(w)
				expect(getCmd, get("0", "1"), page(1, 1, "b"))(w)
				given(deleteCmd, `{"From_Account":"a","To_Account":["b"]}`)(w)
			},
			command: getCmd, body: get("1", "1"), want: page(0, 2, "d"),
		},
		{name: "no entries wanted", command: getCmd, body: get("0", "0"), want: failSns(30001, limit)}, // 16
		{name: "negative page", command: getCmd, body: get("0", "-1"), want: failSns(30001, limit)},
		{name: "page too large", command: getCmd, body: get("0", "1001"), want: failSns(30001, limit)},
		{name: "largest page", command: getCmd, body: get("0", "1000"), want: page(0, 0)},
		{name: "negative start", command: getCmd, body: get("-1", "1"), want: failSns(30001, limit)},
		{
			name: "no MaxLimited", command: getCmd, body: `{"From_Account":"a","StartIndex":0}`, // 7
			want: failSns(30001, "SNS_PARAMETER_ERR: StartIndex and MaxLimited must be given"),
		},
		{
			name: "no StartIndex", command: getCmd, body: `{"From_Account":"a","MaxLimited":1}`, // 7
			want: failSns(30001, "SNS_PARAMETER_ERR: StartIndex and MaxLimited must be given"),
		},
		{
			name: "unknown owner", command: getCmd, body: `{"From_Account":"x","StartIndex":0,"MaxLimited":1}`, // 5
			want: failSns(30003, ownerInfo),
		},
	})
}

func TestBlackListCheck(t *testing.T) {
	mutual := given(addCmd, `{"From_Account":"a","To_Account":["b","c"]}`,
		addCmd, `{"From_Account":"b","To_Account":["a"]}`, addCmd, `{"From_Account":"d","To_Account":["a"]}`)
	check := func(kind string) string {
		return `{"From_Account":"a","To_Account":["b","c","d","e"],"CheckType":"BlackCheckResult_Type_` + kind + `"}`
	}
	rel := func(id, word string) string {
		return fmt.Sprintf(`{"To_Account":%q,"Relation":"BlackCheckResult_Type_%s","ResultCode":0,"ResultInfo":""}`, id, word)
	}
	answer := func(items ...string) string {
		return `{"BlackListCheckItem":[` + strings.Join(items, ",") + `],` + okDisplay
	}
	const badType = "SNS_PARAMETER_ERR: CheckType must be BlackCheckResult_Type_Single or BlackCheckResult_Type_Both"
	runScenarios(t, []scenario{
		{
			name: "both", before: mutual, command: checkCmd, body: check("Both"),
			want: answer(rel("b", "BothWay"), rel("c", "AWithB"), rel("d", "BWithA"), rel("e", "NO")),
		},
		{
			name: "single", before: mutual, command: checkCmd, body: check("Single"),
			want: answer(rel("b", "AWithB"), rel("c", "AWithB"), rel("d", "NO"), rel("e", "NO")),
		},
		{
			name: "unknown target", before: mutual, command: checkCmd, // 6
			body: `{"From_Account":"a","To_Account":["x","b"],"CheckType":"BlackCheckResult_Type_Both"}`,
			want: `{"BlackListCheckItem":[{"To_Account":"x","Relation":"BlackCheckResult_Type_NO","ResultCode":30003,` +
				`"ResultInfo":"Err_SNS_BlackListCheck_Account_Not_Exist"},` + rel("b", "BothWay") + `],"Fail_Account":["x"],` + okDisplay,
		},
		{
			name: "oneself", command: checkCmd, // 4
			body: `{"From_Account":"a","To_Account":["a"],"CheckType":"BlackCheckResult_Type_Both"}`, want: answer(rel("a", "NO")),
		},
		{name: "bad CheckType", command: checkCmd, body: check("Triple"), want: failSns(30001, badType)}, // 8
		{name: "no CheckType", command: checkCmd, body: addABC, want: failSns(30001, badType)},           // 8
		{
			name: "unknown owner", command: checkCmd,
			body: `{"From_Account":"x","To_Account":["a"],"CheckType":"BlackCheckResult_Type_Both"}`, want: failSns(30003, ownerInfo),
		},
		{
			name: "too many", command: checkCmd,
			body: `{"From_Account":"a","To_Account":` + many(1001) + `,"CheckType":"BlackCheckResult_Type_Both"}`,
			want: failSns(30001, "SNS_PARAMETER_ERR: 1001 items, at most 1000 are allowed"),
		},
	})
}

// agedStore has a list that was changed more often than an int32 can count.
type agedStore struct {
	nullStore
	sequence int64
}

func (s *agedStore) Blocklist(context.Context, relation.BlockQuery) (relation.BlockPage, error) {
	return relation.BlockPage{Sequence: s.sequence}, nil
}

// TestSequenceFitsInt32: Java clients hold it in 32 bits.
func TestSequenceFitsInt32(t *testing.T) {
	for sequence, want := range map[int64]int64{math.MaxInt32: math.MaxInt32, math.MaxInt32 + 1: 0, math.MaxInt32 + 8: 7} {
		f := newFixture(t, &agedStore{sequence: sequence}, nil)
		sameJSON(t, f.post(f.target(getCmd), `{"From_Account":"a","StartIndex":0,"MaxLimited":1}`),
			fmt.Sprintf(`{"BlackListItem":[],"StartIndex":0,"CurruentSequence":%d,"CurrentSequence":%d,`+okDisplay, want, want))
	}
}

// importMany imports the accounts of many.
func importMany(w *world, n int) {
	w.t.Helper()
	for batch := range slices.Chunk(strings.Split(strings.Trim(many(n), "[]"), ","), 100) {
		w.mustCall("im_open_login_svc/multiaccount_import", `{"Accounts":[`+strings.Join(batch, ",")+`]}`)
	}
}

func manyOK(n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = resultItem(fmt.Sprintf("u%04d", i), 0, "")
	}
	return items
}

func manyNames(n int) string {
	return strings.NewReplacer(`"`, "", ",", " ", "[", "", "]", "").Replace(many(n))
}
