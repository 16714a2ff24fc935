package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are command lines that help shows, by the command that they call. A test parses all of them.
var examples = map[string][]string{
	"app callback keys add": {
		"kith app callback keys add 1600077123 --grace 72h",
		"kith app callback keys add 1600077123 --secret - < secret.txt",
	},
	"app callback pause": {`kith app callback pause 1600077123 --reason "moving the database"`},
	"app callback set": {
		"kith app callback set 1600077123 --url https://backend.example/callback",
		"kith app callback set 1600077123 --timeout 500ms --max-age 36h --app-error accept",
		"kith app callback set 1600077123 --enable State.StateChange --ca internal-ca.pem --mutual-tls",
	},
	"app callback show": {"kith app callback show 1600077123"},
	"app callback test": {"kith app callback test 1600077123"},
	"app token create":  {`kith app token create 1600077123 --name "laptop of Mira"`},
	"endpoints":         {"kith endpoints", "kith endpoints --app 1600077123 --json"},
	"events":            {"kith events", "kith events --app 1600077123"},
	"events list": {
		"kith events list --app 1600077123 --account mira --from 2h",
		"kith events list --state dead --command Sns.CallbackBlackListDelete",
	},
	"events park":  {"kith events park 01980000-7c1e-7b52-9d3f-0c8f6f4f6b1a"},
	"events retry": {"kith events retry 01980000-7c1e-7b52-9d3f-0c8f6f4f6b1a"},
	"events show":  {"kith events show 01980000-7c1e-7b52-9d3f-0c8f6f4f6b1a"},
	"events tail":  {"kith events tail -f --app 1600077123", "kith events tail -n 50 --account mira"},
	"export blocklists": {
		"kith export blocklists --app 1600077123 -o lists.jsonl",
		"kith export blocklists --app 1600077123 | gzip > lists.jsonl.gz",
	},
	"listen": {
		"kith listen --app 1600077123 --forward http://localhost:3000/callback",
		"kith listen --app 1600077123 --forward http://localhost:3000/callback --instead",
	},
	"replay": {
		"kith replay 01980000-7c1e-7b52-9d3f-0c8f6f4f6b1a",
		"kith replay --app 1600077123 --dead",
		"kith replay --app 1600077123 --account mira --from 2026-01-30T00:00:00Z --to 2026-01-31T00:00:00Z",
		"kith replay --app 1600077123 --from 7d --rate 200 --wait",
	},
	"replay list": {"kith replay list --app 1600077123"},
	"replay rate": {"kith replay rate 01980000-7c1e-7b52-9d3f-0c8f6f4f6b1a 50"},
	"trigger":     {"kith trigger Sns.CallbackBlackListDelete --app 1600077123 --from mira --to tom,lia"},
}

// addExamples puts each example into the help of its command.
func addExamples(root *cobra.Command) {
	for path, lines := range examples {
		if cmd, _, err := root.Find(strings.Fields(path)); err == nil {
			cmd.Example = "  " + strings.Join(lines, "\n  ")
		}
	}
}
