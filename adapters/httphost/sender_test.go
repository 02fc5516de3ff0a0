package httphost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers"
)

var allSenders = []Sender{Webhook, Knative, EventarcAdvanced, EventGrid, PubSubPush, EventarcStandard}

// drops says on which statuses a sender gives an event up, or takes it for
// done, as their documentation has it: testdata/README.md names it.
func drops(s Sender, status int) bool {
	if status < 300 {
		return true
	}
	switch s {
	case Knative: // repeats on 404, 409, 429 and 5xx alone
		return status != 404 && status != 409 && status != 429 && status < 500
	case EventarcAdvanced: // repeats on these alone
		switch status {
		case 408, 409, 429, 500, 502, 503, 504:
			return false
		}
		return true
	case EventGrid:
		switch status {
		case 400, 401, 403, 413:
			return true
		}
		return false
	case Webhook: // nothing is known but that it is no matter of time
		return status == 422 || status == 400
	}
	return false
}

func TestPermanentWithoutDeadLetter(t *testing.T) {
	for sender, want := range map[Sender]int{Webhook: 422, Knative: 422, EventarcAdvanced: 422, EventGrid: 400} {
		for reason, err := range map[string]error{
			"permanent":    eventfx.Permanent(errBroken),
			"no route":     eventfx.ErrNoRoute,
			"wrapped deep": errors.Join(errors.New("x"), eventfx.Permanent(errBroken)),
		} {
			t.Run(sender.String()+" "+reason, func(t *testing.T) {
				h := newTestHandler(t, record(func(*eventfx.Message) error { return err }).router, Options{Sender: sender})
				w := serve(h, structuredRequest())
				if w.Code != want || !drops(sender, w.Code) || w.Code == 404 || w.Code == 409 || w.Header().Get("Retry-After") != "" {
					t.Errorf("status %d, want %d; Retry-After %q", w.Code, want, w.Header().Get("Retry-After"))
				}
			})
		}
	}
}

// A transient fault must never have a status on which its sender drops.
func TestTransient(t *testing.T) {
	for _, sender := range allSenders {
		for _, tt := range []struct {
			reason string
			err    error
			status int
			after  string
		}{
			{"an error", errBroken, 503, "1"},
			{"a panic", &eventfx.PanicError{Value: errBroken}, 503, "1"},
			{"a delay asked for", eventfx.RetryAfter(errBroken, 1500*time.Millisecond), 503, "2"},
			{"a long delay", eventfx.RetryAfter(errBroken, 3*time.Hour), 503, "10800"},
			{"turned away", turnedAway(0), 429, "1"},
			{"turned away for a time", turnedAway(30 * time.Second), 429, "30"},
		} {
			t.Run(sender.String()+" "+tt.reason, func(t *testing.T) {
				// Rule A4.5
				h := newTestHandler(t, record(func(*eventfx.Message) error { return tt.err }).router, Options{Sender: sender, Drop: true})
				w := serve(h, structuredRequest())
				if w.Code != tt.status || w.Header().Get("Retry-After") != tt.after {
					t.Errorf("status %d, Retry-After %q, want %d, %q", w.Code, w.Header().Get("Retry-After"), tt.status, tt.after)
				}
				if drops(sender, w.Code) {
					t.Errorf("%v drops the event on %d", sender, w.Code)
				}
			})
		}
	}
}

// turnedAway is the failure of what has not run and may come later.
func turnedAway(after time.Duration) error {
	return eventfx.RetryAfter(fmt.Errorf("secret limit: %w", eventfx.ErrUnfinished), after)
}

