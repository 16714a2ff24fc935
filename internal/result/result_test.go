package result

import (
	"reflect"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// TestTables holds each command's outcomes to the documented codes and texts.
func TestTables(t *testing.T) {
	for _, tt := range []struct {
		name  string
		table Table
		want  map[relation.Outcome]Item
	}{
		{"black_list_add", BlockAdd, map[relation.Outcome]Item{
			relation.Done:           {0, ""},
			relation.AlreadyListed:  {30001, "Err_SNS_BlackListAdd_Already_Exist"},
			relation.Self:           {30001, "Err_SNS_BlackListAdd_Self"},
			relation.UnknownAccount: {30003, "Err_SNS_BlackListAdd_Account_Not_Exist"},
			relation.ListFull:       {30013, api.InfoBlockFull},
			relation.NotListed:      {30006, ""},
			relation.Invalid:        {30006, ""},
		}},
		{"black_list_delete", BlockDelete, map[relation.Outcome]Item{
			relation.Done:           {0, ""},
			relation.NotListed:      {30001, "Err_SNS_BlackListDelete_Not_Exist"},
			relation.UnknownAccount: {30003, "Err_SNS_BlackListDelete_Account_Not_Exist"},
			relation.Self:           {30006, ""},
			relation.AlreadyListed:  {30006, ""},
			relation.ListFull:       {30006, ""},
		}},
		{"account_delete", AccountDelete, map[relation.Outcome]Item{
			relation.Done:           {0, ""},
			relation.UnknownAccount: {70107, api.InfoAccountNotExist},
			relation.Invalid:        {70500, ""},
		}},
		{"multiaccount_import", AccountImport, map[relation.Outcome]Item{
			relation.Done:    {0, ""},
			relation.Invalid: {70402, api.InfoAccountParameter},
			relation.Self:    {70500, ""},
		}},
	} {
		for outcome, want := range tt.want {
			if got := tt.table.Of(outcome); got != want {
				t.Errorf("%s: outcome %v is %+v, want %+v", tt.name, outcome, got, want)
			}
		}
		if got := tt.table.Of(relation.Outcome(200)); got.Code == api.OK {
			t.Errorf("%s: an outcome that nobody knows is success", tt.name)
		}
	}
}

func TestBlocks(t *testing.T) {
	targets := []string{"rob", "rob", "nobody"}
	items, failed := BlockAdd.Blocks(targets, []relation.Outcome{relation.Done, relation.AlreadyListed, relation.UnknownAccount})
	want := []api.BlockResult{
		{ToAccount: "rob"},
		{ToAccount: "rob", ResultCode: 30001, ResultInfo: api.InfoBlockExists},
		{ToAccount: "nobody", ResultCode: 30003, ResultInfo: api.InfoBlockAddUnknown},
	}
	if !reflect.DeepEqual(items, want) || !reflect.DeepEqual(failed, []string{"rob", "nobody"}) {
		t.Errorf("items %+v, failed %v", items, failed)
	}
	if _, failed = BlockDelete.Blocks(targets[:1], []relation.Outcome{relation.Done}); failed != nil {
		t.Errorf("nothing failed, but %v did", failed)
	}
}

func TestEntries(t *testing.T) {
	got := Entries([]relation.BlockEntry{{UserID: "tom", Since: 7}, {UserID: "ann", Since: 5}})
	want := []api.BlockEntry{{ToAccount: "tom", AddBlackTimeStamp: 7}, {ToAccount: "ann", AddBlackTimeStamp: 5}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := Entries(nil); got == nil || len(got) != 0 {
		t.Errorf("an empty list is %v", got)
	}
}

func TestChecks(t *testing.T) {
	targets := []string{"a", "b", "c", "d", "e"}
	items, failed := Checks(targets, []relation.BlockState{
		{Exists: true},
		{Exists: true, Blocked: true},
		{Exists: true, BlockedBy: true},
		{Exists: true, Blocked: true, BlockedBy: true},
		{Blocked: true}, // of a deleted account, were it so
	})
	want := []api.BlockCheckResult{
		{ToAccount: "a", Relation: "BlackCheckResult_Type_NO"},
		{ToAccount: "b", Relation: "BlackCheckResult_Type_AWithB"},
		{ToAccount: "c", Relation: "BlackCheckResult_Type_BWithA"},
		{ToAccount: "d", Relation: "BlackCheckResult_Type_BothWay"},
		{ToAccount: "e", Relation: "BlackCheckResult_Type_NO", ResultCode: 30003, ResultInfo: api.InfoBlockChkUnknown},
	}
	if !reflect.DeepEqual(items, want) || !reflect.DeepEqual(failed, []string{"e"}) {
		t.Errorf("items %+v, failed %v", items, failed)
	}
	if _, failed = Checks(targets[:1], []relation.BlockState{{Exists: true}}); failed != nil {
		t.Errorf("nothing failed, but %v did", failed)
	}
}
