package tracing

import "time"

// What a stop has to send is sent, however slow the machine is.
func init() { stopTimeout = time.Minute }
