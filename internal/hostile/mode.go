package hostile

import "slices"

// Mode is one way to behave. Its text is for people.
type Mode string

// Modes in which the event is taken and the sender told so.
const (
	Good        Mode = "answers"
	GoodChunked Mode = "answers in chunks, as text"
	GoodSliced  Mode = "answers in pieces, a moment apart"
	GoodSlow    Mode = "answers late, but in time"
	GoodClose   Mode = "answers and closes the connection"
)

// Modes in which the event is taken and the sender does not learn it: it has to come again.
const (
	TakenLate   Mode = "answers when the time is over"
	TakenClosed Mode = "takes the event and closes without an answer"
	TakenReset  Mode = "takes the event and resets the connection"
	TakenCut    Mode = "takes the event and closes in the answer"
)

// Modes that begin before a request: they concern a connection as a whole.
const (
	Refuse         Mode = "refuses connections"
	HangBacklog    Mode = "does not accept connections"
	HangAccept     Mode = "accepts and hangs"
	CloseAccept    Mode = "accepts and closes"
	ResetAccept    Mode = "accepts and resets"
	GreetAccept    Mode = "speaks another protocol"
	HangHandshake  Mode = "hangs in the TLS handshake"
	CloseHandshake Mode = "closes in the TLS handshake"
	ResetHandshake Mode = "resets in the TLS handshake"
	PlainHTTP      Mode = "speaks plain HTTP on the TLS port"
	CertExpired    Mode = "has an expired certificate"
	CertWrongHost  Mode = "has the certificate of another host"
	CertSelfSigned Mode = "has a self-signed certificate"
	CertUnknownCA  Mode = "has a certificate of an unknown authority"
)

// Modes that go wrong in an exchange. The event is not taken.
const (
	HangRequest     Mode = "hangs before the body of the request"
	HangAnswer      Mode = "hangs before the answer"
	HangHeaders     Mode = "hangs in the headers of the answer"
	HangBody        Mode = "hangs in the body of the answer"
	DripHeaders     Mode = "drips headers without end"
	DripBody        Mode = "drips the body without end"
	CloseRequest    Mode = "closes before the body of the request"
	CloseAnswer     Mode = "closes before the answer"
	CloseHeaders    Mode = "closes in the headers of the answer"
	CloseBody       Mode = "closes in the body of the answer"
	ResetRequest    Mode = "resets before the body of the request"
	ResetAnswer     Mode = "resets before the answer"
	ResetBody       Mode = "resets in the body of the answer"
	LengthLonger    Mode = "promises a longer body than it sends"
	LengthShorter   Mode = "promises a shorter body than it sends"
	ChunkGarbage    Mode = "sends chunks that are none"
	Endless         Mode = "sends 1 GiB"
	GiantHeaders    Mode = "sends giant headers"
	NotHTTP         Mode = "answers what is not HTTP"
	Switch          Mode = "switches to another protocol and hangs"
	RedirectSelf    Mode = "redirects to itself"
	RedirectPrivate Mode = "redirects to a private address"
	Status204       Mode = "answers 204"
	Status404       Mode = "answers 404"
	Status410       Mode = "answers 410"
	Status500       Mode = "answers 500"
	Busy429         Mode = "answers 429"
	Busy429Seconds  Mode = "answers 429 with Retry-After in seconds"
	Busy429Absurd   Mode = "answers 429 with an absurd Retry-After"
	Busy503Date     Mode = "answers 503 with Retry-After as a date"
	Busy503Garbage  Mode = "answers 503 with a Retry-After that is none"
	Empty           Mode = "answers 200 without a body"
	NotJSON         Mode = "answers 200 with HTML"
	JSONArray       Mode = "answers 200 with an array"
	CodeText        Mode = "answers 200 with a text as ErrorCode"
	CodeMissing     Mode = "answers 200 without ErrorCode"
	CodeOne         Mode = "answers 200 with ErrorCode 1"
)

// phase says where in an exchange a mode acts.
type phase uint8

const (
	inListener phase = iota // for all connections at once
	inConnection
	inHandshake // over TLS only
	inRequest   // before the body was read
	inAnswer
)

// behaviour is what a mode does.
type behaviour struct {
	phase phase
	takes bool
	serve func(*exchange) // inRequest and inAnswer
}

// Modes returns all modes, sorted; those of TLS only for a receiver that speaks it.
func Modes(overTLS bool) []Mode {
	var modes []Mode
	for m, b := range behaviours {
		if overTLS || b.phase != inHandshake {
			modes = append(modes, m)
		}
	}
	slices.Sort(modes)
	return modes
}

// Takes reports whether the receiver takes the event in this mode.
func (m Mode) Takes() bool { return behaviours[m].takes }

// Told reports whether the sender learns in this mode, and in time, that the event was taken.
func (m Mode) Told() bool {
	return m.Takes() && !slices.Contains([]Mode{TakenLate, TakenClosed, TakenReset, TakenCut}, m)
}

// Early reports whether the mode concerns a connection as a whole, before a request.
func (m Mode) Early() bool { return behaviours[m].phase < inRequest }

