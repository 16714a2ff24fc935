package operator

import (
	"testing"
	"time"
)

func FuzzParseMoment(f *testing.F) {
	for _, text := range []string{"", "2h", "7d", "-1s", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+01:00", "99999999d", "d", "1.5d", "x"} {
		f.Add(text)
	}
	now := time.Unix(1767225600, 0).UTC()
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseMoment("from", text, now)
		if err != nil {
			if !at.IsZero() || toError(err).Code != CodeInvalid {
				t.Errorf("%q: %v, %v", text, at, err)
			}
			return
		}
		if text != "" && at.Location() != time.UTC {
			t.Errorf("%q: %v is not UTC", text, at)
		}
		if ago, ok := parseAgo(text); ok && at.After(now) {
			t.Errorf("%q: %v ago is %v, in the future", text, ago, at)
		}
	})
}

func TestParseMoment(t *testing.T) {
	now := time.Unix(1767225600, 0).UTC()
	for text, want := range map[string]time.Time{
		"":                          {},
		"0s":                        now,
		"90m":                       now.Add(-90 * time.Minute),
		"7d":                        now.Add(-7 * 24 * time.Hour),
		"2026-01-01T01:00:00+01:00": now,
		"2026-01-01 00:00:00 UTC":   now,
		"2026-01-01 00:00:00":       now,
		"2026-01-01 00:00":          now,
		"2026-01-01":                now,
		"17:35Z":                    now.Add(17*time.Hour + 35*time.Minute),
	} {
		if got, err := parseMoment("from", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}
