package eventfx_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

func nop(context.Context, eventfx.Event[string]) error { return nil }

func TestRegistrationPanics(t *testing.T) {
	tests := []struct {
		name   string
		reason string
		wire   func(*eventfx.Router)
		want   []string // parts of the panic
	}{{
		name:   "equal sources",
		reason: "the second would never run; both places help to find it",
		wire: func(r *eventfx.Router) {
			eventfx.On(r, orders{"a"}, nop)
			eventfx.On(r, orders{"a"}, nop)
		},
		want: []string{"orders a registered twice: at ", "route_test.go:26 and at ", "route_test.go:27"},
	}, {
		name:   "equal sources, one for batches",
		reason: "a batch route takes the same messages",
		wire: func(r *eventfx.Router) {
			eventfx.On(r, orders{"a"}, nop)
			eventfx.OnBatch(r, orders{"a"}, func(context.Context, *eventfx.Batch[string]) error { return nil })
		},
		want: []string{"registered twice"},
	}, {
		name:   "nil handler",
		reason: "it would panic with the first message",
		wire:   func(r *eventfx.Router) { eventfx.On(r, orders{"a"}, nil) },
		want:   []string{"nil handler for orders a", "route_test.go:"},
	}, {
		name:   "nil source",
		reason: "it would panic with the first message",
		wire:   func(r *eventfx.Router) { eventfx.On[string](r, nil, nop) },
		want:   []string{"nil source", "route_test.go:"},
	}, {
		name:   "nil option",
		reason: "a policy that is not there must not look as if it were",
		wire:   func(r *eventfx.Router) { eventfx.On(r, orders{"a"}, nop, nil) },
		want:   []string{"nil option for orders a"},
	}, {
		name:   "nil middleware",
		reason: "it would panic with the first message",
		wire:   func(r *eventfx.Router) { eventfx.On(r, orders{"a"}, nop, eventfx.Middleware(nil)) },
		want:   []string{"nil option for orders a"},
	}, {
		name:   "after the first delivery",
		reason: "a route that comes and goes with time cannot be reasoned about",
		wire: func(r *eventfx.Router) {
			r.Deliver(t.Context(), nil)
			eventfx.On(r, orders{"a"}, nop)
		},
		want: []string{"after the first delivery"},
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				err, _ := recover().(error)
				if err == nil {
					t.Fatalf("no panic with an error; %s", tt.reason)
				}
				for _, part := range tt.want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("panic %q does not say %q", err, part)
					}
				}
			}()
			tt.wire(new(eventfx.Router))
		})
	}
}

func TestFirstSourceWins(t *testing.T) {
	var j journal
	note := func(name string) func(context.Context, eventfx.Event[string]) error {
		return func(_ context.Context, e eventfx.Event[string]) error {
			j.add("%s got %s", name, e.Data)
			return nil
		}
	}
	r := &eventfx.Router{}
	eventfx.On(r, orders{"order"}, note("first"))
	eventfx.On(r, orders{""}, note("second"))
	other := message("2")
	other.SetType("other")
	if failures := r.Deliver(t.Context(), append(messages("1"), other)); failures != nil {
		t.Error(failed(failures))
	}
	if diff := cmp.Diff([]string{"first got 1", "second got 2"}, j.all()); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutRoute(t *testing.T) {
	t.Run("goes back", func(t *testing.T) {
		var r eventfx.Router // the zero Router works
		failures := r.Deliver(t.Context(), messages("1"))
		if len(failures) != 1 || !errors.Is(failures[0].Err, eventfx.ErrNoRoute) {
			t.Errorf("got %v, want ErrNoRoute", failed(failures))
		}
	})
	t.Run("is permanent", func(t *testing.T) {
		// Rule H6: no retry helps against a missing route.
		var b bin
		r := &eventfx.Router{DeadLetter: b.keep, Retry: eventfx.Retry{Attempts: 3}}
		if failures := r.Deliver(t.Context(), messages("1")); failures != nil {
			t.Error(failed(failures))
		}
		if diff := cmp.Diff([]string{"1 permanent after 0: eventfx: no route for the message"}, b.story()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("default", func(t *testing.T) {
		var got string
		r := &eventfx.Router{Default: func(_ context.Context, d *eventfx.Delivery) error {
			got = d.Route + " " + d.Messages[0].ID()
			return nil
		}}
		if failures := r.Deliver(t.Context(), messages("1")); failures != nil || got != "default 1" {
			t.Errorf("default got %q, failures %v", got, failed(failures))
		}
	})
	t.Run("ignored and counted", func(t *testing.T) {
		var j journal
		r := &eventfx.Router{Default: eventfx.Ignore}
		r.Observer.Message = func(ctx context.Context, route string, m *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
			j.add("%s %s", route, m.ID())
			return nil, nil
		}
		if failures := r.Deliver(t.Context(), messages("1")); failures != nil {
			t.Error(failed(failures))
		}
		if diff := cmp.Diff([]string{"default 1"}, j.all()); diff != "" {
			t.Error(diff)
		}
	})
}

type panicky struct{ orders }

func (panicky) Match(*eventfx.Message) bool { panic("bad source") }

func TestMatchPanics(t *testing.T) {
	r := &eventfx.Router{}
	eventfx.On(r, panicky{}, nop)
	got := failed(r.Deliver(t.Context(), messages("1", "2")))
	if diff := cmp.Diff([]string{"1: panic: bad source", "2: panic: bad source"}, got); diff != "" {
		t.Error(diff)
	}
}
