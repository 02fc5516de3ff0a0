package pubsubhost_test

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost"
	"github.com/eventfx/eventfx-go/adapters/pubsubhost/sqslease"
	"github.com/eventfx/eventfx-go/eventfx"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // failures that are meant
	os.Exit(m.Run())
}

// text takes every message and its data as text.
type text struct{}

func (text) Match(*eventfx.Message) bool               { return true }
func (text) Decode(m *eventfx.Message) (string, error) { return string(m.DataEncoded), nil }
func (text) String() string                            { return "text" }

type handler = func(context.Context, eventfx.Event[string]) error

func router(h handler) *eventfx.Router {
	r := &eventfx.Router{}
	eventfx.On(r, text{}, h)
	return r
}

// leaseOn returns the lease on a queue of memcloud.
func leaseOn(q *memcloud.Queue, visibility time.Duration) *sqslease.Lease {
	return &sqslease.Lease{
		Visibility: visibility,
		Change:     q.ChangeMessageVisibility,
		Read:       readMemcloud,
	}
}

func readMemcloud(m *pubsub.Message) (string, map[string]string) {
	var received memcloud.Message
	if !m.As(&received) {
		return "", nil
	}
	return received.Receipt, received.System()
}

// A run is a worker that runs beside the test.
type run struct {
	t    testing.TB
	stop context.CancelFunc
	done chan error
	once sync.Once
	err  error
}

// start runs r on the subscription until the test stops it, or ends.
func start(t testing.TB, s *pubsub.Subscription, r *eventfx.Router, o *pubsubhost.Options) *run {
	ctx, cancel := context.WithCancel(context.Background())
	w := &run{t: t, stop: cancel, done: make(chan error, 1)}
	go func() { w.done <- pubsubhost.Run(ctx, s, r, o) }()
	t.Cleanup(func() { w.end() })
	return w
}

// end stops the worker and returns what Run did.
func (w *run) end() error {
	w.once.Do(func() {
		w.stop()
		w.err = <-w.done
	})
	return w.err
}

// onQueue runs r on a queue, with the queue's lease.
func onQueue(t testing.TB, q *memcloud.Queue, r *eventfx.Router, o pubsubhost.Options) *run {
	o.Queue = q.ARN()
	return start(t, portable.Subscription(q), r, &o)
}

// A log is what handlers note, with the time since its first use.
type journal struct {
	mu      sync.Mutex
	entries []entry
}

type entry struct {
	text string
	at   time.Time
}

func (l *journal) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entry{text, time.Now()})
}

func (l *journal) texts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, e := range l.entries {
		all = append(all, e.text)
	}
	return all
}

func (l *journal) count(text string) int {
	n := 0
	for _, t := range l.texts() {
		if t == text {
			n++
		}
	}
	return n
}

// gap is the time between the first two notes of the text.
func (l *journal) gap(t testing.TB, text string) time.Duration {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var at []time.Time
	for _, e := range l.entries {
		if e.text == text {
			at = append(at, e.at)
		}
	}
	if len(at) < 2 {
		t.Fatalf("%q was noted %d times, want 2", text, len(at))
	}
	return at[1].Sub(at[0])
}
