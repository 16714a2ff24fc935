package relation

import (
	"testing"
	"time"
)

func TestSigningKeysAreInForceUntilTheyExpire(t *testing.T) {
	end := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		expires, at time.Time
		want        bool
	}{
		{time.Time{}, end, true},
		{end, end.Add(-time.Millisecond), true},
		{end, end, false},
		{end, end.Add(time.Hour), false},
		{end, end.In(time.FixedZone("", 3600)).Add(-1), true},
	} {
		if got := (SigningKey{Expires: test.expires}).InForce(test.at); got != test.want {
			t.Errorf("expires %v: in force at %v: %t", test.expires, test.at, got)
		}
	}
}
