package restapi

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/result"
)

// declared returns the names that the files of a package declare with var or const, in order.
func declared(t testing.TB, file string, kind token.Token, wanted func(*ast.ValueSpec) bool) []*ast.ValueSpec {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var specs []*ast.ValueSpec
	for _, d := range parsed.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != kind {
			continue
		}
		for _, s := range gen.Specs {
			if v := s.(*ast.ValueSpec); wanted(v) {
				specs = append(specs, v)
			}
		}
	}
	return specs
}

// TestEveryErrorHasACode reads relation's errors from its source, so that a new one without a row is found.
func TestEveryErrorHasACode(t *testing.T) {
	const again, reason = "the server cannot store changes now; try again", "internal error; try again, the server's log has the reason"
	const noAccount, noApp = "Err_TLS_PT_Open_Login_Account_Not_Exist", "there is no app with this sdkappid"
	type row struct {
		err                error
		sns, login, openim failure
	}
	rows := map[string]row{
		"ErrParameter": {
			relation.ErrParameter,
			failure{30001, "SNS_PARAMETER_ERR: why"},
			failure{70402, "Err_TLS_PT_Open_Login_Account_Invalid: why"},
			failure{90001, "a parameter is wrong: why"},
		},
		"ErrNoAccount":   {relation.ErrNoAccount, failure{30003, ownerInfo}, failure{70107, noAccount}, failure{70107, noAccount}},
		"ErrNoApp":       {relation.ErrNoApp, failure{70020, noApp}, failure{70020, noApp}, failure{70020, noApp}},
		"ErrAppExists":   {relation.ErrAppExists, failure{30006, reason}, failure{70500, reason}, failure{91000, reason}}, // no command makes apps
		"ErrNoEvent":     {relation.ErrNoEvent, failure{30006, reason}, failure{70500, reason}, failure{91000, reason}},   // none asks for events
		"ErrNoReplay":    {relation.ErrNoReplay, failure{30006, reason}, failure{70500, reason}, failure{91000, reason}},  // or replays
		"ErrForgotten":   {relation.ErrForgotten, failure{30006, reason}, failure{70500, reason}, failure{91000, reason}},
		"ErrSettled":     {relation.ErrSettled, failure{30006, reason}, failure{70500, reason}, failure{91000, reason}},
		"ErrUnavailable": {relation.ErrUnavailable, failure{30006, again}, failure{70500, again}, failure{91000, again}},
	}
	names := 0
	for _, spec := range declared(t, "../relation/error.go", token.VAR, func(v *ast.ValueSpec) bool { return strings.HasPrefix(v.Names[0].Name, "Err") }) {
		name := spec.Names[0].Name
		names++
		r, ok := rows[name]
		if !ok {
			t.Errorf("relation.%s has no row in explain", name)
			continue
		}
		for _, side := range []struct {
			service *service
			want    failure
		}{{sns, r.sns}, {login, r.login}, {openim, r.openim}} {
			f := newFixture(t, &nullStore{}, nil)
			got := f.h.explain(&command{service: side.service, name: "test"}, fmt.Errorf("%w: why", r.err))
			if got != side.want {
				t.Errorf("%s in %s: got %+v, want %+v", name, side.service.name, got, side.want)
			}
		}
	}
	if names != len(rows) {
		t.Errorf("%d errors in relation, want %d", names, len(rows))
	}
}

// TestUnmappedError: logged in full, answered without its text.
func TestUnmappedError(t *testing.T) {
	f := newFixture(t, &slowStore{err: errors.New("sqlite: table block is on fire")}, nil)
	sameJSON(t, f.post(f.target(deleteCmd), addABC), failSns(30006, "internal error; try again, the server's log has the reason"))
	if log := f.log.String(); !strings.Contains(log, "table block is on fire") || !strings.Contains(log, "black_list_delete") {
		t.Errorf("log lacks error or command: %s", log)
	}
}

// TestOutageIsNotLoggedPerCall: the store logs the outage once; here it is a matter of debugging.
func TestOutageIsNotLoggedPerCall(t *testing.T) {
	for level, want := range map[slog.Level]int{slog.LevelInfo: 0, slog.LevelDebug: 2} {
		log := &logBuffer{}
		f := newFixture(t, &slowStore{err: fmt.Errorf("%w: disk full", relation.ErrUnavailable)}, func(o *Options) {
			o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level}))
		})
		for range 2 {
			f.wantCode(f.call(deleteCmd, addABC), api.CodeSnsInternal)
		}
		if got := strings.Count(log.String(), "\n"); got != want || strings.Contains(log.String(), "ERROR") {
			t.Errorf("%d lines at level %s, want %d and none of them an error:\n%s", got, level, want, log)
		}
	}
}

// TestAppDeletedInTheMiddle: the store finds the app gone after authentication.
func TestAppDeletedInTheMiddle(t *testing.T) {
	f := newFixture(t, &slowStore{err: relation.ErrNoApp}, nil)
	f.wantCode(f.call(deleteCmd, addABC), api.CodeAppUnknown)
	f.wantCode(f.call(removeCmd, `{"DeleteItem":[{"UserID":"a"}]}`), api.CodeAppUnknown)
	if log := f.log.String(); log != "" {
		t.Errorf("logged: %s", log)
	}
}

// TestEveryOutcomeHasACode reads relation's outcomes from its source. Only Done is a success, in every table.
func TestEveryOutcomeHasACode(t *testing.T) {
	specs := declared(t, "../relation/error.go", token.CONST, func(v *ast.ValueSpec) bool { return true })
	tables := map[string]result.Table{
		"add": result.BlockAdd, "delete": result.BlockDelete, "account_delete": result.AccountDelete, "account_import": result.AccountImport,
	}
	for o := range relation.Outcome(len(specs)) {
		mapped := false
		for name, table := range tables {
			if code := table.Of(o).Code; (code == api.OK) != (o == relation.Done) {
				t.Errorf("%s: outcome %s has code %d", name, specs[o].Names[0].Name, code)
			}
			_, ok := table.Rows[o]
			mapped = mapped || ok
		}
		if !mapped {
			t.Errorf("outcome %s has no row in any table", specs[o].Names[0].Name)
		}
	}
}

// knownCodes are all codes that package api declares.
func knownCodes(t testing.TB) map[api.Code]bool {
	known := make(map[api.Code]bool)
	for _, spec := range declared(t, "../../api/code.go", token.CONST, func(v *ast.ValueSpec) bool {
		typ, ok := v.Type.(*ast.Ident)
		return ok && typ.Name == "Code"
	}) {
		lit := spec.Values[0].(*ast.BasicLit)
		n, err := strconv.Atoi(constant.MakeFromLiteral(lit.Value, token.INT, 0).ExactString())
		if err != nil {
			t.Fatal(err)
		}
		known[api.Code(n)] = true
	}
	if len(known) < 30 {
		t.Fatalf("found %d codes only", len(known))
	}
	return known
}
