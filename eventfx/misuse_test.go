package eventfx_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

func identity(next eventfx.Handler) eventfx.Handler { return next }

// What a Once, middleware or a handler does wrong must cost a redelivery at
// most, and never a message.
func TestMisuseLosesNothing(t *testing.T) {
	type once = func(eventfx.Handler) eventfx.Handler
	tests := []struct {
		name, reason string
		once         once
		use          eventfx.Middleware
		fallback     eventfx.Handler
		back         []string
	}{{
		name:     "nil BatchError",
		reason:   "a typed nil says nothing about what failed",
		fallback: func(context.Context, *eventfx.Delivery) error { return (*eventfx.BatchError)(nil) },
		back:     []string{"1: eventfx: the handler returned a *BatchError that is nil: it does not say what failed"},
	}, {
		name:     "nil BatchError under a Once",
		reason:   "it must not be taken for a delivery that was left out",
		once:     identity,
		fallback: func(context.Context, *eventfx.Delivery) error { return (*eventfx.BatchError)(nil) },
		back:     []string{"1: eventfx: the handler returned a *BatchError that is nil: it does not say what failed"},
	}, {
		name:   "joined",
		reason: "the other error is about all messages",
		use: func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error {
				return errors.Join(&eventfx.BatchError{Failures: []eventfx.Failure{{Message: d.Messages[0], Err: errBroken}}}, errBroken)
			}
		},
		back: []string{"1: messages failed: 1; 1: broken\nbroken"},
	}, {
		name:   "strange messages",
		reason: "the policy cannot run what is not of the delivery",
		once: func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, _ *eventfx.Delivery) error {
				return next(ctx, &eventfx.Delivery{Messages: messages("9")})
			}
		},
		back: []string{"1: eventfx: a Once must call its next handler with messages of the delivery that it got, or clones of them"},
	}, {
		name:   "a strange message among others",
		reason: "nothing of it runs: which delivery it belongs to is not known",
		once: func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error {
				return next(ctx, &eventfx.Delivery{Messages: append(messages("9"), d.Messages...)})
			}
		},
		back: []string{"1: eventfx: a Once must call its next handler with messages of the delivery that it got, or clones of them"},
	}, {
		name:   "no messages",
		reason: "nothing was run, so nothing is done",
		once: func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, _ *eventfx.Delivery) error { return next(ctx, &eventfx.Delivery{}) }
		},
		back: []string{"1: eventfx: a Once must call its next handler with messages of the delivery that it got, or clones of them"},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &eventfx.Router{Once: tt.once, Default: tt.fallback}
			if tt.fallback == nil {
				r.Default = eventfx.Ignore
			}
			if tt.use != nil {
				r.Use = []eventfx.Middleware{tt.use}
			}
			if diff := cmp.Diff(tt.back, failed(r.Deliver(t.Context(), messages("1")))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
			}
		})
	}
}

// Clones may stand for their messages, both in a Once and in middleware.
func TestClones(t *testing.T) {
	cloned := func(next eventfx.Handler) eventfx.Handler {
		return func(ctx context.Context, d *eventfx.Delivery) error {
			c := &eventfx.Delivery{Route: d.Route}
			for _, m := range d.Messages {
				c.Messages = append(c.Messages, m.Clone().Clone())
			}
			return next(ctx, c)
		}
	}
	var b bin
	var runs []string
	r := &eventfx.Router{Once: cloned, Use: []eventfx.Middleware{cloned}, DeadLetter: b.keep}
	eventfx.OnBatch(r, orders{}, func(_ context.Context, batch *eventfx.Batch[string]) error {
		for e := range batch.All() {
			runs = append(runs, e.Data)
			switch e.Data {
			case "2":
				batch.Fail(e, errBroken)
			case "3":
				batch.Fail(e, eventfx.Permanent(errBroken))
			}
		}
		return nil
	})
	if diff := cmp.Diff([]string{"2: broken"}, failed(r.Deliver(t.Context(), messages("1", "2", "3")))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"3 permanent after 1: broken"}, b.story()); diff != "" || len(runs) != 3 {
		t.Errorf("runs %v, dead letters (-want +got):\n%s", runs, diff)
	}
}

func TestNilHandlersPanic(t *testing.T) {
	for what, r := range map[string]*eventfx.Router{
		"Once":       {Once: func(eventfx.Handler) eventfx.Handler { return nil }, Default: eventfx.Ignore},
		"middleware": {Use: []eventfx.Middleware{func(eventfx.Handler) eventfx.Handler { return nil }}, Default: eventfx.Ignore},
	} {
		func() {
			defer func() {
				if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), what) {
					t.Errorf("%s that returns nil: %v", what, err)
				}
			}()
			r.Deliver(t.Context(), messages("1"))
		}()
	}
}

