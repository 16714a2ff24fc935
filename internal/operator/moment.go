package operator

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// parseMoment reads a time: RFC 3339, as outputs print it in UTC, a time of this day as 17:35Z, or how long ago it was, as 90m,
// 2h or 7d. Empty is no time.
func parseMoment(name, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04Z", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil { // as outputs print times, which are in UTC
			return at.UTC(), nil
		}
	}
	for _, layout := range []string{"15:04Z", "15:04:05Z"} {
		if at, err := time.Parse(layout, text); err == nil {
			year, month, day := now.UTC().Date()
			return time.Date(year, month, day, at.Hour(), at.Minute(), at.Second(), 0, time.UTC), nil
		}
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
