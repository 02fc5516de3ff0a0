package claimcheck_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/claimcheck"
)

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func openBucket(t *testing.T) *blob.Bucket {
	b := memblob.OpenBucket(nil)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func put(t *testing.T, b *blob.Bucket, key string, data string) {
	t.Helper()
	if err := b.WriteAll(context.Background(), key, []byte(data), nil); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T, b *blob.Bucket) []string {
	t.Helper()
	page, _, err := b.ListPage(context.Background(), blob.FirstPageToken, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range page {
		keys = append(keys, o.Key)
	}
	return keys
}

// order is an event whose data is large, or has a dataref in its place.
func order(data, ref string) event.Event {
	e := event.New()
	e.SetID("1")
	e.SetSource("/shop")
	e.SetType("order.placed")
	e.SetDataContentType("application/json")
	if data != "" {
		e.DataEncoded = []byte(data)
	}
	if ref != "" {
		e.SetExtension("dataref", ref)
	}
	return e
}

func message(e event.Event) *eventfx.Message {
	return &eventfx.Message{Event: e, Origin: eventfx.Origin{ID: "1", Name: "orders"}}
}

// whatever is a source of all messages.
type whatever struct{}

func (whatever) Match(*eventfx.Message) bool               { return true }
func (whatever) Decode(m *eventfx.Message) (string, error) { return string(m.DataEncoded), nil }
func (whatever) String() string                            { return "whatever" }

// run delivers messages, and returns the data that the handler saw and the
// failures.
func run(c *claimcheck.Claims, messages ...*eventfx.Message) (seen []string, failures []error) {
	r := &eventfx.Router{Use: []eventfx.Middleware{c.Fetch}, Observer: quiet}
	eventfx.On(r, whatever{}, func(_ context.Context, e eventfx.Event[string]) error {
		seen = append(seen, e.Data)
		return nil
	})
	for _, f := range r.Deliver(context.Background(), messages) {
		failures = append(failures, f.Err)
	}
	return seen, failures
}

var quiet = eventfx.Observer{Message: func(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
	return ctx, nil
}}

func TestDepositAndFetch(t *testing.T) {
	large := `{"id":"` + strings.Repeat("x", 300_000) + `"}`
	b := openBucket(t)
	c := &claimcheck.Claims{Bucket: b, URL: "s3://claims/", Prefix: "in flight/", Allow: map[string]*blob.Bucket{"s3://claims": b}}

	small := order(`{"id":"1"}`, "")
	e, err := c.Deposit(t.Context(), small)
	want(t, "error", err, nil)
	want(t, "data", string(e.DataEncoded), `{"id":"1"}`)

	whole := order(large, "")
	for range 2 { // again changes nothing
		e, err = c.Deposit(t.Context(), whole)
		want(t, "error", err, nil)
	}
	want(t, "objects", len(keys(t, b)), 1)
	want(t, "data", e.DataEncoded, []byte(nil))
	want(t, "the original", len(whole.DataEncoded), len(large))
	want(t, "its extensions", whole.Extensions(), map[string]any(nil))
	ref := fmt.Sprint(e.Extensions()["dataref"])
	if !strings.HasPrefix(ref, "s3://claims/in%20flight/") {
		t.Errorf("dataref %q", ref)
	}
	// Rule A5: the content must equal the data.
	seen, failures := run(c, message(e))
	want(t, "failures", failures, []error(nil))
	want(t, "the same data", len(seen) == 1 && seen[0] == large, true)

	_, err = (&claimcheck.Claims{}).Deposit(t.Context(), whole)
	want(t, "error without a bucket", fmt.Sprint(err), "claimcheck: Claims.Bucket and Claims.URL must be set to deposit data")
}

func TestFetchRefuses(t *testing.T) {
	b := openBucket(t)
	put(t, b, "k", `{"id":"1"}`)
	put(t, b, "large", strings.Repeat("x", 2000))
	c := &claimcheck.Claims{Allow: map[string]*blob.Bucket{"s3://claims": b, "s3://none": nil}, Limit: 1000}
	tests := []struct {
		reason, ref string
		err         string // "": the handler gets the data
	}{
		{"a bucket that is allowed", "s3://claims/k", ""},
		{"the address of a machine's metadata", "http://169.254.169.254/latest/meta-data/iam/security-credentials/", "in no bucket that may be read"},
		{"a file", "file:///etc/passwd", "in no bucket that may be read"},
		{"another bucket whose name begins the same", "s3://claims-of-others/k", "in no bucket that may be read"},
		{"the bucket itself", "s3://claims", "in no bucket that may be read"},
		{"no key", "s3://claims/", "in no bucket that may be read"},
		{"a broken escape", "s3://claims/%zz", "in no bucket that may be read"},
		{"a bucket that is nil", "s3://none/k", "in no bucket that may be read"},
		{"data that is gone", "s3://claims/x", "the data is gone"},
		{"data that is too large", "s3://claims/large", "2000 bytes, more than Claims.Limit of 1000"},
		{"a reference of nothing", "x", "in no bucket that may be read"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			seen, failures := run(c, message(order("", test.ref)))
			if test.err == "" {
				want(t, "data", seen, []string{`{"id":"1"}`})
				want(t, "failures", failures, []error(nil))
				return
			}
			want(t, "data", seen, []string(nil))
			if len(failures) != 1 || !strings.Contains(failures[0].Error(), test.err) {
				t.Fatalf("failures %v, want %q", failures, test.err)
			}
			if p, ok := errors.AsType[*eventfx.PermanentError](failures[0]); !ok {
				t.Errorf("%v is not permanent", p)
			}
		})
	}
}

func TestExtendedClient(t *testing.T) {
	b := openBucket(t)
	put(t, b, "0b/1", "héllo")
	put(t, b, "json", ` {"a":1}`)
	c := &claimcheck.Claims{Allow: map[string]*blob.Bucket{"s3://payloads": b}}
	const now, before = "software.amazon.payloadoffloading.PayloadS3Pointer", "com.amazon.sqs.javamessaging.MessageS3Pointer"
	tests := []struct {
		reason, attribute, body string
		data, contentType       string
		err                     string
	}{
		{"of today", "ExtendedPayloadSize", `["` + now + `",{"s3BucketName":"payloads","s3Key":"0b/1"}]`, "héllo", "text/plain", ""},
		{"of before", "SQSLargePayloadSize", `["` + before + `",{"s3BucketName":"payloads","s3Key":"json"}]`, ` {"a":1}`, "application/json", ""},
		{"without the attribute it is data", "Other", `["` + now + `",{}]`, `["` + now + `",{}]`, "application/json", ""},
		{"another bucket", "ExtendedPayloadSize", `["` + now + `",{"s3BucketName":"others","s3Key":"1"}]`, "", "", "in no bucket"},
		{"another class", "ExtendedPayloadSize", `["java.lang.Runtime",{"s3BucketName":"payloads","s3Key":"1"}]`, "", "", "no pointer"},
		{"no key", "ExtendedPayloadSize", `["` + now + `",{"s3BucketName":"payloads"}]`, "", "", "no pointer"},
		{"one element", "ExtendedPayloadSize", `["` + now + `"]`, "", "", "no pointer"},
		{"three", "ExtendedPayloadSize", `["` + now + `",{"s3BucketName":"payloads","s3Key":"1"},1]`, "", "", "no pointer"},
		{"no JSON", "ExtendedPayloadSize", "hello", "", "", "no pointer"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			e := order(test.body, "")
			e.SetType("com.amazonaws.sqs.message")
			e.SetExtension("sqsattributes", `{"`+test.attribute+`":{"dataType":"Number","stringValue":"9"}}`)
			var got *eventfx.Message
			err := c.Fetch(func(_ context.Context, d *eventfx.Delivery) error {
				got = d.Messages[0]
				return nil
			})(t.Context(), &eventfx.Delivery{Messages: []*eventfx.Message{message(e)}})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || got != nil {
					t.Errorf("error %v, want %q", err, test.err)
				}
				return
			}
			want(t, "error", err, nil)
			want(t, "data", string(got.DataEncoded), test.data)
			want(t, "content type", got.DataContentType(), test.contentType)
			want(t, "base64", got.DataBase64, false)
		})
	}
}

