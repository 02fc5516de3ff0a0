package eventfx_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

// memory is a small Once: it skips ids that are done.
type memory struct {
	done map[string]bool
	seen []string // what each delivery came to
}

func (o *memory) once(next eventfx.Handler) eventfx.Handler {
	return func(ctx context.Context, d *eventfx.Delivery) error {
		rest := &eventfx.Delivery{Route: d.Route}
		for _, m := range d.Messages {
			if !o.done[m.ID()] {
				rest.Messages = append(rest.Messages, m)
			}
		}
		if len(rest.Messages) == 0 {
			o.seen = append(o.seen, "skipped")
			return nil
		}
		err := next(ctx, rest)
		failures := rest.Failures(err)
		for _, m := range rest.Messages {
			if !slices.ContainsFunc(failures, func(f eventfx.Failure) bool { return f.Message == m }) {
				o.done[m.ID()] = true
			}
		}
		if err == nil {
			o.seen = append(o.seen, "commit")
		} else {
			o.seen = append(o.seen, "release: "+err.Error())
		}
		return err
	}
}

func TestOnceSeesOneOutcome(t *testing.T) {
	tests := []struct {
		name, reason string
		answer       func(context.Context) error
		deadLetter   bool
		want         []string
		back         []string
	}{
		{"done", "it commits", always(nil), false, []string{"commit", "skipped"}, nil},
		{"retried", "retries are inside: it locks once", times(2, errBroken), false, []string{"commit", "skipped"}, nil},
		{"failed", "it releases", always(errBroken), false, []string{"release: broken", "release: broken"}, []string{"1: broken"}},
		{"dead", "Rule H7: a replay keeps its id and must run, so it releases", always(eventfx.Permanent(errBroken)), true, []string{"release: broken", "release: broken"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b bin
				o := &memory{done: map[string]bool{}}
				r := &eventfx.Router{Once: o.once, Retry: eventfx.Retry{Attempts: 3}}
				if tt.deadLetter {
					r.DeadLetter = b.keep
				}
				var j journal
				eventfx.On(r, orders{}, j.script(map[string]func(context.Context) error{"1": tt.answer}))
				r.Deliver(t.Context(), messages("1"))
				failures := r.Deliver(t.Context(), messages("1"))
				if diff := cmp.Diff(tt.want, o.seen); diff != "" {
					t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
				}
				if diff := cmp.Diff(tt.back, failed(failures)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
				}
			})
		})
	}
}

func TestOnceOfABatch(t *testing.T) {
	o := &memory{done: map[string]bool{"2": true}}
	var runs [][]string
	r := &eventfx.Router{Once: o.once}
	eventfx.OnBatch(r, orders{}, func(_ context.Context, b *eventfx.Batch[string]) error {
		var ids []string
		for e := range b.All() {
			ids = append(ids, e.Data)
			if e.Data == "3" {
				b.Fail(e, errBroken)
			}
		}
		runs = append(runs, ids)
		return nil
	})
	failures := r.Deliver(t.Context(), messages("1", "2", "3"))
	if diff := cmp.Diff([]string{"3: broken"}, failed(failures)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{"1", "3"}}, runs); diff != "" {
		t.Error(diff)
	}
	if !o.done["1"] || o.done["3"] {
		t.Errorf("done: %v, want 1 and 2", o.done)
	}
}

