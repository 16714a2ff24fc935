package main

import (
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/server"
)

func (c *cli) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server until it is interrupted",
		Long: "Run the server until it is interrupted.\n\n" +
			"Each flag is also a variable (KITH_ and the name) and a key of the YAML file; `kith config doc` explains them.",
		Args: arguments(),
	}
	config.AddFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, origins, err := config.Load(config.Source{Flags: cmd.Flags(), Env: c.env})
		if err != nil {
			return usageError{err}
		}
		s, err := server.New(cmd.Context(), server.Options{
			Config: cfg, Origins: origins, Log: newLog(c.err, cfg), Version: buildVersion(),
		})
		if err != nil {
			return err
		}
		return s.Run(cmd.Context(), func(info server.Info) {
			w := welcome{Info: info, program: c.program, data: cfg.Data}
			_ = c.print(info, w.write) // the server serves, whether or not somebody reads this
		})
	}
	return cmd
}

// newLog returns the log that the configuration asks for.
func newLog(w io.Writer, cfg config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level()}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
