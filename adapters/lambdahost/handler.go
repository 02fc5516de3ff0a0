package lambdahost

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/delivery"
)

// Handler returns a handler that opens each payload, delivers its messages by
// r, and answers as their source expects. It may be invoked from any number of
// goroutines. It says in the log which mode it runs in; nil options are the
// zero Options, whose Shutdown is for Start only.
//
// The error of an invocation is a *FailedMessagesError or an
// *UnfinishedMessagesError when messages failed that cannot be named in an
// answer, else what awsevents says about the payload.
func Handler(r *eventfx.Router, opts *Options) lambda.Handler {
	return newHandler(r, opts, 0)
}

func newHandler(r *eventfx.Router, opts *Options, grace time.Duration) lambda.Handler {
	if r == nil {
		panic("lambdahost: nil Router")
	}
	if opts == nil {
		opts = &Options{}
	}
	m := opts.mode()
	m.log()
	h := &handler{
		router:    r,
		format:    opts.Format,
		fallback:  opts.Fallback,
		partial:   m.partial,
		reportAll: opts.ReportAll,
		grace:     grace,
	}
	if opts.Wrap == nil {
		return h
	}
	wrapped := opts.Wrap(h)
	if wrapped == nil {
		panic("lambdahost: Options.Wrap returned nil")
	}
	return wrapped
}

// A handler keeps nothing of an invocation.
type handler struct {
	router    *eventfx.Router
	format    awsevents.Format
	fallback  lambda.Handler
	partial   bool
	reportAll bool
	grace     time.Duration // at most, after the context is done; 0: as the margin allows
}

func (h *handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	p, err := h.format.Open(payload, requestID(ctx))
	if err != nil {
		return nil, err
	}
	if p.Opaque && h.fallback != nil {
		return h.fallback.Invoke(ctx, payload)
	}
	run, cancel := delivery.WithMargin(ctx, h.grace)
	defer cancel()
	failures := h.router.Deliver(run, p.Messages)
	if len(failures) == 0 {
		return p.Answer(nil)
	}
	if !h.partial || !p.Partial || len(failures) == len(p.Messages) && !h.reportAll {
		return nil, failed(p, failures, context.Cause(run))
	}
	return p.Answer(failures)
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
