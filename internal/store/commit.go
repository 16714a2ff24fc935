package store

import "github.com/kithchat/kith/internal/relation"

// listens reports whether anybody wants to hear of commits; else nothing is collected for it.
func (s *Store) listens() bool { return s.options.OnCommit != nil }

// addList notes a change of a list for who follows it.
func (b *batch) addList(owner *account, change relation.Change) {
	if !b.store.listens() {
		return
	}
	if b.lists == nil {
		b.lists = make([]relation.ListChange, 0, len(b.applies))
	}
	told := relation.ListChange{
		AccountKey: owner.public(), List: owner.id, Sequence: owner.seq, Removed: change.Unblock,
	}
	if len(change.Block) > 0 {
		told.Added = make([]relation.BlockEntry, len(change.Block))
		for i, target := range change.Block {
			told.Added[i] = relation.BlockEntry{UserID: target, Since: change.At.Unix()}
		}
	}
	b.lists = append(b.lists, told)
}

func (k accountKey) public() relation.AccountKey {
	return relation.AccountKey{SDKAppID: k.app, UserID: k.userID}
}

// tell reports what a batch made durable.
func (s *Store) tell(b *batch) {
	if !s.listens() || len(b.events)+len(b.lists)+len(b.kicked)+len(b.gone) == 0 {
		return
	}
	commit := relation.Commit{Events: b.events, Lists: b.lists, Kicked: b.kicked}
	if len(b.gone) > 0 {
		commit.Deleted = make([]relation.AccountKey, len(b.gone))
		for i, g := range b.gone {
			commit.Deleted[i] = g.public()
		}
	}
	s.options.OnCommit(commit)
}

// tellLost reports a commit that may have happened or not.
func (s *Store) tellLost() {
	if s.listens() {
		s.options.OnCommit(relation.Commit{Lost: true})
	}
}
