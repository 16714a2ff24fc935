package restapi

import (
	"strings"
	"testing"
	"time"
)

const (
	importCmd = "im_open_login_svc/account_import"
	multiCmd  = "im_open_login_svc/multiaccount_import"
	existsCmd = "im_open_login_svc/account_check"
	removeCmd = "im_open_login_svc/account_delete"
	kickCmd   = "im_open_login_svc/kick"
)

// isImported returns a step that checks whether an account exists.
func isImported(id, status string) func(*world) {
	return expect(existsCmd, `{"CheckItem":[{"UserID":"`+id+`"}]}`,
		`{"ResultItem":[{"UserID":"`+id+`","ResultCode":0,"ResultInfo":"","AccountStatus":"`+status+`"}],`+okPlain)
}

func TestAccountImport(t *testing.T) {
	const invalid = "Err_TLS_PT_Open_Login_Account_Invalid: UserID must be 1 to 32 bytes of printable ASCII"
	const tooLong = "Nick and FaceUrl may have 500 bytes each"
	long := func(field string, n int) string {
		return `{"UserID":"n","` + field + `":"` + strings.Repeat("x", n) + `"}`
	}
	runScenarios(t, []scenario{
		{
			name: "by UserID", command: importCmd, body: `{"UserID":"n","Nick":"Mira","FaceUrl":"https://img.example.net/m.png"}`,
			want: `{` + okPlain, after: isImported("n", "Imported"),
		},
		{
			name: "by Identifier, unset fields empty", command: importCmd, body: `{"Identifier":"n","Nick":"","FaceUrl":""}`,
			want: `{` + okPlain, after: isImported("n", "Imported"),
		},
		{
			name: "slashes escaped, nulls", command: importCmd, body: `{"Identifier":"n","Nick":null,"FaceUrl":"http:\/\/x\/"}`,
			want: `{` + okPlain, after: isImported("n", "Imported"),
		},
		{
			name: "both names of the id", command: importCmd, body: `{"UserID":"n","Identifier":"m"}`,
			want: `{` + okPlain, after: func(w *world) { isImported("n", "Imported")(w); isImported("m", "NotImported")(w) },
		},
		{name: "twice", command: importCmd, body: `{"UserID":"a"}`, want: `{` + okPlain},
		{name: "longest id", command: importCmd, body: `{"UserID":"` + strings.Repeat("~", 32) + `"}`, want: `{` + okPlain},
		{name: "no id", command: importCmd, body: `{}`, want: failLogin(70402, invalid)},
		{name: "id too long", command: importCmd, body: `{"UserID":"` + strings.Repeat("x", 33) + `"}`, want: failLogin(70402, invalid)},
		{name: "id not printable", command: importCmd, body: `{"UserID":"a\u0000"}`, want: failLogin(70402, invalid)}, // 60
		{name: "id not ASCII", command: importCmd, body: `{"UserID":"ü"}`, want: failLogin(70402, invalid)},           // 60
		{name: "longest nick", command: importCmd, body: long("Nick", 500), want: `{` + okPlain},
		{name: "nick too long", command: importCmd, body: long("Nick", 501), want: failLogin(40601, tooLong), after: isImported("n", "NotImported")},
		{name: "face URL too long", command: importCmd, body: long("FaceUrl", 501), want: failLogin(40601, tooLong)},
	})
}

func TestMultiAccountImport(t *testing.T) {
	runScenarios(t, []scenario{
		{
			name: "old form", command: multiCmd, body: `{"Accounts":["n"]}`,
			want: `{"FailAccounts":[],` + okPlain, after: isImported("n", "Imported"),
		},
		{
			name: "new form", command: multiCmd, body: `{"AccountList":[{"UserID":"n","Nick":"N","FaceUrl":""},{"UserID":"m"}]}`,
			want: `{"FailAccounts":[],` + okPlain, after: func(w *world) { isImported("n", "Imported")(w); isImported("m", "Imported")(w) },
		},
		{
			name: "some fail", command: multiCmd,
			body:  `{"Accounts":["n","","` + strings.Repeat("x", 33) + `"],"AccountList":[{"UserID":"m","Nick":"` + strings.Repeat("x", 501) + `"}]}`,
			want:  `{"FailAccounts":["","` + strings.Repeat("x", 33) + `","m"],` + okPlain,
			after: func(w *world) { isImported("n", "Imported")(w); isImported("m", "NotImported")(w) },
		},
		{name: "same account twice", command: multiCmd, body: `{"Accounts":["n","n"]}`, want: `{"FailAccounts":[],` + okPlain},
		{name: "a hundred", command: multiCmd, body: `{"Accounts":` + many(100) + `}`, want: `{"FailAccounts":[],` + okPlain},
		{
			name: "a hundred and one", command: multiCmd, body: `{"Accounts":` + many(101) + `}`,
			want: failLogin(70206, "101 accounts in one call, at most 100 are allowed"), after: isImported("u0000", "NotImported"),
		},
		{name: "none", command: multiCmd, body: `{}`, want: failLogin(70402, emptyBatch)},
		{name: "null for a list", command: multiCmd, body: `{"Accounts":null,"AccountList":null}`, want: failLogin(70402, emptyBatch)},
	})
}

