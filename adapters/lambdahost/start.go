package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/eventfx"
)

// Start runs r as the function of this process. It does not return. nil
// options are the zero Options.
//
// Lambda ends a process by SIGTERM and, 500 ms later, SIGKILL; beside an
// external extension (a file in /opt/extensions) 300 ms are safe. On SIGTERM
// nothing new starts, the contexts of running handlers end, what is not done
// goes back to its source, and Options.Shutdown are run. A handler or function
// that ignores its context is left behind when the time is over.
func Start(r *eventfx.Router, opts *Options) {
	if opts == nil {
		opts = &Options{}
	}
	e := newEnding(opts.Shutdown, limitBeside("/opt/extensions"))
	h := newHandler(r, opts, e.limit/2)
	lambda.StartWithOptions(e.watch(h), lambda.WithContext(e.ctx), lambda.WithEnableSIGTERM(func() {
		e.run()
		os.Exit(0)
	}))
}

// limitBeside returns how long the process has after SIGTERM. Each file in the
// folder is an external extension; it shares the time of the shutdown.
func limitBeside(extensions string) time.Duration {
	if files, err := os.ReadDir(extensions); err == nil && len(files) > 0 {
		return 300 * time.Millisecond
	}
	return 500 * time.Millisecond
}

// An ending is the process on its way down.
type ending struct {
	limit     time.Duration // from SIGTERM to SIGKILL
	functions []func(context.Context) error
	ctx       context.Context // of every invocation
	cancel    context.CancelCauseFunc
	running   atomic.Int64 // invocations
}

var errShutdown = errors.New("lambdahost: Lambda ends the process")

func newEnding(functions []func(context.Context) error, limit time.Duration) *ending {
	e := &ending{limit: limit, functions: functions}
	e.ctx, e.cancel = context.WithCancelCause(context.Background())
	return e
}

// watch counts the invocations of h. What it returns is no type of package
// lambda, which would take a handler of its own with that one's options and
// forget ours.
func (e *ending) watch(h lambda.Handler) lambda.Handler { return &watched{e, h} }

type watched struct {
	ending *ending
	next   lambda.Handler
}

func (w *watched) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	w.ending.running.Add(1)
	defer w.ending.running.Add(-1)
	return w.next.Invoke(ctx, payload)
}

// run ends all work and runs the functions. It returns when they are done, at
// the latest before the limit. When an invocation was running it takes the
// whole of that time, for its answer has yet to be sent.
func (e *ending) run() {
	const (
		functionsPart = 70 // percent of the limit
		wholePart     = 80 // the rest is for a processor that Lambda throttles
	)
	whole := time.NewTimer(e.limit * wholePart / 100)
	defer whole.Stop()
	e.cancel(errShutdown)
	busy := e.running.Load() > 0

	ctx, cancel := context.WithTimeout(context.Background(), e.limit*functionsPart/100)
	defer cancel()
	var wg sync.WaitGroup
	for i, f := range e.functions {
		wg.Go(func() { e.call(ctx, i, f) })
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		if busy || e.running.Load() > 0 {
			<-whole.C
		}
	case <-whole.C:
	}
}

func (e *ending) call(ctx context.Context, i int, f func(context.Context) error) {
	defer func() {
		if value := recover(); value != nil {
			slog.Error("lambdahost: a shutdown function panicked", "index", i, "panic", fmt.Sprint(value))
		}
	}()
	if err := f(ctx); err != nil {
		slog.Error("lambdahost: a shutdown function failed", "index", i, "error", err)
	}
}
