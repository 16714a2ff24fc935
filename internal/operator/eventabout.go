package operator

import (
	"context"
	"slices"

	"github.com/kithchat/kith/internal/relation"
)

// One page about a To_Account looks at so many events at most: no index finds them.
const (
	aboutReads = 10
	aboutPage  = 500
)

type readRecords func(context.Context, relation.RecordQuery) (relation.RecordPage, error)

// about narrows pages to events that tell of a To_Account. A page can be short, or empty, and yet have a Next.
func about(target string, read readRecords) readRecords {
	return func(ctx context.Context, q relation.RecordQuery) (relation.RecordPage, error) {
		var found relation.RecordPage
		limit := q.Limit
		q.Limit = aboutPage
		for range aboutReads {
			page, err := read(ctx, q)
			if err != nil {
				return found, err
			}
			for i, r := range page.Records {
				if !slices.Contains(r.Targets, target) {
					continue
				}
				found.Records = append(found.Records, r)
				if len(found.Records) == limit {
					if i < len(page.Records)-1 || page.Next != "" {
						found.Next = r.ID
					}
					return found, nil
				}
			}
			if found.Next = page.Next; page.Next == "" {
				return found, nil
			}
			q.Before = page.Next
		}
		return found, nil
	}
}
