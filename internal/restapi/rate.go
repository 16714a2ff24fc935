package restapi

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// rates limits the calls of each app as relation.Rates says. The zero value is ready. An app without limits costs
// nothing; the others share one lock, held for a few field accesses. There is at most one limiter for each command of an
// app that has, or had, limits.
type rates struct {
	mu       sync.Mutex
	limiters map[rateKey]*rate.Limiter
}

// rateKey names a limiter: of one command, or of the whole app when command is empty.
type rateKey struct {
	sdkAppID uint32
	command  string
}

// allow takes one call from the app's allowance. The command is asked first: calls refused for one busy command do not
// eat what the others have. Only calls that passed authentication get here, so strangers eat nothing.
func (r *rates) allow(app *relation.App, command string, now time.Time) error {
	perCommand, special := app.Rates.Special[command]
	if !special {
		perCommand = app.Rates.Command
	}
	if perCommand > 0 && !r.take(rateKey{app.SDKAppID, command}, perCommand, now) {
		return failure{api.CodeAPIRate, "this command is called too often; slow down and retry later"}
	}
	if app.Rates.App > 0 && !r.take(rateKey{app.SDKAppID, ""}, app.Rates.App, now) {
		return failure{api.CodeAppRate, "the app calls too often; slow down and retry later"}
	}
	return nil
}

// take takes one token. The bucket holds one second's worth, one token at least, and follows a changed limit without
// being refilled.
func (r *rates) take(key rateKey, perSecond float64, now time.Time) bool {
	limit, burst := rate.Limit(perSecond), max(1, int(perSecond))
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.limiters[key]
	if l == nil {
		if r.limiters == nil {
			r.limiters = make(map[rateKey]*rate.Limiter)
		}
		l = rate.NewLimiter(limit, burst)
		r.limiters[key] = l
	}
	if l.Limit() != limit {
		l.SetLimitAt(now, limit)
		l.SetBurstAt(now, burst)
	}
	return l.AllowN(now, 1)
}
