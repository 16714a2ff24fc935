package storetest

import (
	"errors"
	"fmt"

	"github.com/kithchat/kith/internal/relation"
)

// scrollWhileChanging reads a list in pages by cursor while, between two pages, what the cursor names goes, the next one
// goes, and the first comes again. What stays is there once, in order; what came last is there at the end.
func scrollWhileChanging(x *fixture) {
	const n = 20
	ids := names("user", n)
	x.importAll("owner")
	x.importAll(ids...)
	for limit := 1; limit <= n+1; limit++ {
		x.block("owner", ids...)
		var got, want []string
		page := x.scroll("owner", 0, limit)
		list, next := page.List, 0
		for ; ; page = x.scroll("owner", page.Cursor, limit) {
			equal(x, "list", page.List, list)
			for _, e := range page.Entries {
				got = append(got, e.UserID)
			}
			read := min(limit, n-next)
			want = append(want, ids[next:next+read]...)
			if next += read; next >= n-1 {
				break
			}
			x.unblock("owner", ids[0], ids[next-1], ids[next])
			x.block("owner", ids[0])
			next++
		}
		want = append(want, ids[next:]...)
		if limit < n-1 { // something was changed
			want = append(want, ids[0])
		}
		for page.Cursor != 0 {
			page = x.scroll("owner", page.Cursor, limit)
			for _, e := range page.Entries {
				got = append(got, e.UserID)
			}
		}
		equal(x, fmt.Sprintf("entries in pages of %d", limit), got, want)
		x.followed("owner")
		x.unblock("owner", ids...)
	}
	equal(x, "page behind all places", len(x.scroll("owner", 1<<40, 3).Entries), 0)
}

func accountHead(x *fixture) {
	_, err := x.svc.Account(x.ctx, relation.AccountKey{SDKAppID: appID, UserID: "owner"})
	equal(x, "no account", errors.Is(err, relation.ErrNoAccount), true)
	x.importAll("owner", "a", "b")
	first := x.account("owner")
	equal(x, "new account", first, relation.AccountHead{List: first.List})
	x.block("owner", "a", "b")
	x.unblock("owner", "a")
	x.ok("kick", x.svc.Kick(x.ctx, appID, "owner"))
	for range 2 {
		equal(x, "head", x.account("owner"), relation.AccountHead{KickedAt: x.clock.Now().Unix(), List: first.List, Sequence: 2})
		equal(x, "list of the page", x.scroll("owner", 0, 1).List, first.List)
		x.restart()
	}
	if x.account("a").List == first.List {
		x.Fatal("two accounts have one list")
	}
	x.delete("owner")
	x.importAll("owner")
	again := x.account("owner")
	equal(x, "head of the second life", again, relation.AccountHead{List: again.List})
	if again.List == first.List {
		x.Fatal("the second life has the list of the first")
	}
}
