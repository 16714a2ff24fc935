package restapi

import (
	"net/url"
	"strings"

	"github.com/kithchat/kith/api"
)

// query holds the parameters that count. random and contenttype are ignored, as is everything else.
type query struct {
	sdkAppID, identifier, userSig param
}

// param is a query parameter. Where one occurs twice, the first counts.
type param struct {
	value string
	given bool
}

// parseQuery reads the raw query in one pass. Names are case-sensitive, their order is free, "+" is a space. Values
// without escapes are not copied.
func parseQuery(raw string) (query, error) {
	var q query
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		p := q.param(name)
		if p == nil || p.given {
			continue
		}
		value, err := url.QueryUnescape(value)
		if err != nil {
			return query{}, failure{api.CodeMalformedURL, "the query has a malformed percent-escape; encode parameter values once"}
		}
		*p = param{value: value, given: true}
	}
	return q, nil
}

// param returns the parameter of a name, nil for one that is ignored. No client escapes letters, so an escaped name is
// an unknown one.
func (q *query) param(name string) *param {
	switch name {
	case "sdkappid":
		return &q.sdkAppID
	case "identifier":
		return &q.identifier
	case "usersig":
		return &q.userSig
	}
	return nil
}
