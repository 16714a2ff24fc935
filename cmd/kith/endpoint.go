package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
)

func (c *cli) endpointsCommand() *cobra.Command {
	var app uint32
	cmd := c.clientCommand("endpoints", "Show how the endpoint of each app does", nil,
		func(ctx context.Context, client *operator.Client, _ []string) error {
			endpoints, err := client.Endpoints(ctx, app)
			if err != nil {
				return err
			}
			return c.print(endpoints, func(w io.Writer) { writeEndpoints(w, endpoints) })
		})
	cmd.Long = "Show how the endpoint of each app does.\n\nA long reason is cut; `kith app callback show SDKAPPID` and --json have the whole."
	c.addAppFlag(cmd, &app)
	return cmd
}

// maxReason is how many characters of its reason the table shows of an endpoint. Who pauses one gives any text as a reason.
const maxReason = 40

func writeEndpoints(w io.Writer, list operator.EndpointList) {
	if len(list.Endpoints) == 0 {
		row(w, "There are no endpoints; `kith app callback set` makes one.")
		return
	}
	row(w, "SDKAPPID", "STATE", "SINCE", "IN FLIGHT", "LAST MINUTE", "LISTENERS", "NEXT PROBE", "LAST FAILURE", "FAILED WITH", "REASON")
	for _, e := range list.Endpoints {
		row(w, e.SDKAppID, e.State, when(e.Since), inFlight(e), lastMinute(e), e.Listeners, when(e.NextProbe),
			when(e.LastFailureAt), dash(cut(e.LastFailure, 2*maxReason)), dash(cut(e.Reason, maxReason)))
	}
}

// inFlight says how many attempts are under way. They can be more than the limit, which may have been lowered meanwhile.
func inFlight(e operator.EndpointStatus) string {
	if e.InFlight > e.Limit {
		return fmt.Sprintf("%d, limit %d now", e.InFlight, e.Limit)
	}
	return fmt.Sprintf("%d of %d", e.InFlight, e.Limit)
}

// lastMinute says how many of an endpoint's last attempts failed.
func lastMinute(e operator.EndpointStatus) string {
	if e.RecentAttempts == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d failed", e.RecentFailed, e.RecentAttempts)
}

// endpointState says in a line how an endpoint does.
func endpointState(e operator.EndpointStatus) string {
	text := string(e.State)
	if !e.Since.IsZero() {
		text += " since " + when(e.Since)
	}
	return text + detail(e.Reason)
}
