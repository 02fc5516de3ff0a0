package memcloud_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// deaf sleeps beyond its deadline, and answers then.
var deaf = handler(func(context.Context, []byte) ([]byte, error) {
	time.Sleep(10 * time.Second)
	return []byte(`"late"`), nil
})

// does is a handler that ends by f.
func does(f func()) handler {
	return func(context.Context, []byte) ([]byte, error) { f(); return nil, nil }
}

// How a handler may end, and what follows from it for each way to invoke.
func TestEndings(t *testing.T) {
	var list []int
	tests := []struct {
		rule, reason string
		handler      memcloud.Handler
		kind         string // the errorType; "": it succeeds
		answer       string // to a synchronous invocation
		batchFails   bool   // though the invocation succeeds
	}{
		{"C5.1", "an answer", constant(`{"a":1}`), "", `{"a":1}`, false},
		{"C5.1", "null", constant("null"), "", "null", false},
		{"C5.1", "nothing", constant(""), "", "", false},
		{"C5.1", "an answer that is not JSON", constant("done"), "", "done", true},
		{"C5.1", "JSON that is no object", constant(`"done"`), "", `"done"`, true},
		{"C5.1", "an answer of 6 MB", constant(`"` + strings.Repeat("x", 6<<20-2) + `"`), "", `"` + strings.Repeat("x", 6<<20-2) + `"`, true},
		{"G3", "an answer of more", constant(strings.Repeat("x", 6<<20+101)), "Function.ResponseSizeTooLarge", "", false},
		{"G5", "an error", failing, "errorString", "", false},
		{"C5.1", "an error beside an answer", handler(func(context.Context, []byte) ([]byte, error) { return []byte("{}"), errors.New("no") }), "errorString", "", false},
		{"G5", "an error that wraps", handler(func(context.Context, []byte) ([]byte, error) { return nil, fmt.Errorf("no: %w", errNo) }), "wrapError", "", false},
		{"G5", "an error with a type of its own", handler(func(context.Context, []byte) ([]byte, error) { return nil, noneError[string]{} }), "noneError[string]", "", false},
		{"G5", "an error that is a nil pointer", handler(func(context.Context, []byte) ([]byte, error) { return nil, (*nilError)(nil) }), "errorString", "", false},
		{"G5", "an error that names its type", handler(func(context.Context, []byte) ([]byte, error) {
			return nil, messages.InvokeResponse_Error{Type: "Order.Unknown", Message: "42"}
		}), "Order.Unknown", "", false},
		{"G5", "a handler of aws-lambda-go that fails", lambda.NewHandler(func(context.Context, map[string]any) error { return errNo }), "errorString", "", false},
		{"G5", "an event that it cannot decode", lambda.NewHandler(func(context.Context, []int) error { return nil }), "UnmarshalTypeError", "", false},
		{"G4", "a panic with text", does(func() { panic("boom") }), "string", "", false},
		{"G4", "a panic with an error", does(func() { panic(errNo) }), "errorString", "", false},
		{"G4", "a panic of the runtime", does(func() { _ = list[len(list)] }), "boundsError", "", false},
		{"G4", "a panic with nil", does(func() { panic(nil) }), "PanicNilError", "", false},
		{"G4", "a panic with a value without a name", does(func() { panic([]int{1}) }), "", "", false},
		{"G4", "a handler that is nil", handler(nil), "errorString", "", false},
		{"G4", "the goroutine ends", does(runtime.Goexit), "Runtime.ExitError", "", false},
		{"G1", "it meets its deadline", handler(func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return []byte("{}"), nil }), "Sandbox.Timedout", "", false},
		{"G1", "it is deaf to its deadline", deaf, "Sandbox.Timedout", "", false},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			fails := test.kind != "" || strings.HasPrefix(test.reason, "a panic")
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				answer, err := cloud.Function("f", test.handler).Invoke(t.Context(), []byte("{}"))
				want(t, "answer", string(answer), test.answer)
				e, failed := err.(*memcloud.FunctionError)
				want(t, "failed", failed, fails)
				if failed {
					want(t, "errorType", e.Type, test.kind)
				}
				cloud.Settle()
				want(t, "invocations", len(moments(cloud, "f", "invoke")), 1)
			})
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				dead := cloud.Queue("dead", nil)
				cloud.Function("f", test.handler, &memcloud.FunctionOptions{DeadLetter: dead}).Send([]byte("{}"))
				cloud.Settle()
				tries, letters := 1, 0
				if fails {
					tries, letters = 3, 1
				}
				want(t, "asynchronous: tries", len(moments(cloud, "f", "invoke")), tries)
				want(t, "asynchronous: dead letters", len(dead.Messages()), letters)
			})
			bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
				q := cloud.Queue("q", &memcloud.QueueOptions{MaxReceives: 2})
				cloud.Function("f", test.handler, memcloud.Trigger(q, &memcloud.Mapping{ReportBatchItemFailures: true}))
				q.Send("{}")
				cloud.Settle()
				tries, letters := 1, 0
				if fails || test.batchFails {
					tries, letters = 2, 1
				}
				want(t, "queue: tries", len(moments(cloud, "f", "invoke")), tries)
				want(t, "queue: dead letters", len(q.DeadLetters()), letters)
				if test.batchFails && !strings.Contains(cloud.Timeline(), "the whole batch fails: the answer is not ") {
					t.Errorf("timeline:\n%s", cloud.Timeline())
				}
			})
		})
	}
}

var errNo = errors.New("no")

type noneError[T any] struct{}

