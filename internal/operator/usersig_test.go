package operator_test

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/usersig"
)

func TestUserSigs(t *testing.T) {
	var kicked int64
	f := serve(t, func(o *operator.Options) {
		o.KickedAt = func(context.Context, uint32, string) (int64, error) { return kicked, nil }
	})
	ctx := t.Context()
	app := f.newApp(t)
	made, err := f.MakeUserSig(ctx, 7, operator.MakeUserSig{UserID: "lia", ExpireSeconds: 3600})
	if err != nil || made.Expires != start.Add(time.Hour) || made.UserID != "lia" || made.SDKAppID != 7 {
		t.Fatalf("made %+v, err %v", made, err)
	}
	params := usersig.Params{SDKAppID: 7, Identifier: "lia", Keys: []string{firstKey}, Now: start}
	if _, err := usersig.Verify(made.UserSig, params); err != nil {
		t.Errorf("the UserSig does not verify: %v", err)
	}
	if longer, err := f.MakeUserSig(ctx, 7, operator.MakeUserSig{UserID: "lia"}); err != nil || longer.Expires != start.Add(operator.DefaultExpire) {
		t.Errorf("default lifetime: %v, err %v", longer.Expires, err)
	}
	// After a rotation the old key still verifies, and the report tells which key it was.
	if _, err := f.RotateKey(ctx, 7, operator.RotateKey{Key: secondKey}); err != nil {
		t.Fatal(err)
	}
	claims := &operator.TicketClaims{SDKAppID: 7, UserID: "lia", Issued: start, Expires: made.Expires}
	fingerprint := app.Keys[0].Fingerprint
	forged := strings.Repeat("x", 40)
	steps := []struct {
		name   string
		userID string
		sig    string
		after  time.Duration
		kicked time.Duration
		want   operator.UserSigReport
	}{
		{"good", "lia", made.UserSig, 0, 0, operator.UserSigReport{Valid: true, Key: fingerprint, Ticket: claims}},
		{"of another", "mia", made.UserSig, 0, 0, operator.UserSigReport{Code: 70013, Ticket: claims}},
		{"expired", "lia", made.UserSig, 2 * time.Hour, 0, operator.UserSigReport{Code: 70001, Ticket: claims}},
		{"kicked", "lia", made.UserSig, 0, time.Second, operator.UserSigReport{Code: 70052, Ticket: claims}},
		{"not a ticket", "lia", forged, 0, 0, operator.UserSigReport{Code: 70003}},
		{"empty", "lia", "", 0, 0, operator.UserSigReport{Code: 70002}},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			f.now, kicked = start.Add(step.after), 0
			if step.kicked > 0 {
				kicked = start.Add(step.kicked).Unix()
			}
			got, err := f.CheckUserSig(ctx, 7, operator.CheckUserSig{UserID: step.userID, UserSig: step.sig})
			if err != nil || got.Valid == (got.Reason != "") {
				t.Fatalf("report %+v, err %v", got, err)
			}
			got.Reason = ""
			if !reflect.DeepEqual(got, step.want) {
				t.Errorf("report %+v, want %+v", got, step.want)
			}
		})
	}
}

func TestWrongUserSigRequestsAreRefused(t *testing.T) {
	f := serve(t, nil)
	f.newApp(t)
	for name, req := range map[string]operator.MakeUserSig{
		"no UserID":      {},
		"bad UserID":     {UserID: "ä"},
		"negative":       {UserID: "lia", ExpireSeconds: -1},
		"over 50 years":  {UserID: "lia", ExpireSeconds: 51 * 365 * 86400},
		"absurdly large": {UserID: "lia", ExpireSeconds: 1 << 62},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.MakeUserSig(t.Context(), 7, req)
			refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
		})
	}
}
