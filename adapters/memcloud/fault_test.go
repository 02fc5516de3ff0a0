package memcloud_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// storing puts an object and then sends a message, and returns the first
// error.
func storing(cloud **memcloud.Cloud, bucket **memcloud.Bucket, queue **memcloud.Queue) memcloud.Handler {
	return handler(func(ctx context.Context, payload []byte) ([]byte, error) {
		if _, err := (*bucket).PutObject(ctx, memcloud.Object{Key: "k", Data: payload}, memcloud.Condition{}); err != nil {
			return nil, err
		}
		_, err := (*queue).SendMessage(ctx, memcloud.Message{Body: "done"})
		return nil, err
	})
}

func TestFaultsAtCalls(t *testing.T) {
	tests := []struct {
		reason string
		fault  string
		stored bool
		sent   int
		code   string // of the invocation's error; "": it succeeds
	}{
		{"nothing happens", "", true, 1, ""},
		{"the process ends before the handler begins", "crash-before@ship#1", false, 0, "Runtime.ExitError"},
		{"before the first effect", "crash-before@ship/put/results#1", false, 0, "Runtime.ExitError"},
		{"after the first effect", "crash-after@ship/put/results#1", true, 0, "Runtime.ExitError"},
		{"before the second", "crash-before@ship/send/done#1", true, 0, "Runtime.ExitError"},
		{"after the second", "crash-after@ship/send/done#1", true, 1, "Runtime.ExitError"},
		{"a call is refused", "call-fails@results/put#1", false, 0, "Error"},
		{"a call takes effect and fails", "call-answer-lost@results/put#1", true, 0, "Error"},
		{"the answer is lost", "lost-answer@ship#1", true, 1, "Runtime.LostAnswer"},
		{"the answer is late", "overrun@ship#1", true, 1, "Sandbox.Timedout"},
		{"there is no room", "throttle@ship#1", false, 0, "TooManyRequestsException"},
		{"a fault of another site does nothing", "crash-after@ship/put/others#1", true, 1, ""},
		{"a call that is slow succeeds", "call-slow@results/put#1", true, 1, ""},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var bucket *memcloud.Bucket
				var queue *memcloud.Queue
				cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Only: []string{test.fault}}})
				bucket, queue = cloud.Bucket("results", nil), cloud.Queue("done", nil)
				ship := cloud.Function("ship", storing(&cloud, &bucket, &queue))
				_, err := ship.Invoke(t.Context(), []byte("{}"))
				cloud.Settle()
				want(t, "code", codeOf(err), test.code)
				_, stored := bucket.Get("k")
				want(t, "stored", stored, test.stored)
				want(t, "sent", len(queue.Messages()), test.sent)
			})
		})
	}
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*memcloud.FunctionError](err); ok {
		return e.Type
	}
	if e, ok := errors.AsType[*memcloud.Error](err); ok {
		return e.Code
	}
	return ""
}