func (noneError[T]) Error() string { return "none" }

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestInvokeLimits(t *testing.T) {
	// Rule B7.7, G3
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		size := 0
		f := cloud.Function("f", handler(func(_ context.Context, payload []byte) ([]byte, error) {
			size = len(payload)
			return payload, nil
		}))
		text := func(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }
		if _, err := f.Invoke(t.Context(), text(6<<20)); err != nil || size != 6<<20 {
			t.Errorf("6 MB: %v", err)
		}
		_, err := f.Invoke(t.Context(), text(6<<20+1))
		wantError(t, err, "RequestEntityTooLargeException", "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)")
		_, err = f.Invoke(t.Context(), []byte("{'a'}"))
		wantError(t, err, "InvalidRequestContentException", "Could not parse request body into json")
		answer, err := f.Invoke(t.Context(), nil)
		if string(answer) != "{}" || err != nil {
			t.Errorf("no payload: got %s, %v", answer, err)
		}
		f.Send(text(1 << 20))
		cloud.Settle()
		want(t, "1 MB", size, 1<<20)
		want(t, "invocations", len(moments(cloud, "f", "invoke")), 3)
	})
	r := &recorder{}
	synctest.Test(t, func(*testing.T) {
		f := memcloud.New(r).Function("f", constant("{}"))
		f.Send(bytes.Repeat([]byte("1"), 1<<20+1))
		f.Send([]byte("no JSON"))
		r.finish()
	})
	want(t, "errors", r.errors, []string{
		"memcloud: f: RequestEntityTooLargeException: 1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
		"memcloud: f: InvalidRequestContentException: Could not parse request body into json: no JSON",
	})
}

func TestInvokeConcurrency(t *testing.T) {
	// Rule B7.5: ten at once, three may run.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		f := cloud.Function("f", handler(func(context.Context, []byte) ([]byte, error) {
			time.Sleep(time.Second)
			return []byte("1"), nil
		}), &memcloud.FunctionOptions{ReservedConcurrency: 3})
		var mu sync.Mutex
		got := map[string]int{}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				answer, err := f.Invoke(t.Context(), nil)
				mu.Lock()
				defer mu.Unlock()
				got[string(answer)+codeOf(err)]++
			})
		}
		wg.Wait()
		want(t, "answers", got, map[string]int{"1": 3, "TooManyRequestsException": 7})
		if _, err := f.Invoke(t.Context(), nil); err != nil {
			t.Errorf("later: %v", err)
		}
		_, err := cloud.Function("none", constant("1"), &memcloud.FunctionOptions{ReservedConcurrency: -1}).Invoke(t.Context(), nil)
		wantError(t, err, "TooManyRequestsException", "Rate Exceeded.")
	})
}

// A caller that goes away does not end the function.
func TestInvokeContext(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("done", nil)
		f := cloud.Function("f", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			time.Sleep(2 * time.Second)
			_, err := q.SendMessage(ctx, memcloud.Message{Body: "done"})
			return nil, err
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := f.Invoke(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cloud.Settle()
		want(t, "messages", bodies(q.Messages()), "done")
		if _, err := f.Invoke(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		want(t, "invocations", len(moments(cloud, "f", "invoke")), 1)
	})
}

// A cloud that has stopped, or that is closed, keeps nobody waiting.
func TestInvokeOfAStoppedCloud(t *testing.T) {
	r := &recorder{}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: r, MaxSteps: 100})
		q := cloud.Queue("q", nil)
		f := cloud.Function("f", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			for ctx.Err() == nil {
				if _, err := q.SendMessage(ctx, memcloud.Message{Body: "again"}); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}))
		_, err := f.Invoke(t.Context(), nil)
		wantError(t, err, "Halted", "1000 steps within one second")
		r.finish()
	})
	r = &recorder{}
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.Open(&memcloud.Options{T: r, MaxSteps: 100})
		q, empty := cloud.Queue("q", nil), cloud.Queue("empty", nil)
		f := cloud.Function("f", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			for ctx.Err() == nil {
				if _, err := q.SendMessage(ctx, memcloud.Message{Body: "again"}); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}))
		f.Send(nil)
		if m, err := empty.ReceiveMessage(t.Context(), 1, 20*time.Second); len(m) > 0 {
			t.Errorf("got %v, %v", m, err)
		}
		r.finish()
	})
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		f := cloud.Function("f", handler(func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, nil }))
		go func() {
			time.Sleep(time.Second)
			_ = cloud.Close()
		}()
		if _, err := f.Invoke(t.Context(), nil); err != memcloud.ErrClosed {
			t.Errorf("got %v", err)
		}
	})
}

func TestPanickedInvocation(t *testing.T) {
	// Rule G4: on Lambda the process is gone, and with it its goroutines.
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("audit", nil)
		late := make(chan error, 1)
		f := cloud.Function("f", handler(func(ctx context.Context, _ []byte) ([]byte, error) {
			go func() {
				time.Sleep(time.Second)
				_, err := q.SendMessage(context.WithoutCancel(ctx), memcloud.Message{Body: "late"})
				late <- err
			}()
			panic("boom")
		}))
		if _, err := f.Invoke(t.Context(), nil); err == nil {
			t.Error("no error")
		}
		wantError(t, <-late, "InvocationOver", "i-1 panicked before this call, which was ignored")
		want(t, "messages", len(q.Messages()), 0)
		if !strings.Contains(cloud.Timeline(), "f error   i-1 panic: boom\n") {
			t.Errorf("timeline:\n%s", cloud.Timeline())
		}
	})
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		// What makes the context is not the handler, and as little trusted.
		f := cloud.Function("f", constant("{}"), &memcloud.FunctionOptions{Context: func(context.Context, memcloud.Invocation) context.Context { panic("no context") }})
		if _, err := f.Invoke(t.Context(), nil); err == nil || err.Error() != "string: no context" {
			t.Errorf("got %v", err)
		}
	})
}
