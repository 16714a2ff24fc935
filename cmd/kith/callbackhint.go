package main

import (
	"slices"
	"strings"

	"github.com/kithchat/kith/internal/operator"
)

// hint says what helps against the failure of a test callback, where the failure itself does not say it; empty otherwise.
func hint(report operator.CallbackReport) string {
	last := ""
	if n := len(report.Steps); n > 0 {
		last = report.Steps[n-1].Name
	}
	switch report.Reason {
	case "tls":
		return tlsHint(report.Detail)
	case "client-certificate":
		return "`kith app callback set SDKAPPID --mutual-tls` shows the endpoint a certificate, `… cert SDKAPPID` prints it; " +
			"the endpoint has to trust the CA of `kith ca show`"
	case "broken-answer":
		if slices.ContainsFunc(report.Steps, func(s operator.CallbackStep) bool { return s.Name == "TLS" && s.OK }) {
			return "some endpoints, such as those on Node.js, break the connection when they do not trust the client certificate"
		}
	case "timeout":
		if last == "answer" {
			return "the endpoint took the request: it has to keep the event, answer, and do slow work afterwards, or gets more time with " +
				"`kith app callback set SDKAPPID --timeout`"
		}
	case "redirect":
		return "redirects are never followed: set the URL that answers by itself"
	}
	return ""
}

func tlsHint(detail string) string {
	switch {
	case strings.Contains(detail, "unknown authority"):
		return "if a CA of your own issued the endpoint's certificate, name it with `kith app callback set SDKAPPID --ca FILE`"
	case strings.Contains(detail, "does not speak TLS"):
		return "an endpoint without TLS has a URL that begins with http://"
	}
	return ""
}