// An observer's panic is not a message's failure.
func TestObserverPanics(t *testing.T) {
	boom := func() { panic("metrics are down") }
	tests := map[string]eventfx.Observer{
		"batch begins": {Batch: func(context.Context, []*eventfx.Message) (context.Context, func([]eventfx.Failure)) {
			boom()
			return nil, nil
		}},
		"batch ends": {Batch: func(context.Context, []*eventfx.Message) (context.Context, func([]eventfx.Failure)) {
			return nil, func([]eventfx.Failure) { boom() }
		}},
		"message begins": {Message: func(context.Context, string, *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
			boom()
			return nil, nil
		}},
		"message ends": {Message: func(context.Context, string, *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
			return nil, func(error, *eventfx.Dead) { boom() }
		}},
		"attempt begins": {Attempt: func(context.Context, *eventfx.Delivery) (context.Context, func(error, time.Duration)) {
			boom()
			return nil, nil
		}},
		"attempt ends": {Attempt: func(context.Context, *eventfx.Delivery) (context.Context, func(error, time.Duration)) {
			return nil, func(error, time.Duration) { boom() }
		}},
	}
	for name, observer := range tests {
		t.Run(name, func(t *testing.T) {
			var j journal
			r := &eventfx.Router{Observer: observer, Once: identity}
			eventfx.On(r, orders{}, j.script(map[string]func(context.Context) error{"2": always(errBroken)}))
			if diff := cmp.Diff([]string{"2: broken"}, failed(r.Deliver(t.Context(), messages("1", "2")))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"1", "2"}, j.all()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// No handler starts after Deliver has returned, whatever a Once waits for.
func TestNothingStartsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := &eventfx.Router{Once: func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error {
				time.Sleep(time.Minute)
				return next(context.WithoutCancel(ctx), d)
			}
		}}
		eventfx.On(r, orders{}, j.script(nil))
		if got := len(r.Deliver(ctx, messages("1"))); got != 1 {
			t.Errorf("%d failures, want 1", got)
		}
		time.Sleep(time.Hour)
		if lines := j.all(); lines != nil {
			t.Errorf("it ran: %v", lines)
		}
	})
}

// A dead letter that would be written after Deliver has returned is refused:
// the message is on its way back.
func TestNoLateDeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bin
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := &eventfx.Router{DeadLetter: b.keep}
		// The end of the attempt is told between the run and the dead letter.
		r.Observer.Attempt = func(context.Context, *eventfx.Delivery) (context.Context, func(error, time.Duration)) {
			return nil, func(error, time.Duration) { time.Sleep(time.Minute) }
		}
		eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error { return eventfx.Permanent(errBroken) })
		if got := len(r.Deliver(ctx, messages("1"))); got != 1 {
			t.Errorf("%d failures, want 1", got)
		}
		time.Sleep(time.Hour)
		if b.story() != nil {
			t.Errorf("dead letters: %v", b.story())
		}
	})
}

// A Once that lets go of its message before the handler has ended waits for it.
func TestOnceReturnsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &eventfx.Router{Once: func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error {
				go func() { _ = next(ctx, d) }()
				time.Sleep(time.Second)
				return errors.New("the lease is lost")
			}
		}}
		ended := false
		eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error {
			time.Sleep(time.Minute)
			ended = true
			return nil
		})
		failures := r.Deliver(t.Context(), messages("1"))
		if diff := cmp.Diff([]string{"1: the lease is lost"}, failed(failures)); diff != "" || !ended {
			t.Errorf("ended: %v (-want +got):\n%s", ended, diff)
		}
	})
}

// A Once that has let go of its message cannot run it any more.
func TestNothingRunsAfterTheReview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		r := &eventfx.Router{Concurrency: 2, Once: func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error {
				if d.Messages[0].ID() == "2" {
					return next(ctx, d)
				}
				time.AfterFunc(time.Second, func() { _ = next(ctx, d) })
				return errors.New("in progress elsewhere")
			}
		}}
		eventfx.On(r, orders{}, func(_ context.Context, e eventfx.Event[string]) error {
			time.Sleep(time.Minute)
			j.add("%s", e.Data)
			return nil
		})
		failures := r.Deliver(t.Context(), messages("1", "2"))
		if diff := cmp.Diff([]string{"1: in progress elsewhere"}, failed(failures)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"2"}, j.all()); diff != "" {
			t.Error(diff)
		}
	})
}

