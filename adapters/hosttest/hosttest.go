package hosttest

import (
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// A Message is what a law sends. Its Body is text.
type Message struct {
	Body  string
	Group string // messages of one group have an order; "" has none
}

// GroupOf returns the Group of the Message that m is, for hosts that are told
// the group of a message by a function: it is part of the Body.
func GroupOf(m *eventfx.Message) string {
	group, _, _ := strings.Cut(string(m.DataEncoded), ":")
	return group
}

// Features say what a host can do. A law is left out when the host cannot do
// what it is about.
type Features struct {
	// Groups: messages of one group run one after the other.
	Groups bool

	// Blocks: the source gives nothing of a group that stands behind a message
	// that failed, as a FIFO queue or a stream. With Groups alone what was not
	// yet received may overtake it.
	Blocks bool

	// Counts: Origin.Receives counts the deliveries.
	Counts bool

	// Delays: what asks for a delay does not come back before.
	Delays bool

	// Observes: Host.Left and Host.Waiting look into the source.
	Observes bool

	// Stops: Host.Stop stops the host and lets handlers finish.
	Stops bool

	// Redelivery is after how long a message that failed comes back at the
	// latest, unless it asked for a delay. 0 means a minute.
	Redelivery time.Duration
}

// A Setup is what a law asks of a host.
type Setup struct {
	Router *eventfx.Router

	// Deadline is how long one delivery may take in all.
	Deadline time.Duration

	// Drain is how long handlers may go on after the stop.
	Drain time.Duration

	// Concurrency is how many messages may run at once, or be in hand.
	Concurrency int

	// Go starts f, which runs the host, in a goroutine. That and what it starts
	// must be gone after the stop.
	Go func(f func())
}

// A Host is a host at work, with a source of messages of its own.
type Host struct {
	// Send puts messages into the source, in the order given.
	Send func(...Message)

	// Left returns how many messages the source still has, whoever is handling
	// them: all but those that are acknowledged. It is used with
	// Features.Observes.
	Left func() int

	// Waiting returns how many of these anybody could receive now, were those
	// before them in their group out of the way. It is used with
	// Features.Observes.
	Waiting func() int

	// Stop tells the host to stop, and waits until it has. It is used with
	// Features.Stops; another host ends when its test does.
	Stop func()
}

// Run checks the laws, each in a subtest and a synctest bubble of its own.
// start makes a host and its source in the bubble of t; it lets go of both when
// t ends.
func Run(t *testing.T, f Features, start func(t testing.TB, s Setup) *Host) {
	for _, l := range laws {
		if l.needs != nil && !l.needs(f) {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, failure := range l.check(t, f, start) {
					t.Errorf("%s: %s", l.text, failure)
				}
			})
		})
	}
}

// A law is one thing that every host does.
type law struct {
	name  string
	text  string
	needs func(Features) bool // nil: no feature
	run   func(*trial)
}

// check runs the law on a new host and returns what is wrong.
func (l law) check(t testing.TB, f Features, start func(testing.TB, Setup) *Host) []string {
	if f.Redelivery == 0 {
		f.Redelivery = time.Minute
	}
	r := &trial{t: t, features: f, label: fmt.Sprintf("%s %p", l.name, t), start: start}
	r.setup = Setup{Router: &eventfx.Router{}, Deadline: 20 * time.Second, Drain: 20 * time.Second, Concurrency: 4, Go: r.watch}
	l.run(r)
	r.stop()
	for r.busy() { // a bubble must not end before what runs in it
		time.Sleep(time.Second)
	}
	return r.failures
}

// A trial is one run of a law.
type trial struct {
	t        testing.TB
	features Features
	label    string
	start    func(testing.TB, Setup) *Host
	setup    Setup // may be changed before begin
	host     *Host
	stopped  bool

	mu       sync.Mutex
	runs     []run
	running  int // handlers
	failures []string
}

// A run is one call of the handler.
type run struct {
	body     string
	attempt  int
	receives int
	at       time.Time
}

func (r *trial) errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// text takes all messages as text.
type text struct{}

func (text) Match(*eventfx.Message) bool               { return true }
func (text) Decode(m *eventfx.Message) (string, error) { return string(m.DataEncoded), nil }
func (text) String() string                            { return "hosttest" }

// begin starts the host. handle gets the body without its group, and how often
// the handler has run for it, this time included.
func (r *trial) begin(handle func(ctx context.Context, body string, n int) error) {
	r.setup.Router.Use = append(r.setup.Router.Use, func(next eventfx.Handler) eventfx.Handler {
		return func(ctx context.Context, d *eventfx.Delivery) error {
			m := d.Messages[0]
			r.mu.Lock()
			r.runs = append(r.runs, run{bodyOf(m), d.Attempt, m.Origin.Receives, time.Now()})
			r.mu.Unlock()
			return next(ctx, d)
		}
	})
	eventfx.On(r.setup.Router, text{}, func(ctx context.Context, e eventfx.Event[string]) error {
		r.locked(func() { r.running++ })
		defer r.locked(func() { r.running-- })
		body := bodyOf(e.Message)
		return handle(ctx, body, r.ran(body))
	})
	r.setup.Router.Observer.Message = quiet // what fails here is meant to
	r.host = r.start(r.t, r.setup)
	f := r.features
	if f.Observes && (r.host.Left == nil || r.host.Waiting == nil) || f.Stops && r.host.Stop == nil {
		panic("hosttest: the host lacks a function that its Features promise")
	}
}

// locked runs f while nobody else looks at what handlers note.
func (r *trial) locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func quiet(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
	return ctx, nil
}

func bodyOf(m *eventfx.Message) string {
	_, body, _ := strings.Cut(string(m.DataEncoded), ":")
	return body
}

// send puts messages of the group into the source.
func (r *trial) send(group string, bodies ...string) {
	messages := make([]Message, len(bodies))
	for i, body := range bodies {
		messages[i] = Message{Body: group + ":" + body, Group: group}
	}
	r.host.Send(messages...)
}

// ran returns how often the handler was run for the body.
func (r *trial) ran(body string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, one := range r.runs {
		if one.body == body {
			n++
		}
	}
	return n
}

func (r *trial) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running > 0
}

func (r *trial) all() []run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]run(nil), r.runs...)
}

// until waits until the condition holds, at most for so many redeliveries.
func (r *trial) until(redeliveries int, condition func() bool) bool {
	end := time.Now().Add(time.Duration(redeliveries) * (r.features.Redelivery + r.setup.Deadline))
	for time.Now().Before(end) {
		if condition() {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return condition()
}

// rest waits for longer than a redelivery takes.
func (r *trial) rest() { time.Sleep(r.features.Redelivery + time.Second) }

// wantLeft checks how many messages the source has, where that can be known.
func (r *trial) wantLeft(want int) {
	if !r.features.Observes {
		return
	}
	if got := r.host.Left(); got != want {
		r.errorf("the source still has %d messages, want %d", got, want)
	}
}

// stop stops the host, once.
func (r *trial) stop() {
	if !r.stopped && r.host != nil && r.features.Stops {
		r.host.Stop()
	}
	r.stopped = true
}

// watch runs f in a goroutine by which all that it starts is found again.
func (r *trial) watch(f func()) {
	go pprof.Do(context.Background(), pprof.Labels("hosttest", r.label), func(context.Context) { f() })
}

// watched returns the stacks of the goroutines that are still there.
func (r *trial) watched() string {
	var b strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return err.Error()
	}
	var found []string
	for _, stack := range strings.Split(b.String(), "\n\n") {
		if strings.Contains(stack, r.label) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
