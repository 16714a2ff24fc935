package restapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

const onlineCmd = "openim/query_online_status"

// connected returns a step after which an account is connected from these platforms.
func connected(userID string, platforms ...string) func(*world) {
	return func(w *world) { w.online.connect(w.app, userID, platforms...) }
}

// statuses is the whole answer of a query that worked: states, then the accounts that are not known.
func statuses(states []string, unknown ...string) string {
	list := ""
	if len(unknown) > 0 {
		list = `"ErrorList":` + unknownAccounts(unknown) + `,`
	}
	return `{"QueryResult":[` + strings.Join(states, ",") + `],` + list + okPlain
}

func unknownAccounts(ids []string) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = fmt.Sprintf(`{"To_Account":%q,"ErrorCode":70107}`, id)
	}
	return "[" + strings.Join(list, ",") + "]"
}

// state is one QueryResult, with a Detail element for each platform.
func state(id, status string, platforms ...string) string {
	detail := make([]string, len(platforms))
	for i, p := range platforms {
		detail[i] = fmt.Sprintf(`{"Platform":%q,"Status":"Online"}`, p)
	}
	if len(detail) == 0 {
		return fmt.Sprintf(`{"To_Account":%q,"Status":%q}`, id, status)
	}
	return fmt.Sprintf(`{"To_Account":%q,"Status":%q,"Detail":[%s]}`, id, status, strings.Join(detail, ","))
}

func TestQueryOnlineStatus(t *testing.T) {
	offline := func(id string) string { return state(id, "Offline") }
	all := connected("a", api.Platforms()...)
	const noneKnown = `"ActionStatus":"FAIL","ErrorCode":70107,"ErrorInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist","QueryResult":[],`
	runScenarios(t, []scenario{
		{name: "offline", command: onlineCmd, body: `{"To_Account":["a"]}`, want: statuses([]string{offline("a")})},
		{name: "offline in detail", command: onlineCmd, body: `{"To_Account":["a"],"IsNeedDetail":1}`, want: statuses([]string{offline("a")})},
		{
			name: "in the order of the request", before: connected("b", "Web"), command: onlineCmd, body: `{"To_Account":["c","b","a"]}`,
			want: statuses([]string{offline("c"), state("b", "Online"), offline("a")}),
		},
		{name: "no details", before: all, command: onlineCmd, body: `{"To_Account":["a"],"IsNeedDetail":0}`, want: statuses([]string{state("a", "Online")})},
		{
			name: "every platform", before: all, command: onlineCmd, body: `{"To_Account":["a"],"IsNeedDetail":1}`,
			want: statuses([]string{state("a", "Online", "iPhone", "Android", "Web", "PC", "iPad", "Mac", "Unknown")}),
		},
		{
			name: "two devices of a platform", before: connected("a", "Web", "iOS", "Web"), command: onlineCmd,
			body: `{"To_Account":["a"],"IsNeedDetail":1}`, want: statuses([]string{state("a", "Online", "iPhone", "Web")}),
		},
		{
			name: "flags that mean nothing here", before: connected("a", "Mac"), command: onlineCmd,
			body: `{"To_Account":["a"],"IsNeedDetail":2,"IsReturnInstid":1,"IsReturnCustomStatus":1}`, want: statuses([]string{state("a", "Online")}),
		},
		{
			name: "some unknown", before: connected("nobody", "Web"), command: onlineCmd, body: `{"To_Account":["nobody","a","","A","b"]}`,
			want: statuses([]string{offline("a"), offline("b")}, "nobody", "", "A"),
		},
		{
			name: "all unknown", command: onlineCmd, body: `{"To_Account":["nobody","x"]}`,
			want: `{` + noneKnown + `"ErrorList":` + unknownAccounts([]string{"nobody", "x"}) + `}`,
		},
		{
			name: "the same account twice", before: connected("a", "Web"), command: onlineCmd, body: `{"To_Account":["a","x","a","x"]}`,
			want: statuses([]string{state("a", "Online"), state("a", "Online")}, "x", "x"),
		},
		{
			name: "a deleted account", before: given(removeCmd, accountItems("DeleteItem", "b")), command: onlineCmd, body: `{"To_Account":["a","b"]}`,
			want: statuses([]string{offline("a")}, "b"),
		},
	})
}

func TestQueryOnlineStatusRefusals(t *testing.T) {
	const (
		wrongType = "a field of the body has the wrong type; see the command's reference"
		noList    = "To_Account is not a list of strings; name 1 to 500 accounts"
		missing   = "To_Account is missing; name 1 to 500 accounts"
		number    = "an account in the body is a number; send it as a string"
	)
	runScenarios(t, []scenario{
		{name: "no body", command: onlineCmd, body: ``, want: failLogin(60003, "the body is empty; send a JSON object, {} when there is no input")},
		{name: "To_Account missing", command: onlineCmd, body: `{}`, want: failLogin(90003, missing)},
		{name: "To_Account null", command: onlineCmd, body: `{"To_Account":null}`, want: failLogin(90003, missing)},
		{name: "To_Account empty", command: onlineCmd, body: `{"To_Account":[]}`, want: failLogin(90001, "To_Account is empty; name 1 to 500 accounts")},
		{name: "To_Account is a string", command: onlineCmd, body: `{"To_Account":"a"}`, want: failLogin(90003, noList)},
		{name: "To_Account is a number", command: onlineCmd, body: `{"To_Account":1}`, want: failLogin(90003, noList)},
		{name: "account is a list", command: onlineCmd, body: `{"To_Account":["a",["b"]]}`, want: failLogin(90003, noList)},
		{name: "account is null", command: onlineCmd, body: `{"To_Account":["a",null]}`, want: failLogin(90003, noList)},
		{name: "account is a number", command: onlineCmd, body: `{"To_Account":["a",2]}`, want: failLogin(60015, number)},
		{name: "IsNeedDetail is a string", command: onlineCmd, body: `{"To_Account":["a"],"IsNeedDetail":"1"}`, want: failLogin(90001, wrongType)},
		{name: "too many", command: onlineCmd, body: `{"To_Account":` + many(501) + `}`, want: failLogin(90011, "501 accounts in one call, at most 500 are allowed")},
	})
}