// A handler that ends the caller's own goroutine leaves nothing behind: the
// bubble ends only when no lane waits for its retry any more.
func TestGoexitOnTheCaller(t *testing.T) {
	for i := range 50 { // either goroutine may get either message
		synctest.Test(t, func(t *testing.T) {
			r := &eventfx.Router{Concurrency: 2, Retry: eventfx.Retry{Attempts: 2, Delay: func(int, error) time.Duration { return time.Hour }}}
			eventfx.On(r, orders{}, func(_ context.Context, e eventfx.Event[string]) error {
				if e.Data == "exits" {
					time.Sleep(time.Second)
					new(testing.T).FailNow()
				}
				return errBroken
			})
			ms := messages("exits", "waits")
			if i%2 == 0 {
				ms[0], ms[1] = ms[1], ms[0]
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				r.Deliver(context.Background(), ms)
			}()
			<-done
		})
	}
}

// A message that its source will not deliver again is dead for want of time,
// too: it would be lost.
func TestLastDeliveryOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, last := range []bool{true, false} {
			var b bin
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			r := &eventfx.Router{DeadLetter: b.keep, Retry: eventfx.Retry{Attempts: 3}}
			eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error {
				return eventfx.RetryAfter(errBroken, time.Minute)
			})
			m := message("1")
			m.Origin.Last = last
			if back := r.Deliver(ctx, []*eventfx.Message{m}); (len(b.dead) == 1) != last || (len(back) == 0) != last {
				t.Errorf("last %v: dead %v, back %v", last, b.story(), failed(back))
			}
		}
	})
}

// Delivery.Failures reads an error as the router does.
func TestFailures(t *testing.T) {
	ms := messages("1", "2")
	d := &eventfx.Delivery{Messages: ms}
	one := &eventfx.BatchError{Failures: []eventfx.Failure{{Message: ms[1].Clone(), Err: errBroken, After: time.Second}}}
	tests := []struct {
		name string
		err  error
		want []string
	}{
		{"nil", nil, nil},
		{"one", one, []string{"2: broken (after 1s)"}},
		{"wrapped", eventfx.Permanent(one), []string{"2: broken (after 1s)"}},
		{"plain", eventfx.RetryAfter(errBroken, time.Minute), []string{"1: broken (after 1m0s)", "2: broken (after 1m0s)"}},
		{"empty", &eventfx.BatchError{}, []string{"1: messages failed: 0", "2: messages failed: 0"}},
		{"joined", errors.Join(one, errBroken), []string{"1: messages failed: 1; 2: broken\nbroken", "2: messages failed: 1; 2: broken\nbroken"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, failed(d.Failures(tt.err))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := len(d.Failures(eventfx.Permanent((*eventfx.BatchError)(nil)))); got != 2 {
		t.Errorf("a nil BatchError fails %d messages, want all", got)
	}
}

// The delay of a Failure inside a BatchError is kept like that of an error.
func TestDelayOfABatchError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 2}}
		r.Default = func(_ context.Context, d *eventfx.Delivery) error {
			return &eventfx.BatchError{Failures: []eventfx.Failure{{Message: d.Messages[0], Err: errBroken, After: time.Minute}}}
		}
		failures := r.Deliver(t.Context(), messages("1"))
		if diff := cmp.Diff([]string{"1: broken (after 1m0s)"}, failed(failures)); diff != "" || time.Since(begin) != time.Minute {
			t.Errorf("after %v (-want +got):\n%s", time.Since(begin), diff)
		}
	})
}

// A Once may change its Delivery in place: its answer is still about the
// messages that it names.
func TestOnceReordersItsDelivery(t *testing.T) {
	var runs []string
	r := &eventfx.Router{Once: func(next eventfx.Handler) eventfx.Handler {
		return func(ctx context.Context, d *eventfx.Delivery) error {
			first, second := d.Messages[0], d.Messages[1]
			d.Messages[0], d.Messages[1] = second, first
			refused := eventfx.Failure{Message: first, Err: errors.New("in progress")}
			if err := next(ctx, &eventfx.Delivery{Messages: []*eventfx.Message{second}}); err != nil {
				return err
			}
			return &eventfx.BatchError{Failures: []eventfx.Failure{refused}}
		}
	}}
	eventfx.OnBatch(r, orders{}, func(_ context.Context, b *eventfx.Batch[string]) error {
		for e := range b.All() {
			runs = append(runs, e.Data)
		}
		return nil
	})
	if diff := cmp.Diff([]string{"1: in progress"}, failed(r.Deliver(t.Context(), messages("1", "2")))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"2"}, runs); diff != "" {
		t.Error(diff)
	}
}
