package store

import (
	"context"

	"github.com/kithchat/kith/internal/relation"
)

var (
	selectAccounts = set{
		one: `SELECT id, kicked_s, block_seq, block_count, block_place, event_seq FROM account WHERE sdkappid = $1 AND userid = $2`,
		all: `SELECT j.i, a.id, a.kicked_s, a.block_seq, a.block_count, a.block_place, a.event_seq
			FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS j(sdkappid, userid, i)
			JOIN account a ON ` + sameAccount,
	}
	insertAccounts = set{
		one: `INSERT INTO account (sdkappid, userid, id, kicked_s, block_seq, block_count, block_place, event_seq)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		all: `INSERT INTO account (sdkappid, userid, id, kicked_s, block_seq, block_count, block_place, event_seq)
			SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])`,
	}
	updateAccounts = set{
		one: `UPDATE account SET kicked_s = $1, block_seq = $2, block_count = $3, block_place = $4, event_seq = $5
			WHERE sdkappid = $6 AND userid = $7`,
		all: `UPDATE account a SET kicked_s = j.k, block_seq = j.s, block_count = j.c, block_place = j.p, event_seq = j.e
			FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[])
				AS j(k, s, c, p, e, sdkappid, userid)
			WHERE ` + sameAccount,
	}
	deleteAccounts = set{
		one: `DELETE FROM account WHERE sdkappid = $1 AND userid = $2`,
		all: `DELETE FROM account a USING unnest($1::bigint[], $2::text[]) AS j(sdkappid, userid)
			WHERE ` + sameAccount,
	}
	insertGone = set{
		one: `INSERT INTO gone (id, sdkappid) VALUES ($1, $2)`,
		all: `INSERT INTO gone (id, sdkappid) SELECT * FROM unnest($1::bigint[], $2::bigint[])`,
	}
	upsertProfiles = set{
		one: `INSERT INTO profile (account, nick, face) VALUES ($1, $2, $3) ` + mergeProfile,
		all: `INSERT INTO profile (account, nick, face) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[]) ` + mergeProfile,
	}
)

// sameAccount finds the account of a row of a set.
const sameAccount = `a.sdkappid = ANY (ARRAY[j.sdkappid]) AND a.userid = j.userid COLLATE "C"`

// mergeProfile leaves a field as it was where the import says nothing of it.
const mergeProfile = `ON CONFLICT (account) DO UPDATE SET
	nick = CASE excluded.nick WHEN '' THEN profile.nick ELSE excluded.nick END,
	face = CASE excluded.face WHEN '' THEN profile.face ELSE excluded.face END`

// load reads every account and pair that the calls name.
func (b *batch) load(c conn) error {
	b.accounts = make(map[accountKey]*account, 2*len(b.applies))
	var (
		apps  []int64
		names []string
	)
	mention := func(app uint32, userID string) {
		key := accountKey{app, userID}
		if _, known := b.accounts[key]; known || !relation.ValidUserID(userID) {
			return
		}
		a := &account{accountKey: key}
		b.accounts[key] = a
		b.order = append(b.order, a)
		apps, names = append(apps, int64(app)), append(names, userID)
	}
	b.apps = make(map[uint32]bool, 1)
	for _, call := range b.applies {
		if err := b.loadApp(c, call.scope.SDKAppID); err != nil {
			return err
		}
		mention(call.scope.SDKAppID, call.scope.Owner)
		for _, userID := range call.scope.Accounts {
			mention(call.scope.SDKAppID, userID)
		}
	}
	if len(names) == 0 {
		return nil
	}
	err := c.each(selectAccounts, func(i int, r row) error {
		a := b.order[i]
		return r.scan(&a.id, &a.kicked, &a.seq, &a.count, &a.place, &a.eventSeq)
	}, apps, names)
	if err != nil {
		return err
	}
	return b.loadPairs(c)
}

// changeAccounts takes imports, deletions and kicks into the batch.
func (b *batch) changeAccounts(c conn, app uint32, change relation.Change) error {
	for _, p := range change.Import {
		a := b.accounts[accountKey{app, p.UserID}]
		if a.id == 0 {
			id, err := b.store.ids.next(c)
			if err != nil {
				return err
			}
			// Event numbers start above all that an earlier life of the account had, whose events may still wait.
			*a = account{accountKey: a.accountKey, id: id, fresh: true, dirty: true, eventSeq: id << eventBits}
		}
		if p.Nick != "" {
			a.profile.Nick = p.Nick
		}
		if p.FaceURL != "" {
			a.profile.FaceURL = p.FaceURL
		}
	}
	for _, userID := range change.Delete {
		a := b.accounts[accountKey{app, userID}]
		b.gone = append(b.gone, goneAccount{a.accountKey, a.id})
		*a = account{accountKey: a.accountKey, eventSeq: a.eventSeq}
	}
	for _, userID := range change.Kick {
		a := b.accounts[accountKey{app, userID}]
		a.kicked, a.dirty = change.At.Unix(), true
		if b.store.listens() {
			b.kicked = append(b.kicked, a.public())
		}
	}
	return nil
}

// writeAccounts writes what the batch changed: deletions first, since a UserID may be imported anew in the same batch.
func (b *batch) writeAccounts(c conn) error {
	if err := b.writeGone(c); err != nil {
		return err
	}
	var fresh, known accountColumns
	var profiles profileColumns
	for _, a := range b.order {
		switch {
		case a.id == 0:
			continue
		case a.fresh:
			fresh.add(a)
		case a.dirty:
			known.add(a)
		}
		profiles.add(a)
	}
	if len(fresh.id) > 0 {
		err := c.each(insertAccounts, nil, fresh.app, fresh.userID, fresh.id, fresh.kicked, fresh.seq, fresh.count, fresh.place, fresh.eventSeq)
		if err != nil {
			return err
		}
	}
	if len(known.id) > 0 {
		err := c.each(updateAccounts, nil, known.kicked, known.seq, known.count, known.place, known.eventSeq, known.app, known.userID)
		if err != nil {
			return err
		}
	}
	if len(profiles.id) > 0 {
		return c.each(upsertProfiles, nil, profiles.id, profiles.nick, profiles.face)
	}
	return nil
}

func (b *batch) writeGone(c conn) error {
	if len(b.gone) == 0 {
		return nil
	}
	var apps, ids []int64
	var names []string
	for _, g := range b.gone {
		apps, names, ids = append(apps, int64(g.app)), append(names, g.userID), append(ids, g.id)
	}
	if err := c.each(deleteAccounts, nil, apps, names); err != nil {
		return err
	}
	return c.each(insertGone, nil, ids, apps)
}

type accountColumns struct {
	app, id, kicked, seq, count, place, eventSeq []int64
	userID                                       []string
}

func (l *accountColumns) add(a *account) {
	l.app, l.userID, l.id = append(l.app, int64(a.app)), append(l.userID, a.userID), append(l.id, a.id)
	l.kicked, l.seq, l.count = append(l.kicked, a.kicked), append(l.seq, a.seq), append(l.count, a.count)
	l.place, l.eventSeq = append(l.place, a.place), append(l.eventSeq, a.eventSeq)
}

type profileColumns struct {
	id         []int64
	nick, face []string
}

func (l *profileColumns) add(a *account) {
	if a.profile.Nick == "" && a.profile.FaceURL == "" {
		return
	}
	l.id, l.nick, l.face = append(l.id, a.id), append(l.nick, a.profile.Nick), append(l.face, a.profile.FaceURL)
}

// eventBits is the room for event numbers in the life of an account (2^28), as ids only rise. It leaves room for 2^35 lives.
const eventBits = 28

// idBlock is how many account ids are taken from the database at a time.
const idBlock = 256

// idPool hands out account ids. Ids that were taken and not used are skipped for good.
type idPool struct{ last, limit int64 }

func (p *idPool) next(c conn) (int64, error) {
	if p.last == p.limit {
		err := c.query(`UPDATE counter SET value = value + $1 WHERE name = 'account' RETURNING value`,
			func(r row) error { return r.scan(&p.limit) }, int64(idBlock))
		if err != nil {
			return 0, err
		}
		p.last = p.limit - idBlock
	}
	p.last++
	return p.last, nil
}

// Imported implements relation.Store.
func (s *Store) Imported(ctx context.Context, q relation.AccountSet) ([]bool, error) {
	found := make([]bool, len(q.UserIDs))
	err := s.engine.read(ctx, func(c conn) error {
		return lookUp(c, q.SDKAppID, q.UserIDs, func(i int, _ account) { found[i] = true })
	})
	return found, unavailable(err)
}

// KickedAt implements relation.Store.
func (s *Store) KickedAt(ctx context.Context, sdkAppID uint32, userID string) (at int64, err error) {
	err = s.engine.read(ctx, func(c conn) error {
		return lookUp(c, sdkAppID, []string{userID}, func(_ int, a account) { at = a.kicked })
	})
	return at, unavailable(err)
}

// Account implements relation.Store.
func (s *Store) Account(ctx context.Context, key relation.AccountKey) (relation.AccountHead, error) {
	var a account
	err := s.engine.read(ctx, func(c conn) (err error) {
		a, err = findOwner(c, key.SDKAppID, key.UserID)
		return err
	})
	return relation.AccountHead{KickedAt: a.kicked, List: a.id, Sequence: a.seq}, domainError(err)
}

// lookUp calls found for each of the accounts that exists, with its index in userIDs.
func lookUp(c conn, app uint32, userIDs []string, found func(int, account)) error {
	apps := make([]int64, 0, len(userIDs))
	names := make([]string, 0, len(userIDs))
	index := make([]int, 0, len(userIDs))
	for i, userID := range userIDs {
		if relation.ValidUserID(userID) {
			apps, names, index = append(apps, int64(app)), append(names, userID), append(index, i)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return c.each(selectAccounts, func(i int, r row) error {
		var a account
		if err := r.scan(&a.id, &a.kicked, &a.seq, &a.count, &a.place, &a.eventSeq); err != nil {
			return err
		}
		found(index[i], a)
		return nil
	}, apps, names)
}
