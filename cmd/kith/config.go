package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kithchat/kith/internal/config"
)

// setting is one line of the reference, for programs.
type setting struct {
	Name     string `json:"name"`
	Variable string `json:"variable"`
	Default  string `json:"default"`
	Meaning  string `json:"meaning"`
}

// configReport is the outcome of `kith config check`.
type configReport struct {
	OK       bool     `json:"ok"`
	Problems []string `json:"problems"`
	// Development has a sentence for each setting that is not for production.
	Development []string         `json:"development,omitempty"`
	Settings    []config.Setting `json:"settings,omitempty"`
}

func (c *cli) configCommand() *cobra.Command {
	return c.group("config", "Explain and check the configuration of kith serve", c.configDocCommand(), c.configCheckCommand())
}

func (c *cli) configDocCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doc", Short: "Print the reference of all settings, in Markdown", Args: arguments(),
		RunE: func(*cobra.Command, []string) error {
			if !c.json {
				return printed(config.WriteDoc(c.out))
			}
			return c.print(map[string]any{"settings": settings()}, nil)
		},
	}
}

func settings() []setting {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.SortFlags = false
	config.AddFlags(fs)
	var all []setting
	fs.VisitAll(func(f *pflag.Flag) {
		variable := config.EnvPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		all = append(all, setting{Name: f.Name, Variable: variable, Default: f.DefValue, Meaning: f.Usage})
	})
	return all
}

func (c *cli) configCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check", Short: "Check a configuration and print what kith serve would use, without secrets",
		Long: "Check a configuration and print what kith serve would use, without secrets.\n\nIt takes the flags, variables and the file that kith serve takes.",
		Args: arguments(),
	}
	config.AddFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, origins, err := config.Load(config.Source{Flags: cmd.Flags(), Env: c.env})
		report := configReport{OK: err == nil, Problems: []string{}}
		if err != nil {
			report.Problems = strings.Split(err.Error(), "\n")
		} else {
			report.Settings = cfg.Settings(origins)
			report.Development = cfg.Development()
		}
		var printing error
		if c.json {
			printing = c.print(report, nil)
		} else if err == nil {
			printing = printed(cfg.WriteYAML(c.out, origins))
			for _, note := range report.Development {
				_, _ = fmt.Fprintln(c.err, "for development only: "+note)
			}
		}
		if err != nil {
			return err
		}
		return printing
	}
	return cmd
}
