package usersig_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/kithchat/kith/usersig"
)

// An app backend makes a ticket, a server verifies it.
func Example() {
	const key = "the secret key of the app"
	ticket, err := usersig.Sign(key, usersig.Ticket{
		SDKAppID:   1600000001,
		Identifier: "alice",
		Issued:     time.Now().Unix(),
		Expire:     86400,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := usersig.Verify(ticket, usersig.Params{
		SDKAppID:   1600000001,
		Identifier: "alice",
		Keys:       []string{key},
	})
	fmt.Println(t.Identifier, err)
	// Output: alice <nil>
}

// The reason of a refusal and its documented code.
func ExampleError() {
	_, err := usersig.Decode("not a ticket")
	var reason usersig.Error
	if errors.As(err, &reason) {
		fmt.Println(reason.Code(), reason == usersig.ErrMalformed)
	}
	// Output: 70003 true
}
