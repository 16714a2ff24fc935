package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

const (
	// pairListSize is how many entries each list of the footprint has.
	pairListSize = 100
	// pairChunk is how many pairs of one owner are written together. More than one saves time; ten lie together in a page
	// that holds two hundred, so pages still fill as they do one by one.
	pairChunk = 10
	// checkRate is how many checks a second are sent; far below what the server can do.
	checkRate = 1000
)

// measurePairs fills two stores, a few pairs of a random owner at a time, the larger with ten times the pairs of the smaller,
// and reports bytes a pair and how long a check takes on the one and on the other.
func measurePairs(r *rig, engine string) (err error) {
	small, err := r.pairServer(engine, r.pairs/10)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, small.stop(), os.RemoveAll(small.dir)) }()
	large, err := r.pairServer(engine, r.pairs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, large.stop(), os.RemoveAll(large.dir)) }()
	if err := r.bytesPerPair(engine, large); err != nil {
		return err
	}
	for _, k := range []*kith{small, large} {
		if err := k.start(r.ctx); err != nil {
			return err
		}
	}
	r.add(engine, result{
		Case: "start with " + thousands(int64(r.pairs)) + " pairs", Unit: seconds, Kith: large.startup.Seconds(),
		Beside: "with a tenth", Peer: small.startup.Seconds(),
	})
	if err := r.compareChecks(engine, small, large); err != nil {
		return err
	}
	return r.footprint(large, engine, "with "+thousands(int64(r.pairs))+" pairs, after checks")
}

// pairLists are lists that together hold n pairs.
func pairLists(n int) listSet {
	owners := max(n/pairListSize, 2*pairListSize)
	l := listSet{Name: fmt.Sprint("pairs", n), Owners: owners, Size: (n + owners - 1) / owners, Accounts: owners}
	if (l.Accounts-1)%stride == 0 {
		l.Accounts++
	}
	return l
}

// pairServer returns a server that was stopped after its store got n pairs.
func (r *rig) pairServer(engine string, n int) (*kith, error) {
	k, err := r.startServer(engine)
	if err != nil {
		return nil, err
	}
	if err := k.stop(); err != nil {
		return nil, err
	}
	r.say("  filling %s pairs", thousands(int64(n)))
	return k, fillPairs(r.ctx, k.dir, pairLists(n), n)
}

// fillPairs imports the accounts and blocks pairChunk of them in each change, the owners in random order.
func fillPairs(ctx context.Context, dir string, lists listSet, n int) error {
	batches := (lists.Accounts + importSize - 1) / importSize
	err := applyMany(ctx, dir, batches, func(i int) (relation.Scope, relation.Change) {
		scope := relation.Scope{SDKAppID: benchApp}
		var c relation.Change
		for a := i * importSize; a < min((i+1)*importSize, lists.Accounts); a++ {
			scope.Accounts = append(scope.Accounts, userID(a))
			c.Import = append(c.Import, relation.Profile{UserID: userID(a)})
		}
		return scope, c
	})
	if err != nil {
		return err
	}
	order := rand.New(rand.NewPCG(1, 2)).Perm(lists.Owners)
	return applyMany(ctx, dir, n/pairChunk, func(i int) (relation.Scope, relation.Change) {
		turn := i / lists.Owners
		owner := order[(i+turn*stride)%lists.Owners]
		targets := make([]string, pairChunk)
		for k := range targets {
			targets[k] = userID(lists.target(owner, turn*pairChunk+k))
		}
		return relation.Scope{SDKAppID: benchApp, Owner: userID(owner), Accounts: targets}, relation.Change{Block: targets}
	})
}

// bytesPerPair reports what the pairs take on disk.
func (r *rig) bytesPerPair(engine string, k *kith) error {
	sizes, err := tableSizes(filepath.Join(k.dir, store.DatabaseFile))
	if err != nil {
		return err
	}
	var all int64
	for _, n := range sizes {
		all += n
	}
	each := func(n int64) float64 { return float64(n) / float64(r.pairs) }
	pairs := thousands(int64(r.pairs)) + " pairs"
	r.add(engine, result{
		Case: pairs + ", database file a pair", Unit: bytesEach, Kith: each(all), Budgets: []budget{atMost(100)},
		Note: fmt.Sprintf("ids of 12 characters, lists of %d, %s accounts included", pairListSize, thousands(int64(pairLists(r.pairs).Accounts))),
	})
	r.add(engine, result{
		Case: pairs + ", the pairs alone", Unit: bytesEach, Kith: each(sizes["block"] + sizes["block_pair"]),
		Note: fmt.Sprintf("lists %.1f, index %.1f", each(sizes["block"]), each(sizes["block_pair"])),
	})
	return nil
}

// tableSizes returns the bytes that each table and index of an SQLite database takes.
func tableSizes(path string) (sizes map[string]int64, err error) {
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	sizes = map[string]int64{}
	err = sqlitex.ExecuteTransient(c, "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			sizes[strings.ToLower(stmt.ColumnText(0))] = stmt.ColumnInt64(1)
			return nil
		},
	})
	return sizes, err
}

// compareChecks sends the same rate of checks to both servers in turns.
func (r *rig) compareChecks(engine string, small, large *kith) error {
	var p50, p99 [2][]float64
	for i := range r.number(4, 2) + 1 {
		for side, k := range []*kith{small, large} {
			n := r.pairs
			if k == small {
				n /= 10
			}
			p, err := r.run(job{
				Addr: k.address, Path: k.path("sns/black_list_check"), Kind: kindCheck, Lists: pairLists(n),
				Rate: checkRate, Duration: r.length(4*time.Second, 500*time.Millisecond),
			})
			if err != nil {
				return err
			}
			if i > 0 { // the first round warms up
				p50[side] = append(p50[side], ms(p.P50))
				p99[side] = append(p99[side], ms(p.P99))
			}
		}
	}
	for _, q := range []struct {
		name    string
		values  [2][]float64
		budgets []budget
	}{{"p50", p50, nil}, {"p99", p99, []budget{ratioAtMost(2)}}} {
		r.add(engine, result{
			Case: fmt.Sprintf("check at %d/s, %s pairs, %s", checkRate, thousands(int64(r.pairs)), q.name), Unit: millis,
			Kith: median(q.values[1]), Beside: "a tenth of the pairs", Peer: median(q.values[0]), Budgets: q.budgets,
		})
	}
	return nil
}
