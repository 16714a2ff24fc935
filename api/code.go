package api

// Code is a result number of the v4 protocol, in ErrorCode of an envelope or in ResultCode of one item. Zero is
// success. The numbers and their meaning come from the vendor's error code table; the comments say what the person who
// meets one should do.
type Code int

// OK is the code of success.
const OK Code = 0

// Codes of the gateway: the request did not reach a service.
const (
	// CodeMalformedURL: the HTTP request or its URL could not be understood. Check the path and the query parameters.
	CodeMalformedURL Code = 60002
	// CodeBodyNotJSON: the body is empty, too large or not valid JSON. Send a JSON object; {} when there is no input.
	CodeBodyNotJSON Code = 60003
	// CodeIdentifierMissing: the identifier or usersig query parameter is missing.
	CodeIdentifierMissing Code = 60004
	// CodeAPIRate: this command is called too often for this app. Slow down and retry later.
	CodeAPIRate Code = 60007
	// CodeServiceTimeout: the call took longer than the server allows. It may have been carried out; ask again.
	CodeServiceTimeout Code = 60008
	// CodeUnknownPath: there is no such command, or it was not sent with POST.
	CodeUnknownPath Code = 60009
	// CodeNotAdmin: the caller is not an admin of the app (services without a code of their own).
	CodeNotAdmin Code = 60010
	// CodeAppRate: the app as a whole calls too often. Slow down and retry later.
	CodeAppRate Code = 60011
	// CodeSDKAppIDMissing: the sdkappid query parameter is missing or not a number.
	CodeSDKAppIDMissing Code = 60012
	// CodeAccountNotString: an account in the body is not a JSON string.
	CodeAccountNotString Code = 60015
	// CodeAppDisabled: the app is disabled. Enable it with `kith app update`.
	CodeAppDisabled Code = 60016
)

// Codes of tickets and accounts (im_open_login_svc).
const (
	// CodeTicketExpired: the UserSig is past its lifetime. Make a new one.
	CodeTicketExpired Code = 70001
	// CodeTicketEmpty: the UserSig is empty.
	CodeTicketEmpty Code = 70002
	// CodeTicketMalformed: the UserSig cannot be parsed. Check that it was copied whole.
	CodeTicketMalformed Code = 70003
	// CodeTicketSignature: the UserSig was made with another key. Check SDKAppID and secret key.
	CodeTicketSignature Code = 70009
	// CodeTicketIdentifier: the UserSig was made for another UserID than identifier.
	CodeTicketIdentifier Code = 70013
	// CodeTicketSDKAppID: the UserSig was made for another app than sdkappid.
	CodeTicketSDKAppID Code = 70014
	// CodeNoKey: the app has no secret key on record.
	CodeNoKey Code = 70016
	// CodeAppUnknown: there is no app with this SDKAppID.
	CodeAppUnknown Code = 70020
	// CodeTooManyFailures: too many UserSigs of this identifier were refused. Wait one minute.
	CodeTooManyFailures Code = 70050
	// CodeTicketRevoked: the UserSig was made before the account was last kicked. Make a new one.
	CodeTicketRevoked Code = 70052
	// CodeAccountUnknown: the account was never imported, or was deleted.
	CodeAccountUnknown Code = 70107
	// CodeBatchSize: the batch holds more items than the command allows.
	CodeBatchSize Code = 70206
	// CodeAccountParameter: a parameter is missing, too long or of the wrong kind.
	CodeAccountParameter Code = 70402
	// CodeAccountAdmin: only an admin of the app may call this.
	CodeAccountAdmin Code = 70403
	// CodeAccountInternal: the server failed. Retry; the operator's log has the reason.
	CodeAccountInternal Code = 70500
	// CodeProfileTooLong: a nick or face URL is over 500 bytes.
	CodeProfileTooLong Code = 40601
)

// Codes of the relationship chain (sns).
const (
	// CodeParameter: a parameter is missing, out of range or of the wrong type; for one item also: already on the list
	// (add) or not on it (delete).
	CodeParameter Code = 30001
	// CodeNoAccount: From_Account (envelope) or the target (item) is not an imported account.
	CodeNoAccount Code = 30003
	// CodeSnsAdmin: only an admin of the app may call this.
	CodeSnsAdmin Code = 30004
	// CodeSnsInternal: the server failed. Retry; the operator's log has the reason.
	CodeSnsInternal Code = 30006
	// CodeBlocklistFull: the blocklist holds as many entries as the app allows.
	CodeBlocklistFull Code = 30013
)

// Codes of the online status (openim).
const (
	// CodeOnlineBody: a field of the body has the wrong type, or To_Account is empty.
	CodeOnlineBody Code = 90001
	// CodeOnlineAccounts: To_Account is missing, or not a list of strings.
	CodeOnlineAccounts Code = 90003
	// CodeOpenimAdmin: only an admin of the app may call this.
	CodeOpenimAdmin Code = 90009
	// CodeOnlineTooMany: more than 500 accounts in one call. Ask for them in several calls.
	CodeOnlineTooMany Code = 90011
	// CodeOpenimInternal: the server failed. Retry; the operator's log has the reason.
	CodeOpenimInternal Code = 91000
)

// ResultInfo and ErrorInfo texts that clients may compare. Where the original's text is not known, the choice follows
// the pattern of its neighbours.
const (
	InfoBlockExists      = "Err_SNS_BlackListAdd_Already_Exist"
	InfoBlockSelf        = "Err_SNS_BlackListAdd_Self"
	InfoBlockFull        = "Err_SNS_BlackListAdd_BlackList_Full"
	InfoBlockAddUnknown  = "Err_SNS_BlackListAdd_Account_Not_Exist"
	InfoBlockNotListed   = "Err_SNS_BlackListDelete_Not_Exist"
	InfoBlockDelUnknown  = "Err_SNS_BlackListDelete_Account_Not_Exist"
	InfoBlockChkUnknown  = "Err_SNS_BlackListCheck_Account_Not_Exist"
	InfoSnsDecode        = "SNS_DECODE_ERR"
	InfoAccountNotExist  = "Err_TLS_PT_Open_Login_Account_Not_Exist"
	InfoAccountParameter = "Err_TLS_PT_Open_Login_Account_Invalid"
)