// TestQueryOnlineStatusOfMany: the largest call takes several look-ups; none of them may be mixed up.
func TestQueryOnlineStatusOfMany(t *testing.T) {
	w := newWorld(t)
	for piece := range slices.Chunk(manyIDs(500), relation.MaxAccountBatch) {
		if piece[0] == "u0300" {
			continue // these stay unknown
		}
		w.mustCall(multiCmd, `{"Accounts":["`+strings.Join(piece, `","`)+`"]}`)
	}
	w.online.connect(w.app, "u0499", "Web")
	var got api.OnlineStatusResponse
	if err := json.Unmarshal(w.post(w.target(onlineCmd), `{"To_Account":`+many(500)+`}`), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.QueryResult) != 400 || len(got.ErrorList) != 100 || got.ErrorList[0].ToAccount != "u0300" || got.ErrorCode != api.OK {
		t.Fatalf("%d known, unknown %v, code %d; want 400, and u0300 to u0399", len(got.QueryResult), got.ErrorList, got.ErrorCode)
	}
	if last := got.QueryResult[399]; last.ToAccount != "u0499" || last.Status != api.StatusOnline {
		t.Errorf("last is %+v, want u0499 online", last)
	}
}

// TestOnlineStatusIsForAdmins: who is online is not for everybody.
func TestOnlineStatusIsForAdmins(t *testing.T) {
	f := newFixture(t, &knowingStore{}, nil)
	query := fmt.Sprintf("?sdkappid=%d&identifier=bob&usersig=%s", f.app, f.sign("bob", 60))
	sameJSON(t, f.post("/v4/"+onlineCmd+query, `{"To_Account":["bob"]}`), failLogin(90009, "the identifier is not an admin of the app"))
}

// TestEveryPlatformHasAName: a device of any platform shows up in the details.
func TestEveryPlatformHasAName(t *testing.T) {
	for _, word := range api.Platforms() {
		if got := statusDetail([]string{word}); len(got) != 1 {
			t.Errorf("%s: %d details, want 1", word, len(got))
		}
	}
}

// TestWithoutPresence: a server without a gateway answers, and knows nobody online.
func TestWithoutPresence(t *testing.T) {
	f := newFixture(t, &knowingStore{}, func(o *Options) { o.Presence = nil })
	sameJSON(t, f.post(f.target(onlineCmd), `{"To_Account":["a"],"IsNeedDetail":1}`), statuses([]string{state("a", "Offline")}))
}

// knowingStore knows every account, or fails from a certain call on.
type knowingStore struct {
	nullStore
	calls, failAt int
}

func (s *knowingStore) Imported(_ context.Context, q relation.AccountSet) ([]bool, error) {
	if s.calls++; s.calls == s.failAt {
		return nil, errors.New("disk on fire")
	}
	return slices.Repeat([]bool{true}, len(q.UserIDs)), nil
}

// TestOnlineStatusFailsAsAWhole: half an answer would look like a whole one. The metrics count what the caller is told.
func TestOnlineStatusFailsAsAWhole(t *testing.T) {
	var rec recorder
	f := newFixture(t, &knowingStore{failAt: 3}, func(o *Options) { o.Metrics = &rec })
	sameJSON(t, f.post(f.target(onlineCmd), `{"To_Account":`+many(300)+`}`),
		failLogin(91000, "internal error; try again, the server's log has the reason"))

	unknown := newFixture(t, &nullStore{}, func(o *Options) { o.Metrics = &rec })
	unknown.wantCode(unknown.call(onlineCmd, `{"To_Account":["a"]}`), api.CodeAccountUnknown)
	want := []observed{{"query_online_status", api.CodeOpenimInternal}, {"query_online_status", api.CodeAccountUnknown}}
	if !slices.Equal(rec.seen, want) {
		t.Errorf("metrics saw %v, want %v", rec.seen, want)
	}
}

func TestOnlineStatusRate(t *testing.T) {
	f := newFixture(t, &knowingStore{}, nil)
	app := testAppRecord(f.app)
	app.Rates = relation.Rates{Special: map[string]float64{"query_online_status": 1}}
	f.apps.put(app)
	f.wantCode(f.call(onlineCmd, `{"To_Account":["a"]}`), api.OK)
	f.wantCode(f.call(onlineCmd, `{"To_Account":["a"]}`), api.CodeAPIRate)
	f.wantCode(f.call(existsCmd, `{"CheckItem":[{"UserID":"a"}]}`), api.OK)
}
