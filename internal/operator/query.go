package operator

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
)

// query reads the parameters of a request. It keeps the first error, and returns zero values from then on; a parameter
// that is not given, or empty, is zero too.
type query struct {
	values url.Values
	now    time.Time
	err    error
}

func (h *handler) query(r *http.Request) *query {
	return &query{values: r.URL.Query(), now: h.Now()}
}

func (q *query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = badRequest(format, args...)
	}
}

func (q *query) text(name string) string { return q.values.Get(name) }

// app reads sdkappid.
func (q *query) app() uint32 {
	text := q.text("sdkappid")
	if text == "" {
		return 0
	}
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil || id == 0 {
		q.fail("sdkappid must be a whole number from 1 to 4294967295, not %q", text)
	}
	return uint32(id)
}

// account and user read a UserID.
func (q *query) account() string { return q.user("account") }

func (q *query) user(name string) string {
	text := q.text(name)
	if text != "" {
		q.keep(checkAccount(name, text))
	}
	return text
}

// command reads a callback command.
func (q *query) command() relation.EventKind {
	kind := relation.EventKind(q.text("command"))
	if kind != "" {
		q.keep(checkCommand(kind))
	}
	return kind
}

// state reads a state of events.
func (q *query) state() relation.State {
	state := relation.State(q.text("state"))
	if state != "" && !slices.Contains(relation.States(), state) {
		q.fail("there is no state %q; the states are %s", state, joined(relation.States()))
	}
	return state
}

// between reads from and to.
func (q *query) between() (from, to time.Time) {
	from, to, err := parseRange(q.text("from"), q.text("to"), q.now)
	q.keep(err)
	return from, to
}

// event reads a parameter that is an event id.
func (q *query) event(name string) string {
	text := q.text(name)
	if text != "" {
		q.keep(checkEventID(name, text))
	}
	return text
}

// limit reads how much is asked for.
func (q *query) limit(normal, most int) int {
	text := q.text("limit")
	if text == "" {
		return normal
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > most {
		q.fail("limit must be 1 to %d, not %q", most, text)
		return normal
	}
	return limit
}

func (q *query) keep(err error) {
	if q.err == nil {
		q.err = err
	}
}

// known returns an error unless the app is there. Zero stands for all apps.
func (h *handler) known(sdkAppID uint32) error {
	if _, ok := h.Registry.App(sdkAppID); !ok && sdkAppID != 0 {
		return apps.NoApp(sdkAppID)
	}
	return nil
}

func checkAccount(name, account string) error {
	if relation.ValidUserID(account) {
		return nil
	}
	return badRequest("%s must be 1 to %d bytes of printable ASCII", name, relation.MaxUserID)
}

func checkCommand(kind relation.EventKind) error {
	if slices.Contains(relation.EventKinds(), kind) {
		return nil
	}
	return badRequest("there is no callback command %q; the commands are %s", kind, joined(relation.EventKinds()))
}

// joined lists names for a sentence.
func joined[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}

func checkEventID(name, id string) error {
	if canonicalUUID(id) {
		return nil
	}
	return badRequest("%s must be the id of an event, such as 0198a3c5-7c1e-7b52-9d3f-0c8f6f4f6b1a, not %q", name, id)
}

func canonicalUUID(text string) bool {
	u, err := uuid.Parse(text)
	return err == nil && u.String() == text
}

// checked refuses query parameters that the endpoint does not have, and those that are given twice.
func checked(o operation, call callFunc) callFunc {
	return func(w http.ResponseWriter, r *http.Request) (any, error) {
		values, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, badRequest("the query of the URL is broken")
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			switch {
			case !o.has(name):
				return nil, badRequest("this call has no parameter %q%s", name, o.names())
			case len(values[name]) > 1:
				return nil, badRequest("parameter %q is given %d times; give it once", name, len(values[name]))
			}
		}
		return call(w, r)
	}
}
