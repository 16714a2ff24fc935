package api

// ActionStatus values of an envelope.
const (
	StatusOK   = "OK"
	StatusFail = "FAIL"
)

// Envelope is what every answer carries. HTTP status is 200 for success and failure alike.
type Envelope struct {
	ActionStatus string `json:"ActionStatus"`
	ErrorCode    Code   `json:"ErrorCode"`
	ErrorInfo    string `json:"ErrorInfo"`
}

// DisplayEnvelope is the envelope of the sns and profile services, which adds a text meant for end users. It is always
// empty, as in every documented sample.
type DisplayEnvelope struct {
	ActionStatus string `json:"ActionStatus"`
	ErrorCode    Code   `json:"ErrorCode"`
	ErrorInfo    string `json:"ErrorInfo"`
	ErrorDisplay string `json:"ErrorDisplay"`
}

// Success is the envelope of an answer without error, for services without ErrorDisplay.
func Success() Envelope { return Envelope{ActionStatus: StatusOK} }

// DisplaySuccess is the envelope of an answer without error, for sns and profile.
func DisplaySuccess() DisplayEnvelope { return DisplayEnvelope{ActionStatus: StatusOK} }
