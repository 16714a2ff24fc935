package operator

import (
	"context"

	"github.com/kithchat/kith/internal/relation"
)

// maxMergeReads bounds how many pages of apps one page of all apps costs beyond the first of each.
const maxMergeReads = 100

// eventSource is what was read of one app's events and not yet taken. While it has a next, unknown events with lesser
// ids than that follow.
type eventSource struct {
	sdkAppID uint32
	rows     []relation.Record
	next     string
}

// bound returns the greatest id that can come from the source, and whether it is that of a row; empty at its end.
func (s *eventSource) bound() (id string, row bool) {
	if len(s.rows) > 0 {
		return s.rows[0].ID, true
	}
	return s.next, false
}

// mergeRecords is a page over all apps, newest first. Like a page of one app it can be short and yet have a Next.
func (h *handler) mergeRecords(ctx context.Context, q relation.RecordQuery) (relation.RecordPage, error) {
	all := h.Registry.All()
	each := q
	each.Limit = min(q.Limit, q.Limit/max(1, len(all))+10)
	sources := make([]*eventSource, 0, len(all))
	read := func(s *eventSource) error {
		each.SDKAppID, each.Before = s.sdkAppID, s.next
		page, err := h.Records.Records(ctx, each)
		s.rows, s.next = page.Records, page.Next
		return err
	}
	for _, app := range all {
		s := &eventSource{sdkAppID: app.SDKAppID, next: q.Before}
		if err := read(s); err != nil {
			return relation.RecordPage{}, err
		}
		sources = append(sources, s)
	}
	var merged relation.RecordPage
	for reads := 0; ; {
		s, row := newest(sources)
		switch {
		case s == nil:
			return merged, nil
		case len(merged.Records) == q.Limit:
			merged.Next = merged.Records[q.Limit-1].ID
			return merged, nil
		case row:
			merged.Records, s.rows = append(merged.Records, s.rows[0]), s.rows[1:]
			continue
		case reads == maxMergeReads:
			merged.Next = s.next
			return merged, nil
		}
		if err := read(s); err != nil {
			return relation.RecordPage{}, err
		}
		reads++
	}
}

// newest returns the source from which the newest event can come, nil when all are at their end.
func newest(sources []*eventSource) (found *eventSource, row bool) {
	most := ""
	for _, s := range sources {
		if id, isRow := s.bound(); id > most {
			most, found, row = id, s, isRow
		}
	}
	return found, row
}
