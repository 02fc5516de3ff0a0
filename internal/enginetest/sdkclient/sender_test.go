package sdkclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/client"
	cecontext "github.com/cloudevents/sdk-go/v2/context"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/protocol"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/httphost"
	"github.com/eventfx/eventfx-go/eventfx"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// A target is a server of httphost that keeps what it was sent, and fails
// what it is told to.
type target struct {
	url  string
	mu   sync.Mutex
	got  []event.Event
	fail func(event.Event) error
}

func newTarget(t *testing.T, fail func(event.Event) error) *target {
	target := &target{fail: fail}
	r := &eventfx.Router{Default: func(_ context.Context, d *eventfx.Delivery) error {
		target.mu.Lock()
		defer target.mu.Unlock()
		target.got = append(target.got, d.Messages[0].Event)
		if target.fail == nil {
			return nil
		}
		return target.fail(d.Messages[0].Event)
	}}
	server := httptest.NewServer(httphost.Handler(r, nil))
	t.Cleanup(server.Close)
	target.url = server.URL
	return target
}

// events are what an SDK may be asked to send.
func events(t *testing.T) map[string]event.Event {
	make := func(change func(*event.Event) error) event.Event {
		e := event.New()
		e.SetID(`1 "%é€😀`)
		e.SetSource("urn:shop:eu?a=b#c")
		e.SetType("order.placed")
		e.SetSubject(`a b+c/ü100%"\.jpg`)
		e.SetTime(time.Date(2026, 11, 23, 9, 0, 0, 123456789, time.UTC))
		e.SetDataSchema("https://example.com/schema?v=1")
		e.SetExtension("partitionkey", "customer 7")
		if err := change(&e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	return map[string]event.Event{
		"JSON":    make(func(e *event.Event) error { return e.SetData("application/json", map[string]any{"n": 1, "s": "ü"}) }),
		"text":    make(func(e *event.Event) error { return e.SetData("text/plain", "hé\n\"x\"") }),
		"bytes":   make(func(e *event.Event) error { return e.SetData("image/png", []byte{0xff, 0, 1}) }),
		"nothing": make(func(*event.Event) error { return nil }),
	}
}

// sameEvent compares what was sent with what was received: the data by its
// bytes, for the modes differ in what they say about text.
func sameEvent(sent, received event.Event) string {
	of := func(e event.Event) map[string]string {
		m := map[string]string{"id": e.ID(), "source": e.Source(), "type": e.Type(), "subject": e.Subject(), "time": e.Time().Format(time.RFC3339Nano),
			"dataschema": e.DataSchema(), "datacontenttype": e.DataContentType(), "data": string(e.Data())}
		for name, value := range e.Extensions() {
			m["ext "+name] = fmt.Sprint(value)
		}
		return m
	}
	return cmp.Diff(of(sent), of(received))
}

func TestClientSendsAllModes(t *testing.T) {
	modes := map[string]func(context.Context) context.Context{
		"binary":     binding.WithForceBinary,
		"structured": binding.WithForceStructured,
		"default":    func(ctx context.Context) context.Context { return ctx },
	}
	for name, e := range events(t) {
		for mode, with := range modes {
			t.Run(mode+" "+name, func(t *testing.T) {
				target := newTarget(t, nil)
				c, err := client.NewHTTP(cehttp.WithTarget(target.url))
				if err != nil {
					t.Fatal(err)
				}
				if result := c.Send(with(t.Context()), e); !protocol.IsACK(result) {
					t.Fatalf("not acknowledged: %v", result)
				}
				if len(target.got) != 1 {
					t.Fatalf("received %d events", len(target.got))
				}
				if diff := sameEvent(e, target.got[0]); diff != "" {
					t.Errorf("-sent +received:\n%s", diff)
				}
			})
		}
	}
}

func TestClientSendsBatches(t *testing.T) {
	target := newTarget(t, func(e event.Event) error {
		if strings.HasPrefix(e.DataContentType(), "text/") {
			return errors.New("secret")
		}
		return nil
	})
	all := events(t)
	var sent []event.Event
	for i, name := range []string{"JSON", "text", "bytes", "nothing"} {
		e := all[name].Clone()
		e.SetID(fmt.Sprint(i))
		sent = append(sent, e)
	}
	req, err := cehttp.NewHTTPRequestFromEvents(t.Context(), target.url, sent)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if want := `[{"source":"urn:shop:eu?a=b#c","id":"1","error":"failed, and may succeed later"}]` + "\n"; err != nil || resp.StatusCode != 503 || string(body) != want {
		t.Errorf("status %d, body %s, %v, want 503, %s", resp.StatusCode, body, err, want)
	}
	slices.SortFunc(target.got, func(a, b event.Event) int { return strings.Compare(a.ID(), b.ID()) })
	if len(target.got) != len(sent) {
		t.Fatalf("received %d of %d", len(target.got), len(sent))
	}
	for i := range sent {
		if diff := sameEvent(sent[i], target.got[i]); diff != "" {
			t.Errorf("-sent +received:\n%s", diff)
		}
	}
}

// The SDK writes header values as they are, where CloudEvents has them
// percent-encoded, and a receiver has to decode them. So what looks like an
// escape does not survive its binary mode. If this fails the SDK was mended.
func TestClientDoesNotEncodeHeaders(t *testing.T) {
	for want, with := range map[string]func(context.Context) context.Context{"a%41": binding.WithForceStructured, "aA": binding.WithForceBinary} {
		target := newTarget(t, nil)
		c, err := client.NewHTTP(cehttp.WithTarget(target.url))
		if err != nil {
			t.Fatal(err)
		}
		e := events(t)["JSON"].Clone()
		e.SetSubject("a%41")
		if result := c.Send(with(t.Context()), e); !protocol.IsACK(result) || target.got[0].Subject() != want {
			t.Errorf("%v: subject %q, want %q", result, target.got[0].Subject(), want)
		}
	}
}

// What the client makes of the answers: done is an ACK, everything else a NACK
// with the status; and it tries again where it is told that it may.
func TestClientReadsAnswers(t *testing.T) {
	for reason, tt := range map[string]struct {
		err    error
		status int
	}{
		"permanent": {eventfx.Permanent(errors.New("x")), 422},
		"transient": {errors.New("x"), 503},
	} {
		t.Run(reason, func(t *testing.T) {
			target := newTarget(t, func(event.Event) error { return tt.err })
			c, err := client.NewHTTP(cehttp.WithTarget(target.url))
			if err != nil {
				t.Fatal(err)
			}
			result := c.Send(t.Context(), events(t)["JSON"])
			var r *cehttp.Result
			if !protocol.IsNACK(result) || !protocol.ResultAs(result, &r) || r.StatusCode != tt.status {
				t.Errorf("result %v, want a NACK with %d", result, tt.status)
			}
		})
	}
	failures := 2
	target := newTarget(t, func(event.Event) error {
		if failures--; failures >= 0 {
			return errors.New("x")
		}
		return nil
	})
	c, err := client.NewHTTP(cehttp.WithTarget(target.url))
	if err != nil {
		t.Fatal(err)
	}
	ctx := cecontext.WithRetriesConstantBackoff(t.Context(), time.Millisecond, 5)
	if result := c.Send(ctx, events(t)["JSON"]); !protocol.IsACK(result) || len(target.got) != 3 {
		t.Errorf("result %v after %d deliveries, want an ACK after 3", result, len(target.got))
	}
}
