package lambdahost

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
)

// Options says how a function is run. The zero value, like nil, loses nothing
// whatever the deployment is.
type Options struct {
	// PartialBatch declares that every event source mapping of the function
	// has ReportBatchItemFailures in its FunctionResponseTypes. Then a batch
	// of SQS or a stream that failed in part is answered by the list of what
	// failed. The environment variable EVENTFX_PARTIAL_BATCH=on says the same,
	// so that the template which sets the one can set the other beside it.
	//
	// Without the declaration any failure is an error of the whole invocation,
	// for a mapping without the setting would take the list for success and
	// delete what failed. The price is that messages which were done come
	// again.
	PartialBatch bool

	// ReportAll answers a batch of which every message failed by the list of
	// all, too. Unless it is set, such a batch is an error of the invocation:
	// the same messages come back, but Lambda counts an error and polls less
	// while all fails. It matters only with PartialBatch.
	ReportAll bool

	// Format reads the payloads.
	Format awsevents.Format

	// Fallback takes payloads in which awsevents finds no events of its own:
	// those of authorizers, user pools, HTTP APIs. It gets the payload as it
	// came and the whole time of the invocation, and its answer goes out as it
	// is. Without a Fallback such a payload is a message of type
	// awsevents.TypeInvocation, for the router's Default.
	Fallback lambda.Handler

	// Wrap is put around the handler, as the wrappers of tracing vendors are.
	// nil means that nothing is.
	Wrap func(lambda.Handler) lambda.Handler

	// Shutdown are run by Start when Lambda ends the process: all at once,
	// beside invocations that are still ending. Their context ends 350 ms
	// after the signal, or 210 ms after it when the function has an external
	// extension; the process ends 50 (30) ms later. An error is logged.
	Shutdown []func(context.Context) error
}

// A mode is what a failure in a batch comes to, and why.
type mode struct {
	partial bool
	reason  string
}

const partialBatchEnv = "EVENTFX_PARTIAL_BATCH"

func (o *Options) mode() mode {
	value, set := os.LookupEnv(partialBatchEnv)
	switch {
	case o.PartialBatch:
		return mode{true, "Options.PartialBatch is set"}
	case value == "on":
		return mode{true, partialBatchEnv + "=on"}
	case set && value != "off" && value != "":
		slog.Warn("lambdahost: "+partialBatchEnv+" is neither on nor off: it counts as off", "value", value)
		return mode{false, partialBatchEnv + " is not on"}
	}
	return mode{false, "neither Options.PartialBatch nor " + partialBatchEnv + "=on is set"}
}

// log says once per cold start what a failure will come to.
func (m mode) log() {
	does := "any failed message fails its invocation"
	if m.partial {
		does = "failed messages of queues and streams are reported one by one; every mapping must have ReportBatchItemFailures"
	}
	slog.Info("lambdahost: "+does, "partialBatch", m.partial, "reason", m.reason)
}
