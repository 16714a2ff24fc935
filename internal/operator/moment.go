package operator

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// parseMoment reads a time: RFC 3339, or how long ago it was, as 90m, 2h or 7d. Empty is no time.
func parseMoment(name, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	ago, ok := parseAgo(text)
	if !ok || ago < 0 {
		return time.Time{}, badRequest("%s must be a time as 2026-01-31T12:00:00Z, or how long ago it was as 2h or 7d, not %q", name, text)
	}
	return now.Add(-ago).UTC(), nil
}

// parseAgo reads a duration, which may be in days.
func parseAgo(text string) (time.Duration, bool) {
	const day = 24 * time.Hour
	if number, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.ParseUint(number, 10, 32)
		return time.Duration(days) * day, err == nil && days <= uint64(math.MaxInt64/day)
	}
	ago, err := time.ParseDuration(text)
	return ago, err == nil
}

// parseRange reads the moments that a search or selection lies between.
func parseRange(from, to string, now time.Time) (begin, end time.Time, err error) {
	if begin, err = parseMoment("from", from, now); err != nil {
		return begin, end, err
	}
	if end, err = parseMoment("to", to, now); err != nil {
		return begin, end, err
	}
	if !begin.IsZero() && !end.IsZero() && !begin.Before(end) {
		return begin, end, badRequest("from must be before to, or nothing lies between them")
	}
	return begin, end, nil
}
