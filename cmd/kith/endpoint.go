package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

func (c *cli) endpointsCommand() *cobra.Command {
	return c.clientCommand("endpoints", "Show how the endpoint of each app does", nil,
		func(ctx context.Context, client *operator.Client, _ []string) error {
			endpoints, err := client.Endpoints(ctx)
			if err != nil {
				return err
			}
			return c.print(endpoints, func(w io.Writer) { writeEndpoints(w, endpoints) })
		})
}

func writeEndpoints(w io.Writer, list operator.EndpointList) {
	if len(list.Endpoints) == 0 {
		row(w, "There are no endpoints; `kith app callback set` makes one.")
		return
	}
	row(w, "SDKAPPID", "STATE", "SINCE", "IN FLIGHT", "LISTENERS", "NEXT PROBE", "REASON")
	for _, e := range list.Endpoints {
		row(w, e.SDKAppID, e.State, when(e.Since), fmt.Sprintf("%d of %d", e.InFlight, e.Limit), e.Listeners, when(e.NextProbe), dash(e.Reason))
	}
}

// endpointState says in a line how an endpoint does.
func endpointState(e operator.EndpointStatus) string {
	text := string(e.State)
	if !e.Since.IsZero() {
		text += " since " + when(e.Since)
	}
	return text + detail(e.Reason)
}
