package api

// AccountImportRequest is the body of im_open_login_svc/account_import. UserID is the newer name of Identifier; either
// may be used.
type AccountImportRequest struct {
	UserID     string `json:"UserID,omitempty"`
	Identifier string `json:"Identifier,omitempty"`
	Nick       string `json:"Nick,omitempty"`
	FaceURL    string `json:"FaceUrl,omitempty"`
}

// MultiAccountImportRequest is the body of im_open_login_svc/multiaccount_import. Accounts is the old form, AccountList
// the newer one.
type MultiAccountImportRequest struct {
	Accounts    []string         `json:"Accounts,omitempty"`
	AccountList []AccountProfile `json:"AccountList,omitempty"`
}

// AccountProfile is one account of a multi import.
type AccountProfile struct {
	UserID  string `json:"UserID"`
	Nick    string `json:"Nick,omitempty"`
	FaceURL string `json:"FaceUrl,omitempty"`
}

// MultiAccountImportResponse answers a multi import. FailAccounts is never null.
type MultiAccountImportResponse struct {
	Envelope
	FailAccounts []string `json:"FailAccounts"`
}

// AccountItem names one account of a check or delete.
type AccountItem struct {
	UserID string `json:"UserID"`
}

// AccountCheckRequest is the body of im_open_login_svc/account_check.
type AccountCheckRequest struct {
	CheckItem []AccountItem `json:"CheckItem"`
}

// AccountDeleteRequest is the body of im_open_login_svc/account_delete.
type AccountDeleteRequest struct {
	DeleteItem []AccountItem `json:"DeleteItem"`
}

// AccountStatus values of a check.
const (
	AccountImported    = "Imported"
	AccountNotImported = "NotImported"
)

// AccountResult is one item of the answer to a check or delete. AccountStatus is set by a check only.
type AccountResult struct {
	UserID        string `json:"UserID"`
	ResultCode    Code   `json:"ResultCode"`
	ResultInfo    string `json:"ResultInfo"`
	AccountStatus string `json:"AccountStatus,omitempty"`
}

// AccountResponse answers a check or delete, one item for each asked one, in request order.
type AccountResponse struct {
	Envelope
	ResultItem []AccountResult `json:"ResultItem"`
}

// KickRequest is the body of im_open_login_svc/kick, which makes all earlier UserSigs of an account invalid.
type KickRequest struct {
	UserID     string `json:"UserID,omitempty"`
	Identifier string `json:"Identifier,omitempty"`
}