// One of a batch whose data is gone fails alone; in a group what follows it
// waits.
func TestFetchOfABatch(t *testing.T) {
	b := openBucket(t)
	put(t, b, "k", "1")
	c := &claimcheck.Claims{Allow: map[string]*blob.Bucket{"s3://claims": b}}
	for _, group := range []string{"", "g"} {
		batch := func() []*eventfx.Message {
			all := []*eventfx.Message{message(order("", "s3://claims/k")), message(order("", "s3://claims/x")), message(order("3", ""))}
			for i, m := range all {
				m.SetID(fmt.Sprint(i + 1))
				m.Group = group
			}
			return all
		}
		var seen []string
		handler := c.Fetch(func(_ context.Context, d *eventfx.Delivery) error {
			for _, m := range d.Messages {
				seen = append(seen, string(m.DataEncoded))
			}
			if group == "" {
				return &eventfx.BatchError{Failures: []eventfx.Failure{{Message: d.Messages[0], Err: errors.New("boom")}}}
			}
			return nil
		})
		d := &eventfx.Delivery{Messages: batch()}
		var failed []string
		for _, f := range d.Failures(handler(t.Context(), d)) {
			failed = append(failed, f.Message.ID()+" "+strings.Split(f.Err.Error(), ":")[0])
		}
		if group == "" {
			want(t, "seen", seen, []string{"1", "3"})
			want(t, "failed", strings.Join(failed, ", "), "1 boom, 2 claimcheck")
			continue
		}
		want(t, "seen", seen, []string{"1"})
		want(t, "failed", strings.Join(failed, ", "), "2 claimcheck, 3 eventfx")
	}
}

