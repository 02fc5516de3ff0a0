package eventfx_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

// domainError knows its nature without knowing eventfx.
type domainError struct {
	permanent bool
	after     time.Duration
}

func (domainError) Error() string               { return "domain" }
func (e domainError) Permanent() bool           { return e.permanent }
func (e domainError) RetryAfter() time.Duration { return e.after }

func TestOutcomes(t *testing.T) {
	tests := []struct {
		name, reason string
		answer       func(context.Context) error
		runs         int
		back         []string
		dead         []string
	}{
		{name: "nil", reason: "nil is done", answer: always(nil), runs: 1},
		{name: "error", reason: "an error is transient: run again, then back to the source",
			answer: always(errBroken), runs: 3, back: []string{"1: broken"}},
		{name: "recovers", reason: "a later run may succeed", answer: times(2, errBroken), runs: 3},
		{name: "permanent", reason: "Rule H6: it is not run again",
			answer: always(eventfx.Permanent(errBroken)), runs: 1, dead: []string{"1 permanent after 1: broken"}},
		{name: "wrapped permanent", reason: "wrapping does not change what an error is",
			answer: always(fmt.Errorf("ship: %w", eventfx.Permanent(errBroken))), runs: 1, dead: []string{"1 permanent after 1: ship: broken"}},
		{name: "permanent by method", reason: "domain code need not import eventfx",
			answer: always(domainError{permanent: true}), runs: 1, dead: []string{"1 permanent after 1: domain"}},
		{name: "not permanent by method", reason: "a method may answer no",
			answer: always(domainError{after: time.Second}), runs: 3, back: []string{"1: domain (after 1s)"}},
		{name: "delay asked", reason: "a delay that is not kept here is handed to the source",
			answer: always(eventfx.RetryAfter(errBroken, time.Minute)), runs: 3, back: []string{"1: broken (after 1m0s)"}},
		{name: "panic", reason: "a panic is a transient failure of that message",
			answer: func(context.Context) error { panic("boom") }, runs: 3, back: []string{"1: panic: boom"}},
		{name: "panic once", reason: "a panic is run again like an error",
			answer: func() func(context.Context) error {
				n := 0
				return func(context.Context) error {
					if n++; n == 1 {
						panic("boom")
					}
					return nil
				}
			}(), runs: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var j journal
				var b bin
				r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 3}, DeadLetter: b.keep}
				eventfx.On(r, orders{}, j.script(map[string]func(context.Context) error{"1": tt.answer}))
				failures := r.Deliver(t.Context(), messages("1"))
				if got := len(j.all()); got != tt.runs {
					t.Errorf("%d runs, want %d; %s", got, tt.runs, tt.reason)
				}
				if diff := cmp.Diff(tt.back, failed(failures)); diff != "" {
					t.Errorf("%s: back (-want +got):\n%s", tt.reason, diff)
				}
				if diff := cmp.Diff(tt.dead, b.story()); diff != "" {
					t.Errorf("%s: dead (-want +got):\n%s", tt.reason, diff)
				}
			})
		})
	}
}

func TestNilErrorsStayNil(t *testing.T) {
	if eventfx.Permanent(nil) != nil || eventfx.RetryAfter(nil, time.Second) != nil {
		t.Error("a nil error was made an error: a handler that returns it would fail")
	}
}

func TestUndecodable(t *testing.T) {
	var j journal
	var b bin
	r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 3}, DeadLetter: b.keep}
	eventfx.On(r, orders{}, j.script(nil))
	undecodable := message("1")
	undecodable.DataEncoded = []byte(`{`)
	unreadable := message("2")
	unreadable.Err = errors.New("record 2: no body")
	if failures := r.Deliver(t.Context(), []*eventfx.Message{undecodable, unreadable}); failures != nil {
		t.Error(failed(failures))
	}
	if lines := j.all(); lines != nil {
		t.Errorf("the handler ran: %v", lines)
	}
	want := []string{
		"1 decode after 1: decode: unexpected end of JSON input",
		"2 decode after 0: decode: record 2: no body",
	}
	if diff := cmp.Diff(want, b.story()); diff != "" {
		t.Error(diff)
	}
}

func TestPanicTouchesNoOther(t *testing.T) {
	var j journal
	r := &eventfx.Router{}
	eventfx.On(r, orders{}, j.script(map[string]func(context.Context) error{
		"2": func(context.Context) error { panic(errBroken) },
	}))
	failures := r.Deliver(t.Context(), messages("1", "2", "3"))
	if diff := cmp.Diff([]string{"2: panic: broken"}, failed(failures)); diff != "" {
		t.Error(diff)
	}
	panicked, ok := errors.AsType[*eventfx.PanicError](failures[0].Err)
	if !ok || !strings.Contains(string(panicked.Stack), "outcome_test.go") {
		t.Errorf("the stack does not show the handler:\n%s", panicked.Stack)
	}
	if !errors.Is(failures[0].Err, errBroken) {
		t.Error("the panic's error is not found by errors.Is")
	}
}

// A BatchError must not be searched for its children: one poison message would
// mark its neighbours as permanent.
func TestBatchErrorHidesItsChildren(t *testing.T) {
	err := &eventfx.BatchError{Failures: []eventfx.Failure{{Message: message("1"), Err: eventfx.Permanent(errBroken)}}}
	if _, ok := errors.AsType[*eventfx.PermanentError](error(err)); ok {
		t.Error("a BatchError was taken for permanent")
	}
}

func TestGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		r := &eventfx.Router{}
		eventfx.On(r, orders{}, func(_ context.Context, e eventfx.Event[string]) error {
			j.add("%s", e.Data)
			if e.Data == "2" {
				new(testing.T).FailNow() // ends the goroutine
			}
			return nil
		})
		failures := r.Deliver(t.Context(), messages("1", "2", "3"))
		if diff := cmp.Diff([]string{"2: eventfx: message not finished"}, failed(failures)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"1", "2", "3"}, j.all()); diff != "" {
			t.Error(diff)
		}
	})
}
