package server

import (
	"context"

	"github.com/kithchat/kith/internal/dispatch"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// addTools gives the operator API what its tools for events work with.
func (s *Server) addTools(o *operator.Options) {
	o.Records, o.Replays, o.Exporter = s.store, s.store, s.store
	o.Delivery = s.dispatcher
	o.Trigger = s.trigger
}

// trigger sends a marked test callback and reports it in the words of the operator API.
func (s *Server) trigger(ctx context.Context, app *relation.App, t relation.Trigger) (operator.CallbackReport, error) {
	report, err := s.dispatcher.Trigger(ctx, app, t)
	if err != nil {
		return operator.CallbackReport{}, err
	}
	return showReport(report), nil
}

func showReport(report dispatch.TestReport) operator.CallbackReport {
	steps := make([]operator.CallbackStep, len(report.Steps))
	for i, step := range report.Steps {
		steps[i] = operator.CallbackStep{Name: step.Name, OK: step.OK, Detail: step.Detail, DurationMS: step.TookMS}
	}
	return operator.CallbackReport{
		Delivered: report.OK, Reason: string(report.Reason), Detail: report.Detail, Answer: report.Answer, DurationMS: report.TookMS, Steps: steps,
	}
}
