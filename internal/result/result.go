// Package result turns what relation found for each item of a call into the items of an answer, for both doors: the REST API
// and the gateway. An outcome without a row is a mistake in its table and is reported as internal, never as success.
package result

import (
	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// Item is what the caller is told about one item.
type Item struct {
	Code api.Code
	Info string
}

// Table maps the outcomes that a command can have. Do not change one.
type Table struct {
	Rows     map[relation.Outcome]Item
	Internal api.Code
}

// Of returns the row of an outcome.
func (t Table) Of(o relation.Outcome) Item {
	row, ok := t.Rows[o]
	if !ok {
		return Item{Code: t.Internal}
	}
	return row
}

// The outcomes of each command that reports items.
var (
	BlockAdd = Table{Internal: api.CodeSnsInternal, Rows: map[relation.Outcome]Item{
		relation.Done:           {},
		relation.AlreadyListed:  {api.CodeParameter, api.InfoBlockExists},
		relation.Self:           {api.CodeParameter, api.InfoBlockSelf},
		relation.UnknownAccount: {api.CodeNoAccount, api.InfoBlockAddUnknown},
		relation.ListFull:       {api.CodeBlocklistFull, api.InfoBlockFull},
	}}
	BlockDelete = Table{Internal: api.CodeSnsInternal, Rows: map[relation.Outcome]Item{
		relation.Done:           {},
		relation.NotListed:      {api.CodeParameter, api.InfoBlockNotListed},
		relation.UnknownAccount: {api.CodeNoAccount, api.InfoBlockDelUnknown},
	}}
	AccountDelete = Table{Internal: api.CodeAccountInternal, Rows: map[relation.Outcome]Item{
		relation.Done:           {},
		relation.UnknownAccount: {api.CodeAccountUnknown, api.InfoAccountNotExist},
	}}
	AccountImport = Table{Internal: api.CodeAccountInternal, Rows: map[relation.Outcome]Item{
		relation.Done:    {},
		relation.Invalid: {api.CodeAccountParameter, api.InfoAccountParameter},
	}}
)
