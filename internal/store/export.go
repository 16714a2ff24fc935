package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

// selectLists reads all lists of an app by index, in order of owner. CROSS JOIN keeps SQLite to that order.
const selectLists = `SELECT a.id, a.userid, a.block_seq, t.userid, b.since_s
	FROM account a CROSS JOIN block b CROSS JOIN account t
	WHERE a.sdkappid = $1 AND b.owner = a.id AND t.id = b.target ORDER BY a.userid, b.place`

// ExportBlocklists implements relation.Exporter. It reads on a connection of its own, so that a slow reader of the export
// takes nothing from others. SQLite cannot start its log over while an export reads.
func (s *Store) ExportBlocklists(ctx context.Context, sdkAppID uint32, begin func(position string) error, each func(relation.ListExport) error) error {
	var inner error
	err := s.engine.readAlone(ctx, func(c conn) error {
		inner = export(c, sdkAppID, begin, each)
		return inner
	})
	if mine, ok := errors.AsType[callerError](inner); ok {
		return mine.error
	}
	return domainError(err)
}

// callerError is an error of who reads the export.
type callerError struct{ error }

func mark(err error) error {
	if err == nil {
		return nil
	}
	return callerError{err}
}

func export(c conn, sdkAppID uint32, begin func(position string) error, each func(relation.ListExport) error) error {
	state, err := readAppState(c, sdkAppID)
	if err != nil {
		return err
	}
	if state != appPresent {
		return fmt.Errorf("%w: %d", relation.ErrNoApp, sdkAppID)
	}
	newest, err := newestEvent(c, int64(sdkAppID))
	if err != nil {
		return err
	}
	forgotten, err := newestForgotten(c, int64(sdkAppID))
	if err != nil {
		return err
	}
	if compareIDs(forgotten, newest) > 0 {
		newest = forgotten
	}
	position := ""
	if newest != uuid.Nil {
		position = newest.String()
	}
	if err := mark(begin(position)); err != nil {
		return err
	}
	var part relation.ListExport
	flush := func() error {
		if len(part.Entries) == 0 {
			return nil
		}
		full := part
		part.Entries = nil
		return mark(each(full))
	}
	list := int64(0)
	err = c.query(selectLists, func(r row) error {
		var id, sequence int64
		var owner string
		var e relation.BlockEntry
		if err := r.scan(&id, &owner, &sequence, &e.UserID, &e.Since); err != nil {
			return err
		}
		if id != list || len(part.Entries) == relation.MaxBlockPage {
			if err := flush(); err != nil {
				return err
			}
		}
		list, part.Owner, part.Sequence = id, owner, sequence
		part.Entries = append(part.Entries, e)
		return nil
	}, int64(sdkAppID))
	if err != nil {
		return err
	}
	return flush()
}