// What a Limit turns away came too fast.
func TestLimit(t *testing.T) {
	// Rule A4.5
	synctest.Test(t, func(t *testing.T) {
		r := record(nil).router
		r.Use = []eventfx.Middleware{(&handlers.Limit{Rate: 0.1}).Wrap}
		h := newTestHandler(t, r, Options{Timeout: 5 * time.Second})
		if w := serve(h, structuredRequest()); w.Code != 204 {
			t.Errorf("status %d for the first", w.Code)
		}
		w := serve(h, structuredRequest())
		if w.Code != 429 || w.Header().Get("Retry-After") != "10" {
			t.Errorf("status %d, Retry-After %q for the second, want 429, 10", w.Code, w.Header().Get("Retry-After"))
		}
	})
}

func TestDeadLetter(t *testing.T) {
	for _, sender := range allSenders {
		t.Run(sender.String(), func(t *testing.T) {
			var dead []*eventfx.Dead
			var sinkErr error
			rec := record(func(*eventfx.Message) error { return eventfx.Permanent(errBroken) })
			rec.router.DeadLetter = func(_ context.Context, d *eventfx.Dead) error {
				if sinkErr == nil {
					dead = append(dead, d)
				}
				return sinkErr
			}
			h := newTestHandler(t, rec.router, Options{Sender: sender})
			if w := serve(h, structuredRequest()); w.Code != 204 || len(dead) != 1 {
				t.Errorf("status %d with %d dead letters, want 204 with 1", w.Code, len(dead))
			}
			// What the dead letter did not take is lost if its sender drops it.
			sinkErr = errors.New("sink is down")
			if w := serve(h, structuredRequest()); w.Code != 503 || drops(sender, w.Code) {
				t.Errorf("status %d when the dead letter fails, want 503", w.Code)
			}
		})
	}
}

