package api

// Commands returns the names of the REST commands that Kith serves, in the order of their reference. The path of one is
// /v4/<service>/<command>.
func Commands() []string {
	return []string{
		"account_import",
		"multiaccount_import",
		"account_check",
		"account_delete",
		"kick",
		"black_list_add",
		"black_list_delete",
		"black_list_get",
		"black_list_check",
		"query_online_status",
	}
}
