package memcloud_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

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

// A call that is kept waiting beyond the end of its invocation has no effect.
func TestSlowBeyondTheEnd(t *testing.T) {
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			cloud := memcloud.Open(&memcloud.Options{T: t, Seed: seed, Faults: &memcloud.Faults{Only: []string{"call-slow@results/put#1"}}})
			results := cloud.Bucket("results", nil)
			late := make(chan error, 1)
			ship := cloud.Function("ship", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
				time.Sleep(2990 * time.Millisecond)
				_, err := results.PutObject(ctx, memcloud.Object{Key: "k"}, memcloud.Condition{})
				late <- err
				return nil, err
			}))
			_, err := ship.Invoke(t.Context(), nil)
			want(t, "invocation", codeOf(err), "Sandbox.Timedout")
			wantError(t, <-late, "InvocationOver", "timed out before this call")
			want(t, "objects", len(results.Keys()), 0)
		})
	}
}

// A crash ends the invocation's context, and strikes at effects alone.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: t, Faults: &memcloud.Faults{Only: []string{
			"crash-before@f/get/results#1", "crash-after@f/head/results#1", "crash-before@f/list/results#1", "crash-after@f/get/rows#1", "crash-after@f/put/results#1",
		}}})
		results, rows := cloud.Bucket("results", nil), cloud.Table("rows", nil)
		results.Put("k", nil)
		ended := make(chan time.Duration, 1)
		f := cloud.Function("f", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			_, err1 := results.GetObject(ctx, "k", "")
			_, err2 := results.HeadObject(ctx, "k", "")
			_, _, err3 := results.ListObjects(ctx, "", "", 1)
			_, err4 := rows.GetItem(ctx, memcloud.Item{"id": "a"})
			if err := errors.Join(err1, err2, err3, err4); err != nil {
				t.Errorf("a read met a crash: %v", err)
			}
			_, _ = results.PutObject(ctx, memcloud.Object{Key: "k"}, memcloud.Condition{})
			<-ctx.Done()
			ended <- cloud.Now().Truncate(time.Millisecond)
			return nil, nil
		}))
		_, err := f.Invoke(t.Context(), nil)
		want(t, "code", codeOf(err), "Runtime.ExitError")
		want(t, "its context ends with it", <-ended, 0)
		want(t, "faults", cloud.Faults(), []string{"crash-after@f/put/results#1"})
	})
}
