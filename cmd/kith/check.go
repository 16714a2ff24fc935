package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/store"
)

// checkReport says what is wrong with a data directory.
type checkReport struct {
	Data     string   `json:"data"`
	OK       bool     `json:"ok"`
	Problems []string `json:"problems"`
}

func (c *cli) checkCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{Use: "check", Short: "Verify a data directory that no server uses", Args: arguments()}
	cmd.Flags().StringVar(&data, "data", config.Default().Data, "the data `directory` (also KITH_DATA)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if text, ok := c.env("KITH_DATA"); ok && !cmd.Flags().Changed("data") {
			data = text
		}
		problems, err := store.Check(cmd.Context(), data)
		if err != nil {
			return err
		}
		report := checkReport{Data: data, OK: len(problems) == 0, Problems: append([]string{}, problems...)}
		err = c.print(report, func(w io.Writer) {
			for _, problem := range problems {
				row(w, problem)
			}
			if report.OK {
				row(w, data+" is sound")
			}
		})
		if err == nil && !report.OK {
			err = fmt.Errorf("%s has %d problems", data, len(problems))
		}
		return err
	}
	return cmd
}
