package memcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// bubble runs f with a cloud in virtual time.
func bubble(t *testing.T, f func(t *testing.T, cloud *memcloud.Cloud)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, memcloud.New(t)) })
}

// answers is a handler of SQS events that fails the messages whose bodies
// contain "bad", by a partial answer. It keeps what it saw.
type answers struct {
	mu   sync.Mutex
	seen []string // "body/receives", a batch a string
}

func (a *answers) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	var r events.SQSEventResponse
	var batch []string
	for _, m := range e.Records {
		batch = append(batch, m.Body+"/"+m.Attributes["ApproximateReceiveCount"])
		if strings.Contains(m.Body, "bad") {
			r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, strings.Join(batch, " "))
	return json.Marshal(r)
}

// handler makes a function of an untyped function.
type handler func(ctx context.Context, payload []byte) ([]byte, error)

func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return h(ctx, payload) }

// constant is a handler with one answer.
func constant(answer string) handler {
	return func(context.Context, []byte) ([]byte, error) { return []byte(answer), nil }
}

// failing is a handler that fails.
var failing = handler(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("no luck") })

// batches returns what the handler saw, in byte order: which of two handlers
// at one instant comes first is not the cloud's to say.
func (a *answers) batches() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(slices.Values(a.seen))
}

func bodies(messages []memcloud.Message) string {
	var list []string
	for _, m := range messages {
		list = append(list, m.Body)
	}
	return strings.Join(list, " ")
}

// moments lists when an action happened, in whole milliseconds.
func moments(cloud *memcloud.Cloud, resource, action string) []time.Duration {
	var at []time.Duration
	for _, s := range cloud.Steps() {
		if s.Resource == resource && s.Action == action {
			at = append(at, s.At.Truncate(time.Millisecond))
		}
	}
	return at
}

func want[V any](t *testing.T, what string, got, want V) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s\n", what, diff)
	}
}

// wantError checks for the code of AWS's error and for a part of its text.
func wantError(t *testing.T, err error, code, part string) {
	t.Helper()
	e, ok := errors.AsType[*memcloud.Error](err)
	if !ok || e.Code != code || !strings.Contains(e.Message, part) {
		t.Errorf("got %v, want %s with %q", err, code, part)
	}
}

// recorder stands in for a test that fails.
type recorder struct {
	mu       sync.Mutex
	cleanups []func()
	errors   []string
	logs     []string
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Helper()          {}
func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.errors) > 0
}
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}
func (r *recorder) finish() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

// panicOf returns what f panics with.
func panicOf(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err, _ = p.(error)
			if err == nil {
				err = fmt.Errorf("%v", p)
			}
		}
	}()
	f()
	return nil
}

func unmarshal(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