const emptyBatch = "Err_TLS_PT_Open_Login_Account_Invalid: the batch is empty"

// items returns a list of {"UserID":...}.
func accountItems(field string, ids ...string) string {
	return `{"` + field + `":[{"UserID":"` + strings.Join(ids, `"},{"UserID":"`) + `"}]}`
}

func manyIDs(n int) []string {
	return strings.Split(strings.NewReplacer(`"`, "", "[", "", "]", "").Replace(many(n)), ",")
}

func TestAccountCheck(t *testing.T) {
	runScenarios(t, []scenario{
		{
			name: "known and unknown", command: existsCmd, body: accountItems("CheckItem", "a", "nobody", "", "A"),
			want: `{"ResultItem":[
				{"UserID":"a","ResultCode":0,"ResultInfo":"","AccountStatus":"Imported"},
				{"UserID":"nobody","ResultCode":0,"ResultInfo":"","AccountStatus":"NotImported"},
				{"UserID":"","ResultCode":0,"ResultInfo":"","AccountStatus":"NotImported"},
				{"UserID":"A","ResultCode":0,"ResultInfo":"","AccountStatus":"NotImported"}],` + okPlain,
		},
		{name: "too many", command: existsCmd, body: accountItems("CheckItem", manyIDs(101)...), want: failLogin(70206, "101 accounts in one call, at most 100 are allowed")},
		{name: "none", command: existsCmd, body: `{"CheckItem":[]}`, want: failLogin(70402, emptyBatch)},
	})
}

func TestAccountDelete(t *testing.T) {
	const unknown = "Err_TLS_PT_Open_Login_Account_Not_Exist"
	runScenarios(t, []scenario{
		{
			name:    "its list and its entries go, no event", // 61
			before:  given(addCmd, addABC, addCmd, `{"From_Account":"b","To_Account":["a"]}`),
			command: removeCmd, body: accountItems("DeleteItem", "b", "x", "b"),
			want: `{"ResultItem":[
				{"UserID":"b","ResultCode":0,"ResultInfo":""},
				{"UserID":"x","ResultCode":70107,"ResultInfo":"` + unknown + `"},
				{"UserID":"b","ResultCode":70107,"ResultInfo":"` + unknown + `"}],` + okPlain,
			after: func(w *world) {
				isImported("b", "NotImported")(w)
				given(importCmd, `{"UserID":"b"}`)(w)
				expect(checkCmd, `{"From_Account":"a","To_Account":["b"],"CheckType":"BlackCheckResult_Type_Both"}`,
					`{"BlackListCheckItem":[{"To_Account":"b","Relation":"BlackCheckResult_Type_NO","ResultCode":0,"ResultInfo":""}],`+okDisplay)(w)
			},
		},
		{name: "too many", command: removeCmd, body: accountItems("DeleteItem", manyIDs(101)...), want: failLogin(70206, "101 accounts in one call, at most 100 are allowed")},
		{name: "none", command: removeCmd, body: `{}`, want: failLogin(70402, emptyBatch)},
	})
}

func TestKick(t *testing.T) {
	runScenarios(t, []scenario{
		{name: "known", command: kickCmd, body: `{"UserID":"a"}`, want: `{` + okPlain},
		{name: "by the older name", command: kickCmd, body: `{"Identifier":"a"}`, want: `{` + okPlain},
		{name: "unknown", command: kickCmd, body: `{"UserID":"x"}`, want: failLogin(70107, "Err_TLS_PT_Open_Login_Account_Not_Exist")},
		{name: "no id", command: kickCmd, body: `{}`, want: failLogin(70402, "Err_TLS_PT_Open_Login_Account_Invalid: UserID is missing")},
	})
}

// TestKickRevokesRememberedTicket: open question 55.
func TestKickRevokesRememberedTicket(t *testing.T) {
	w := newWorld(t)
	w.mustCall(importCmd, `{"UserID":"`+testAdmin+`"}`)
	old := w.target(existsCmd)
	w.clock.advance(time.Minute)
	w.mustCall(kickCmd, `{"UserID":"`+testAdmin+`"}`)
	w.wantCode(w.envelope(w.post(old, `{}`)), 70052)
	isImported(testAdmin, "Imported")(w) // a ticket made after the kick works
}
