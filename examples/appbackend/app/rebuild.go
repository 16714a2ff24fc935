package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/kithchat/kith/api"
)

// Rebuild empties the copy of an app and builds it from an export of `kith export blocklists`, while callbacks go on to come. It
// returns the position after which events have to be replayed, once the copy is loaded. After an error export and rebuild again.
func (b *Backend) Rebuild(export io.Reader) (position string, err error) {
	lines := json.NewDecoder(export)
	var head struct {
		Kind     string `json:"kith_export"`
		SDKAppID uint32 `json:"sdkappid"`
		Position string `json:"position"`
	}
	if err := lines.Decode(&head); err != nil || head.Kind != "blocklists" {
		return "", errors.New("this is no export of blocklists")
	}
	b.lists.begin(head.SDKAppID, head.Position) // one transaction
	for {
		var line struct {
			FromAccount string `json:"From_Account"`
			BlackList   []struct {
				ToAccount string `json:"To_Account"`
			}
			End bool `json:"end"`
		}
		if err := lines.Decode(&line); err != nil {
			return "", fmt.Errorf("the export was cut off: %w", err)
		}
		if line.End {
			return head.Position, nil
		}
		for _, entry := range line.BlackList {
			b.lists.load(head.SDKAppID, api.Pair{FromAccount: line.FromAccount, ToAccount: entry.ToAccount})
		}
	}
}
