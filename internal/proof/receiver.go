package proof

import "io"

// ReceiverRole is the first argument by which a program becomes the receiver of a soak.
const ReceiverRole = "proof-receiver"

func RunReceiver(args []string, in io.Reader, out io.Writer) error { return nil }