// behaviours says what each mode does.
var behaviours = map[Mode]behaviour{
	Refuse:         {phase: inListener},
	HangBacklog:    {phase: inListener},
	HangAccept:     {phase: inConnection},
	CloseAccept:    {phase: inConnection},
	ResetAccept:    {phase: inConnection},
	GreetAccept:    {phase: inConnection},
	HangHandshake:  {phase: inHandshake},
	CloseHandshake: {phase: inHandshake},
	ResetHandshake: {phase: inHandshake},
	PlainHTTP:      {phase: inHandshake},
	CertExpired:    {phase: inHandshake},
	CertWrongHost:  {phase: inHandshake},
	CertSelfSigned: {phase: inHandshake},
	CertUnknownCA:  {phase: inHandshake},

	HangRequest:  {phase: inRequest, serve: func(x *exchange) { x.raw(""); x.linger() }},
	CloseRequest: {phase: inRequest, serve: (*exchange).close},
	ResetRequest: {phase: inRequest, serve: (*exchange).reset},

	Good:        {phase: inAnswer, takes: true, serve: (*exchange).good},
	GoodChunked: {phase: inAnswer, takes: true, serve: (*exchange).goodChunked},
	GoodSliced:  {phase: inAnswer, takes: true, serve: (*exchange).goodSliced},
	GoodSlow:    {phase: inAnswer, takes: true, serve: func(x *exchange) { x.pause(x.patience / 4); x.good() }},
	GoodClose:   {phase: inAnswer, takes: true, serve: func(x *exchange) { x.w.Header().Set("Connection", "close"); x.good() }},
	TakenLate:   {phase: inAnswer, takes: true, serve: func(x *exchange) { x.pause(x.patience + x.patience/4); x.good() }},
	TakenClosed: {phase: inAnswer, takes: true, serve: (*exchange).close},
	TakenReset:  {phase: inAnswer, takes: true, serve: (*exchange).reset},
	TakenCut:    {phase: inAnswer, takes: true, serve: func(x *exchange) { x.raw(wholeHead + answerOK[:20]) }},

	HangAnswer:      {phase: inAnswer, serve: (*exchange).hang},
	HangHeaders:     {phase: inAnswer, serve: func(x *exchange) { x.raw("HTTP/1.1 200 OK\r\nContent-Ty"); x.linger() }},
	HangBody:        {phase: inAnswer, serve: func(x *exchange) { x.raw(wholeHead + answerOK[:20]); x.linger() }},
	DripHeaders:     {phase: inAnswer, serve: func(x *exchange) { x.raw("HTTP/1.1 200 OK\r\n"); x.drip("X-Drip: 1\r\n") }},
	DripBody:        {phase: inAnswer, serve: func(x *exchange) { x.raw("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"); x.drip(" ") }},
	CloseAnswer:     {phase: inAnswer, serve: (*exchange).close},
	CloseHeaders:    {phase: inAnswer, serve: func(x *exchange) { x.raw("HTTP/1.1 200 OK\r\nContent-Ty") }},
	CloseBody:       {phase: inAnswer, serve: func(x *exchange) { x.raw(wholeHead + answerOK[:20]) }},
	ResetAnswer:     {phase: inAnswer, serve: (*exchange).reset},
	ResetBody:       {phase: inAnswer, serve: func(x *exchange) { x.raw(wholeHead + answerOK[:20]); x.reset() }},
	LengthLonger:    {phase: inAnswer, serve: func(x *exchange) { x.raw("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + answerOK) }},
	LengthShorter:   {phase: inAnswer, serve: func(x *exchange) { x.raw("HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n" + answerOK) }},
	ChunkGarbage:    {phase: inAnswer, serve: func(x *exchange) { x.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + answerOK) }},
	Endless:         {phase: inAnswer, serve: (*exchange).endless},
	GiantHeaders:    {phase: inAnswer, serve: (*exchange).giantHeaders},
	NotHTTP:         {phase: inAnswer, serve: func(x *exchange) { x.raw("+OK ready\r\n" + answerOK + "\r\n\r\n") }},
	Switch:          {phase: inAnswer, serve: func(x *exchange) { x.raw(switching); x.linger() }},
	RedirectSelf:    {phase: inAnswer, serve: func(x *exchange) { x.redirect(followedPath) }},
	RedirectPrivate: {phase: inAnswer, serve: func(x *exchange) { x.redirect(x.trap + followedPath) }},
	Status204:       {phase: inAnswer, serve: status(204, nil)},
	Status404:       {phase: inAnswer, serve: status(404, nil)},
	Status410:       {phase: inAnswer, serve: status(410, nil)},
	Status500:       {phase: inAnswer, serve: status(500, nil)},
	Busy429:         {phase: inAnswer, serve: status(429, nil)},
	Busy429Seconds:  {phase: inAnswer, serve: status(429, func() string { return "1" })},
	Busy429Absurd:   {phase: inAnswer, serve: status(429, func() string { return "-86400" })}, // a number without end would be honoured, for minutes
	Busy503Date:     {phase: inAnswer, serve: status(503, inASecond)},
	Busy503Garbage:  {phase: inAnswer, serve: status(503, func() string { return "soon; perhaps" })},
	Empty:           {phase: inAnswer, serve: func(x *exchange) { x.ok("") }},
	NotJSON:         {phase: inAnswer, serve: func(x *exchange) { x.ok("<p>OK</p>") }},
	JSONArray:       {phase: inAnswer, serve: func(x *exchange) { x.ok("[" + answerOK + "]") }},
	CodeText:        {phase: inAnswer, serve: func(x *exchange) { x.ok(`{"ActionStatus":"OK","ErrorCode":"none","ErrorInfo":""}`) }},
	CodeMissing:     {phase: inAnswer, serve: func(x *exchange) { x.ok(`{"ActionStatus":"OK"}`) }},
	CodeOne:         {phase: inAnswer, serve: func(x *exchange) { x.ok(`{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"no"}`) }},
}