// What a Once refuses for good is dead like any other message that cannot
// succeed, or it would block its group and its stream for ever.
func TestOnceRefuses(t *testing.T) {
	// Rule H5, Rule H6
	refuse := func(ids ...string) eventfx.Once {
		return func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error {
				e := &eventfx.BatchError{}
				rest := &eventfx.Delivery{Route: d.Route}
				for _, m := range d.Messages {
					switch {
					case slices.Contains(ids, m.ID()):
						e.Failures = append(e.Failures, eventfx.Failure{Message: m, Err: eventfx.Permanent(errBroken)})
					case len(e.Failures) > 0 && m.Group != "":
						e.Failures = append(e.Failures, eventfx.Failure{Message: m, Err: eventfx.ErrUnfinished})
					default:
						rest.Messages = append(rest.Messages, m)
					}
				}
				if len(rest.Messages) > 0 {
					e.Failures = append(e.Failures, rest.Failures(next(ctx, rest))...)
				}
				if len(e.Failures) == 0 {
					return nil
				}
				return e
			}
		}
	}
	tests := []struct {
		reason  string
		group   string
		refused []string
		fails   string // by its handler
		dead    []string
		back    []string
		ran     []string
	}{
		{"the others are done", "", []string{"2"}, "", []string{"2: permanent"}, nil, []string{"1", "3"}},
		{"what goes back does not matter without a group", "", []string{"2"}, "1", []string{"2: permanent"}, []string{"1: broken"}, []string{"1", "3"}},
		{"in a group the next runs when it is dead", "g", []string{"1"}, "", []string{"1: permanent"}, nil, []string{"2", "3"}},
		{"two of a group, one after the other", "g", []string{"1", "2"}, "", []string{"1: permanent", "2: permanent"}, nil, []string{"3"}},
		{"it has no turn behind one that goes back", "g", []string{"2"}, "1", nil, []string{"1: broken", "2: blocked", "3: blocked"}, []string{"1"}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			var b bin
			r := &eventfx.Router{Once: refuse(tt.refused...), DeadLetter: b.keep, Retry: eventfx.Retry{Deliveries: -1}}
			var ran []string
			eventfx.OnBatch(r, orders{}, func(_ context.Context, b *eventfx.Batch[string]) error {
				for e := range b.All() {
					ran = append(ran, e.ID())
					if e.ID() == tt.fails {
						b.Fail(e, errBroken)
					}
				}
				return nil
			})
			ms := messages("1", "2", "3")
			for _, m := range ms {
				m.Group = tt.group
			}
			var back []string
			for _, f := range r.Deliver(t.Context(), ms) {
				text := f.Err.Error()
				if errors.Is(f.Err, eventfx.ErrUnfinished) {
					text = "blocked"
				}
				back = append(back, f.Message.ID()+": "+text)
			}
			var dead []string
			for _, d := range b.dead {
				dead = append(dead, d.Message.ID()+": "+d.Reason)
			}
			for name, pair := range map[string][2][]string{"dead": {tt.dead, dead}, "back": {tt.back, back}, "ran": {tt.ran, ran}} {
				if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestOnceDecides(t *testing.T) {
	errStore := errors.New("store is down")
	type once = func(eventfx.Handler) eventfx.Handler
	tests := []struct {
		name, reason string
		once         once
		runs         int
		back         []string
	}{{
		name:   "refuses",
		reason: "a duplicate in flight goes back with a delay, and does not run",
		once: func(eventfx.Handler) eventfx.Handler {
			return func(context.Context, *eventfx.Delivery) error {
				return eventfx.RetryAfter(errors.New("in progress"), time.Minute)
			}
		},
		back: []string{"1: in progress (after 1m0s)"},
	}, {
		name:   "commit fails",
		reason: "it is unsure whether the message would be skipped the next time",
		once: func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error {
				return errors.Join(next(ctx, d), errStore)
			}
		},
		runs: 1, back: []string{"1: store is down"},
	}, {
		name:   "panics",
		reason: "it is a failure of the message",
		once: func(eventfx.Handler) eventfx.Handler {
			return func(context.Context, *eventfx.Delivery) error { panic("once") }
		},
		back: []string{"1: panic: once"},
	}, {
		name:   "foreign context",
		reason: "the policy cannot know for whom it runs",
		once: func(next eventfx.Handler) eventfx.Handler {
			return func(_ context.Context, d *eventfx.Delivery) error { return next(context.Background(), d) }
		},
		back: []string{"1: eventfx: a Once must call its next handler with the context that it got, or one derived from it"},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runs := 0
			r := &eventfx.Router{}
			eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error { runs++; return nil }, eventfx.Once(tt.once))
			failures := r.Deliver(t.Context(), messages("1"))
			if diff := cmp.Diff(tt.back, failed(failures)); diff != "" || runs != tt.runs {
				t.Errorf("%s: %d runs, want %d (-want +got):\n%s", tt.reason, runs, tt.runs, diff)
			}
		})
	}
}

// A Once cannot turn a failure into a success.
func TestOnceCannotSwallow(t *testing.T) {
	r := &eventfx.Router{Once: func(next eventfx.Handler) eventfx.Handler {
		return func(ctx context.Context, d *eventfx.Delivery) error {
			_ = next(ctx, d)
			return nil
		}
	}}
	eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error { return errBroken })
	if diff := cmp.Diff([]string{"1: broken"}, failed(r.Deliver(t.Context(), messages("1")))); diff != "" {
		t.Error(diff)
	}
}

// The handler's context ends with the lease that a Once sets.
func TestOnceLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 5, Delay: func(int, error) time.Duration { return time.Second }}}
		r.Once = func(next eventfx.Handler) eventfx.Handler {
			return func(ctx context.Context, d *eventfx.Delivery) error {
				ctx, cancel := context.WithTimeout(ctx, 2500*time.Millisecond)
				defer cancel()
				return next(ctx, d)
			}
		}
		runs := 0
		eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error { runs++; return errBroken })
		r.Deliver(t.Context(), messages("1"))
		if took := time.Since(begin); runs != 3 || took != 2*time.Second {
			t.Errorf("%d runs in %v, want 3 in 2s", runs, took)
		}
	})
}

func TestOrderOfPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		wrap := func(name string) func(eventfx.Handler) eventfx.Handler {
			return func(next eventfx.Handler) eventfx.Handler {
				return func(ctx context.Context, d *eventfx.Delivery) error {
					j.add("%s begins, attempt %d", name, d.Attempt)
					err := next(ctx, d)
					j.add("%s ends: %v", name, err)
					return err
				}
			}
		}
		r := &eventfx.Router{
			Once:  wrap("once"),
			Use:   []eventfx.Middleware{wrap("outer"), wrap("inner")},
			Retry: eventfx.Retry{Attempts: 2, Deliveries: 1},
			DeadLetter: func(context.Context, *eventfx.Dead) error {
				j.add("dead letter")
				return nil
			},
		}
		eventfx.On(r, orders{}, func(context.Context, eventfx.Event[string]) error { return errBroken }, eventfx.Middleware(wrap("route's")))
		r.Deliver(t.Context(), messages("1"))
		want := []string{
			"once begins, attempt 0",
			"outer begins, attempt 1", "inner begins, attempt 1", "route's begins, attempt 1",
			"route's ends: broken", "inner ends: broken", "outer ends: broken",
			"outer begins, attempt 2", "inner begins, attempt 2", "route's begins, attempt 2",
			"route's ends: broken", "inner ends: broken", "outer ends: broken",
			"dead letter",
			"once ends: broken",
		}
		if diff := cmp.Diff(want, j.all()); diff != "" {
			t.Error(diff)
		}
	})
}
