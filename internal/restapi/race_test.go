package restapi

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// TestConcurrentCalls has many callers work on one list while the app's settings change and its admin is kicked. Each
// target is added and removed by one caller only, so every item's result is known.
func TestConcurrentCalls(t *testing.T) {
	const callers, rounds = 8, 20
	w := newWorld(t)
	w.mustCall(multiCmd, imported)
	w.mustCall(importCmd, `{"UserID":"`+testAdmin+`"}`)
	importMany(w, callers)
	query := w.query()
	send := func(command, body string) string {
		r := httptest.NewRequest("POST", "/v4/"+command+"?"+query, strings.NewReader(body))
		rec := httptest.NewRecorder()
		w.h.ServeHTTP(rec, r)
		return rec.Body.String()
	}
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			body := fmt.Sprintf(`{"From_Account":"a","To_Account":["u%04d"]}`, i)
			want := results([]string{resultItem(fmt.Sprintf("u%04d", i), 0, "")})
			for range rounds {
				sameJSON(t, []byte(send(addCmd, body)), want)
				sameJSON(t, []byte(send(deleteCmd, body)), want)
			}
		})
	}
	wg.Go(func() {
		for i := range rounds {
			app := testAppRecord(w.app)
			app.Rates = relation.Rates{App: float64(1_000_000 + i)}
			w.apps.put(app)
			send(kickCmd, `{"UserID":"`+testAdmin+`"}`) // in the second of the ticket, which stays valid
		}
	})
	wg.Wait()
	w.wantCode(w.call(getCmd, `{"From_Account":"a","StartIndex":0,"MaxLimited":1}`), api.OK)
	lists(2 * callers * rounds)(w)
	if n := len(w.events()); n != 2*callers*rounds {
		t.Errorf("%d events, want %d", n, 2*callers*rounds)
	}
}
