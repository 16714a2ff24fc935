package egress

import (
	"errors"
	"net/url"
)

// CheckURL says whether a URL may be configured as an endpoint. It refuses what can be judged without resolving a name:
// an address in a range that Allow does not cover. Names pass, since what they resolve to is checked at each dial. The error
// is a sentence with what to do, and repeats the host of the URL only. Whether the URL is well-formed is not its business.
func (e *Egress) CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return errors.New("the callback URL has no host that could be checked: write it as https://host/path")
	}
	if err := e.guard.checkHost(u.Hostname()); err != nil {
		return errors.New("the callback URL cannot be used: " + err.Error())
	}
	return nil
}
