package webclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	restTimeout = 5 * time.Second
	// maxAnswer bounds an answer in bytes.
	maxAnswer = 1 << 20
	// adminLifetime is the lifetime in seconds of the ticket of one REST call.
	adminLifetime = 60
)

// call makes a REST call as the app backend and returns Kith's answer as it is. Errors never hold the ticket.
func (p *Page) call(ctx context.Context, command string, body any) (json.RawMessage, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	sig, err := p.sign(p.Admin, adminLifetime)
	if err != nil {
		return nil, err
	}
	query := url.Values{
		"sdkappid": {strconv.FormatUint(uint64(p.SDKAppID), 10)}, "identifier": {p.Admin}, "usersig": {sig},
		"random": {strconv.FormatUint(uint64(rand.Uint32()), 10)}, "contenttype": {"json"},
	}
	address := strings.TrimRight(p.Kith, "/") + "/v4/" + command + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("the URL of Kith is none")
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, errors.New("kith did not answer; is it running?") // the error itself holds the URL with the ticket
	}
	defer func() { _ = response.Body.Close() }()
	result, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil || !json.Valid(result) {
		return nil, fmt.Errorf("kith's answer with status %d is not JSON", response.StatusCode)
	}
	return result, nil
}