// A message that cannot be read is no reason for a sender without a word for
// dropping to send it for ever.
func TestMalformedIsKept(t *testing.T) {
	for name, request := range map[string]func() *http.Request{
		"binary": func() *http.Request { return binary("", "Ce-Time", "yesterday") },
		"structured": func() *http.Request {
			return post(`{"specversion":"1.0"}`, "Content-Type", "application/cloudevents+json")
		},
		"in a push":     func() *http.Request { return push(`{"messageId":"1","data":"!"}`) },
		"no event":      func() *http.Request { return post(`{"hello":1}`, "Content-Type", "application/json") },
		"in an element": func() *http.Request { return post(`[1]`, "Content-Type", "application/cloudevents-batch+json") },
	} {
		for _, sender := range []Sender{PubSubPush, EventarcStandard} {
			t.Run(sender.String()+" "+name, func(t *testing.T) {
				var dead []*eventfx.Dead
				r := &eventfx.Router{DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
					dead = append(dead, d)
					return nil
				}}
				h := newTestHandler(t, r, Options{Sender: sender})
				for range 2 { // as it comes again after a lost answer
					if w := serve(h, request()); w.Code != 204 {
						t.Errorf("status %d: %s", w.Code, w.Body)
					}
				}
				if len(dead) != 2 || dead[0].Reason != "decode" || dead[0].Message.ID() != dead[1].Message.ID() {
					t.Fatalf("dead letters %v, want two of one id with the reason decode", dead)
				}
				if name == "binary" && dead[0].Message.Origin.Attributes["ce-time"] != "yesterday" {
					t.Errorf("the headers are lost: %v", dead[0].Message.Origin.Attributes)
				}
				other := serve(h, binary("", "Ce-Time", "tomorrow"))
				if other.Code != 204 || dead[2].Message.ID() == dead[0].Message.ID() {
					t.Errorf("another request has the id %q, too", dead[2].Message.ID())
				}
			})
		}
		t.Run("dropped "+name, func(t *testing.T) {
			h := newTestHandler(t, &eventfx.Router{}, Options{Sender: PubSubPush, Drop: true})
			if w := serve(h, request()); w.Code != 204 {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
	}
}

func push(message string) *http.Request {
	return post(`{"message":`+message+`,"subscription":"projects/p/subscriptions/orders"}`, "Content-Type", "application/json")
}

func TestDrop(t *testing.T) {
	for _, sender := range allSenders {
		h := newTestHandler(t, record(func(*eventfx.Message) error { return eventfx.Permanent(errBroken) }).router, Options{Sender: sender, Drop: true})
		if w := serve(h, structuredRequest()); w.Code != 204 {
			t.Errorf("%v: status %d for a dropped event", sender, w.Code)
		}
		h = newTestHandler(t, record(func(*eventfx.Message) error { return errBroken }).router, Options{Sender: sender, Drop: true})
		if w := serve(h, structuredRequest()); w.Code != 503 {
			t.Errorf("%v: status %d for a transient failure with Drop", sender, w.Code)
		}
	}
}

func TestHandlerRefusesToStart(t *testing.T) {
	keep := func(context.Context, *eventfx.Dead) error { return nil }
	for _, tt := range []struct {
		reason string
		router *eventfx.Router
		opts   *Options
		want   string
	}{
		{"no router", nil, nil, "nil Router"},
		{"Pub/Sub has no word for dropping", &eventfx.Router{}, &Options{Sender: PubSubPush}, "PubSubPush has no status for an event that cannot succeed and would repeat it until it expires: set Router.DeadLetter, or Options.Drop to lose such events; without a dead letter are: none"},
		{"Eventarc Standard neither", &eventfx.Router{Default: eventfx.Ignore}, &Options{Sender: EventarcStandard}, "without a dead letter are: default, none"},
		{"a dead letter", &eventfx.Router{DeadLetter: keep}, &Options{Sender: PubSubPush}, ""},
		{"explicitly", &eventfx.Router{}, &Options{Sender: EventarcStandard, Drop: true}, ""},
		{"the others have one", &eventfx.Router{}, &Options{Sender: EventGrid}, ""},
		{"nil options", &eventfx.Router{}, nil, ""},
		{"an unknown sender", &eventfx.Router{}, &Options{Sender: 99}, "unknown Sender(99)"},
		{"less than none", &eventfx.Router{}, &Options{MaxBody: -2}, "-1 is none"},
		{"a negative delay", &eventfx.Router{}, &Options{RetryAfter: -1}, "RetryAfter"},
		{"a negative rate", &eventfx.Router{}, &Options{Rate: -1}, "Rate"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			defer func() {
				value := recover()
				err, _ := value.(error)
				switch {
				case tt.want == "" && value == nil:
				case err == nil || tt.want == "" || !strings.HasPrefix(err.Error(), "httphost: ") || !strings.Contains(err.Error(), tt.want):
					t.Errorf("Handler panics with %v, want %q", value, tt.want)
				}
			}()
			Handler(tt.router, tt.opts)
		})
	}
}

// Errors tell of what is behind a service: the sender reads of what kind a
// failure is, unless ErrorText says otherwise.
func TestNothingLeaks(t *testing.T) {
	for reason, err := range map[string]error{
		"transient": errBroken, "permanent": eventfx.Permanent(errBroken), "panic": &eventfx.PanicError{Value: errBroken, Stack: []byte("secret stack")},
		"turned away": turnedAway(1),
	} {
		r := record(func(*eventfx.Message) error { return err }).router
		if w := serve(newTestHandler(t, r, Options{}), structuredRequest()); strings.Contains(w.Body.String(), "secret") || list(t, w)[0].Error == "" {
			t.Errorf("%s: the sender reads %s", reason, w.Body)
		}
	}
	r := record(func(*eventfx.Message) error { return errors.New(strings.Repeat("é", 400) + "\xff") }).router
	w := serve(newTestHandler(t, r, Options{ErrorText: func(f eventfx.Failure) string { return f.Err.Error() }}), structuredRequest())
	if diff := cmp.Diff([]failed{{"/shop", "1", strings.Repeat("é", 250) + "..."}}, list(t, w)); diff != "" {
		t.Error(diff)
	}
}
