package api

// BlockRequest is the body of sns/black_list_add and sns/black_list_delete: 1 to 1000 targets.
type BlockRequest struct {
	FromAccount string   `json:"From_Account"`
	ToAccount   []string `json:"To_Account"`
}

// BlockResult is the outcome for one target.
type BlockResult struct {
	ToAccount  string `json:"To_Account"`
	ResultCode Code   `json:"ResultCode"`
	ResultInfo string `json:"ResultInfo"`
}

// BlockResponse answers an add or delete: one item for each target, in request order. FailAccount holds the failed
// targets in the same order and is left out when nothing failed.
type BlockResponse struct {
	ResultItem  []BlockResult `json:"ResultItem"`
	FailAccount []string      `json:"Fail_Account,omitempty"`
	DisplayEnvelope
}

// BlockGetRequest is the body of sns/black_list_get. MaxLimited is 1 to 1000. LastSequence is accepted and ignored.
type BlockGetRequest struct {
	FromAccount  string `json:"From_Account"`
	StartIndex   int    `json:"StartIndex"`
	MaxLimited   int    `json:"MaxLimited"`
	LastSequence int    `json:"LastSequence"`
}

// BlockEntry is one entry of a blocklist. AddBlackTimeStamp is Unix seconds.
type BlockEntry struct {
	ToAccount         string `json:"To_Account"`
	AddBlackTimeStamp int64  `json:"AddBlackTimeStamp"`
}

// BlockGetResponse answers black_list_get. StartIndex is where the next page starts, 0 when there is none. The list's
// sequence is sent under the documented misspelling and under the newer spelling; both fit an int32.
type BlockGetResponse struct {
	BlackListItem    []BlockEntry `json:"BlackListItem"`
	StartIndex       int          `json:"StartIndex"`
	CurruentSequence int          `json:"CurruentSequence"`
	CurrentSequence  int          `json:"CurrentSequence"`
	DisplayEnvelope
}

// CheckType values of black_list_check.
const (
	BlackCheckSingle = "BlackCheckResult_Type_Single"
	BlackCheckBoth   = "BlackCheckResult_Type_Both"
)

// BlockCheckRequest is the body of sns/black_list_check.
type BlockCheckRequest struct {
	FromAccount string   `json:"From_Account"`
	ToAccount   []string `json:"To_Account"`
	CheckType   string   `json:"CheckType"`
}

// Relation values of black_list_check; A is From_Account, B the target.
const (
	BlackBothWay = "BlackCheckResult_Type_BothWay"
	BlackAWithB  = "BlackCheckResult_Type_AWithB"
	BlackBWithA  = "BlackCheckResult_Type_BWithA"
	BlackNo      = "BlackCheckResult_Type_NO"
)

// BlockCheckResult is the relation to one target. A failed item carries BlackNo.
type BlockCheckResult struct {
	ToAccount  string `json:"To_Account"`
	Relation   string `json:"Relation"`
	ResultCode Code   `json:"ResultCode"`
	ResultInfo string `json:"ResultInfo"`
}

// BlockCheckResponse answers black_list_check, in request order.
type BlockCheckResponse struct {
	BlackListCheckItem []BlockCheckResult `json:"BlackListCheckItem"`
	FailAccount        []string           `json:"Fail_Account,omitempty"`
	DisplayEnvelope
}
