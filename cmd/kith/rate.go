package main

import (
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// rateFlags limit how often an app calls the REST API, in calls a second.
type rateFlags struct {
	app, command float64
	special      []string
}

func (f *rateFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.Float64Var(&f.app, "rate", 0, "`calls` a second of the app, all commands together; 0 for no limit")
	fs.Float64Var(&f.command, "rate-command", 0, "`calls` a second of each command; 0 for no limit")
	fs.StringArrayVar(&f.special, "rate-special", nil, "limit of one command as `COMMAND=N`, such as black_list_add=50; repeat it for more; replaces all")
}

// rates returns the limits of a new app.
func (f *rateFlags) rates() (relation.Rates, error) {
	special, err := f.parse()
	return relation.Rates{App: f.app, Command: f.command, Special: special}, err
}

// update puts the limits that were given into a change.
func (f *rateFlags) update(req *operator.UpdateApp, given func(string) bool) error {
	take(&req.RateApp, &f.app, given("rate"))
	take(&req.RateCommand, &f.command, given("rate-command"))
	special, err := f.parse()
	take(&req.RateSpecial, &special, given("rate-special"))
	return err
}

// parse checks all limits and returns those of single commands.
func (f *rateFlags) parse() (map[string]float64, error) {
	if err := checkRate("--rate", f.app); err != nil {
		return nil, err
	}
	if err := checkRate("--rate-command", f.command); err != nil {
		return nil, err
	}
	return f.specials()
}

// specials parses the limits of single commands. An empty --rate-special gives an empty, not nil, map.
func (f *rateFlags) specials() (map[string]float64, error) {
	if f.special == nil {
		return nil, nil
	}
	special := make(map[string]float64, len(f.special))
	for _, text := range f.special {
		if text == "" {
			continue
		}
		command, rate, ok := strings.Cut(text, "=")
		perSecond, err := strconv.ParseFloat(rate, 64)
		if !ok || command == "" || err != nil {
			return nil, misuse("--rate-special must be COMMAND=N, such as black_list_add=50, not %q", text)
		}
		if err := checkRate("--rate-special "+command, perSecond); err != nil {
			return nil, err
		}
		special[command] = perSecond
	}
	return special, nil
}

// checkRate refuses what no rate can be. JSON has no way to send some of it.
func checkRate(flag string, perSecond float64) error {
	if perSecond >= 0 && !math.IsInf(perSecond, 0) { // NaN fails as well
		return nil
	}
	return misuse("%s must be a number of calls a second, 0 for no limit, not %g", flag, perSecond)
}