func TestDeleteWhenDone(t *testing.T) {
	tests := []struct {
		reason  string
		fails   bool // the handler
		broken  bool // the bucket
		objects []string
		runs    int // of two deliveries
	}{
		{"done", false, false, nil, 1},
		{"failed", true, false, []string{"k"}, 2},
		{"a deletion that fails does not run the handler again", false, true, nil, 1},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			b := openBucket(t)
			put(t, b, "k", "1")
			c := &claimcheck.Claims{Allow: map[string]*blob.Bucket{"s3://claims": b}}
			done := map[string]bool{}
			inner := func(next eventfx.Handler) eventfx.Handler {
				return func(ctx context.Context, d *eventfx.Delivery) error {
					if done[d.Messages[0].ID()] {
						return nil
					}
					err := next(ctx, d)
					done[d.Messages[0].ID()] = err == nil
					return err
				}
			}
			runs := 0
			r := &eventfx.Router{Once: c.Once(inner), Use: []eventfx.Middleware{c.Fetch}, Observer: quiet}
			eventfx.On(r, whatever{}, func(context.Context, eventfx.Event[string]) error {
				runs++
				if test.broken {
					_ = b.Close()
				}
				if test.fails {
					return errors.New("boom")
				}
				return nil
			})
			for range 2 {
				failures := r.Deliver(t.Context(), []*eventfx.Message{message(order("", "s3://claims/k"))})
				want(t, "failures", len(failures) > 0, test.fails)
			}
			want(t, "runs", runs, test.runs)
			if !test.broken {
				want(t, "objects", keys(t, b), test.objects)
			}
		})
	}
}

func FuzzReference(f *testing.F) {
	for _, seed := range []string{"s3://claims/k", "s3://claims/../x", "s3://claims", "http://169.254.169.254/", `["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"claims","s3Key":"k"}]`} {
		f.Add(seed)
	}
	b := memblob.OpenBucket(nil)
	other := bytes.Repeat([]byte("secret"), 3)
	_ = b.WriteAll(context.Background(), "k", []byte("1"), nil)
	c := &claimcheck.Claims{Allow: map[string]*blob.Bucket{"s3://claims": b}}
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range []event.Event{order("", text), order(text, "")} {
			e.SetExtension("sqsattributes", `{"ExtendedPayloadSize":{}}`)
			seen, failures := run(c, message(e))
			if len(seen)+len(failures) != 1 {
				t.Errorf("%d seen, %d failures", len(seen), len(failures))
			}
			if len(seen) == 1 && seen[0] != "1" || bytes.Contains([]byte(fmt.Sprint(seen)), other) {
				t.Errorf("%q was fetched for %q", seen, text)
			}
		}
	})
}
