package usersig_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/kithchat/kith/usersig"
)

// codes holds the documented number of each reason.
var codes = map[string]struct {
	err  usersig.Error
	code int
}{
	"ErrNoKey":              {usersig.ErrNoKey, 70016},
	"ErrNoIdentifier":       {usersig.ErrNoIdentifier, 60004},
	"ErrEmpty":              {usersig.ErrEmpty, 70002},
	"ErrMalformed":          {usersig.ErrMalformed, 70003},
	"ErrSDKAppIDMismatch":   {usersig.ErrSDKAppIDMismatch, 70014},
	"ErrIdentifierMismatch": {usersig.ErrIdentifierMismatch, 70013},
	"ErrSignature":          {usersig.ErrSignature, 70009},
	"ErrExpired":            {usersig.ErrExpired, 70001},
	"ErrRevoked":            {usersig.ErrRevoked, 70052},
}

func TestErrorCodes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		declared++
		want, ok := codes[spec.Names[0].Name]
		if !ok {
			t.Errorf("%s has no row in this test", spec.Names[0].Name)
		} else if want.err.Code() != want.code {
			t.Errorf("%s has code %d, want %d", spec.Names[0].Name, want.err.Code(), want.code)
		}
		return true
	})
	if declared != len(codes) {
		t.Errorf("errors.go declares %d reasons, this test has %d", declared, len(codes))
	}
}

func TestErrorTexts(t *testing.T) {
	texts := map[string]string{}
	for name, c := range codes {
		text := c.err.Error()
		if !strings.HasPrefix(text, "usersig: ") || !strings.Contains(text, "; ") {
			t.Errorf("%s: %q does not say what is wrong and what to do", name, text)
		}
		if other, twice := texts[text]; twice {
			t.Errorf("%s and %s have the same text", name, other)
		}
		texts[text] = name
	}
	if got := usersig.Error(7).Error(); got != "usersig: error 7" {
		t.Errorf("a number outside the set reads %q", got)
	}
}

func TestErrorReasonSurvivesWrapping(t *testing.T) {
	_, err := usersig.Decode("not a ticket")
	var reason usersig.Error
	if !errors.As(fmt.Errorf("login: %w", err), &reason) || reason != usersig.ErrMalformed {
		t.Errorf("errors.As found %v in %v, want ErrMalformed", reason, err)
	}
}
