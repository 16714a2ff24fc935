package operator_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// noExport cannot read.
type noExport struct{}

func (noExport) ExportBlocklists(context.Context, uint32, func(string) error, func(relation.ListExport) error) error {
	return relation.ErrUnavailable
}

func TestTrigger(t *testing.T) {
	want := operator.CallbackReport{Delivered: true, DurationMS: 3, Steps: []operator.CallbackStep{{Name: "connect", OK: true}}}
	var got relation.Trigger
	var failure error
	f := serve(t, func(o *operator.Options) {
		o.Trigger = func(_ context.Context, app *relation.App, trigger relation.Trigger) (operator.CallbackReport, error) {
			if app.SDKAppID != 7 {
				t.Errorf("app %d", app.SDKAppID)
			}
			got = trigger
			return want, failure
		}
	})
	f.newApp(t)
	ctx := t.Context()
	req := operator.Trigger{Command: relation.EventBlockDelete, FromAccount: "mia", ToAccount: []string{"tom", "lia"}}
	_, err := f.Trigger(ctx, 7, req)
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid) // neither a URL nor a listener
	if _, err := f.SetCallback(ctx, 7, operator.SetCallback{URL: ptr("http://x/")}); err != nil {
		t.Fatal(err)
	}
	report, err := f.Trigger(ctx, 7, req)
	sent := relation.Trigger{Kind: relation.EventBlockDelete, Owner: "mia", Targets: []string{"tom", "lia"}}
	if err != nil || !reflect.DeepEqual(report, want) || !reflect.DeepEqual(got, sent) {
		t.Errorf("report %+v, err %v, sent %+v", report, err, got)
	}
	if _, err = f.Trigger(ctx, 7, operator.Trigger{Command: relation.EventState}); err != nil || !reflect.DeepEqual(got, relation.Trigger{Kind: relation.EventState}) {
		t.Errorf("err %v, sent %+v", err, got)
	}
	got = relation.Trigger{}
	for name, req := range map[string]operator.Trigger{
		"no command":      {},
		"unknown command": {Command: "Sns.Nothing"},
		"from":            {Command: relation.EventBlockAdd, FromAccount: strings.Repeat("a", 33)},
		"to":              {Command: relation.EventBlockAdd, ToAccount: []string{"a", ""}},
		"too many":        {Command: relation.EventBlockAdd, ToAccount: slices.Repeat([]string{"a"}, 1001)},
		"to of a login":   {Command: relation.EventState, ToAccount: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Trigger(ctx, 7, req)
			refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
		})
	}
	if !reflect.DeepEqual(got, relation.Trigger{}) {
		t.Errorf("a refused call sent %+v", got)
	}
	failure = errors.New("cannot")
	_, err = f.Trigger(ctx, 7, req)
	refused(t, err, http.StatusInternalServerError, operator.CodeInternal)
}
