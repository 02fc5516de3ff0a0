package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// command runs the command in this process.
func command(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(args, strings.NewReader(stdin), &out, &errs)
	return out.String(), errs.String(), status
}

// sample runs it with a time of its own.
func sample(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, status := command(t, "", append([]string{"sample", "-time", "2026-01-02T15:04:05.250Z"}, args...)...)
	if status != 0 || errs != "" || strings.Count(out, "\n") != 1 {
		t.Fatalf("sample %q: status %d, %s%s", args, status, errs, out)
	}
	return out
}

// flagValues are none of the defaults.
func flagValues(t *testing.T) map[string]string {
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, []byte(`{"from":"a file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"bucket": "pictures", "key": "out/a b+ü%20.png", "event": "s3:ObjectRemoved:DeleteMarkerCreated", "size": "7", "version-id": "v7",
		"queue": "parcels", "group": "g7", "deduplication": "d7", "attribute": "color=blue", "receives": "4", "dead-letter-of": "first",
		"topic": "weather", "subject": "Hello", "body": `{"n":12345678901234567890}`, "body-file": file,
		"table": "users", "item": `{"id":"7","n":1.50}`, "old-item": `{"id":"order-1","n":1}`, "keys": "total",
		"source": "till", "type": "order.paid", "name": "weekly", "function": "thumb", "count": "3",
	}
}

// unseen are flags that reach the payload, and no event that is made of it.
var unseen = map[string]bool{"deduplication": true, "subject": true, "function": true}

// TestSampleRoundTrip: what sample prints, normalize reads; and each flag that
// a kind claims to know changes both.
func TestSampleRoundTrip(t *testing.T) {
	values := flagValues(t)
	sources := map[string]bool{}
	for _, k := range allKinds() {
		t.Run(k.name, func(t *testing.T) {
			plain := sample(t, k.name)
			if sample(t, k.name) != plain {
				t.Error("two calls gave two payloads")
			}
			sources[checkSample(t, k.name, plain)] = true
			before := normalized(t, plain)
			for _, flag := range k.flags {
				value, ok := values[flag]
				if !ok {
					t.Fatalf("the test has no value for -%s", flag)
				}
				if strings.HasPrefix(k.name, "lambda-destination") && strings.HasPrefix(flag, "body") {
					continue // below: it must be an event
				}
				with := sample(t, k.name, "-"+flag, value)
				checkSample(t, k.name, with)
				if with == plain {
					t.Errorf("-%s %s changes nothing", flag, value)
				}
				test := strings.HasPrefix(k.name, "s3-test") // gives no event
				// What an envelope says beside its content is not the event's.
				hidden := unseen[flag] || test || strings.Contains(k.name, "-in-") && (flag == "attribute" || flag == "dead-letter-of")
				if got := normalized(t, with); got == before && !hidden {
					t.Errorf("-%s %s changes no event: %s", flag, value, got)
				}
			}
		})
	}
	failed := sample(t, "lambda-destination", "-body", strings.TrimSpace(sample(t, "cloudevent", "-type", "order.paid")))
	if got := normalized(t, failed); !strings.Contains(got, `"type":"order.paid"`) {
		t.Errorf("the event that failed is not found: %s", got)
	}
	// What the documentation of package awsevents lists as opened; "empty" is
	// no event.
	want := []string{"cloudevent", "cloudevents", "dynamodb", "eventbridge", "lambda-destination", "s3", "s3-eventbridge", "s3-test", "schedule", "scheduler", "sns", "sns-envelope", "sqs"}
	var got []string
	for source := range sources {
		got = append(got, source)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources of the samples (-want +got):\n%s", diff)
	}
}

// checkSample opens the payload, and returns its source.
func checkSample(t *testing.T, kind, payload string) string {
	t.Helper()
	p, err := awsevents.Format{}.Open([]byte(payload), "")
	if err != nil || p.Opaque {
		t.Fatalf("%v, opaque %v: %s", err, p != nil && p.Opaque, payload)
	}
	test := strings.HasPrefix(kind, "s3-test")
	if len(p.Messages) == 0 != test {
		t.Fatalf("%d events in %s", len(p.Messages), payload)
	}
	document, _, carried := strings.Cut(kind, "-in-")
	for _, m := range p.Messages {
		if m.Err != nil {
			t.Errorf("%v: %s", m.Err, payload)
		}
		// Whatever is around a document, the event is the document's.
		if words := map[string]string{
			"s3": "s3.Object", "s3-eventbridge": "s3.Object", "eventbridge": "com.amazonaws.events.order.", "schedule": "events.ScheduledEvent",
			"scheduler": "scheduler.ScheduledEvent", "scheduler-input": "scheduler.ScheduledEvent", "sns-envelope": "sns.Notification", "cloudevent": "order.",
			"lambda-destination": "s3.Object",
		}[document]; carried && !strings.Contains(m.Type(), words) {
			t.Errorf("the type is %s, want one with %q", m.Type(), words)
		}
	}
	return p.Source
}

func normalized(t *testing.T, payload string) string {
	t.Helper()
	out, errs, status := command(t, payload, "normalize", "-deliveries")
	if status != 0 || errs != "" {
		t.Fatalf("normalize: status %d, %s of %s", status, errs, payload)
	}
	return out
}

// TestSampleS3Names: each name of S3, as a notification and on EventBridge, is
// read by AWS's own types, too.
func TestSampleS3Names(t *testing.T) {
	// Rules B1.6, B1.7 and B1.8
	for _, name := range awspayload.S3EventNames() {
		var e events.S3Event
		text := sample(t, "s3", "-event", name)
		if err := json.Unmarshal([]byte(text), &e); err != nil || e.Records[0].EventName != name {
			t.Errorf("%s: %v in %s", name, err, text)
		}
		object := e.Records[0].S3.Object
		if put := strings.HasPrefix(name, "ObjectCreated:"); put && (object.Size != 1024 || object.Sequencer == "" || object.ETag == "") {
			t.Errorf("%s has no size, etag or sequencer: %s", name, text)
		}
		kind, _, _ := strings.Cut(name, ":")
		sizeless := slices.Contains([]string{"ObjectRemoved", "LifecycleExpiration", "ObjectTagging", "ObjectAcl"}, kind)
		if sizeless == strings.Contains(text, `"size"`) {
			t.Errorf("%s: only what is gone and what was tagged has no size: %s", name, text)
		}
		bridge := sample(t, "s3-eventbridge", "-event", name)
		var b events.EventBridgeEvent
		if err := json.Unmarshal([]byte(bridge), &b); err != nil || !strings.HasPrefix(b.DetailType, "Object ") {
			t.Errorf("%s: %v, %s on EventBridge", name, err, b.DetailType)
		}
	}
}

// TestSampleHelp: the kinds that are listed are those that there are.
func TestSampleHelp(t *testing.T) {
	help, _, _ := command(t, "", "sample", "-help")
	_, list, _ := strings.Cut(help, "one document each:\n")
	first, list, _ := strings.Cut(list, "add ")
	carriers, second, _ := strings.Cut(list, ".\n")
	second, _, _ = strings.Cut(second, "Equal flags")
	name := regexp.MustCompile(`(?m)^  ([a-z0-9-]+)  +\S`)
	var listed, exist []string
	for _, m := range name.FindAllStringSubmatch(first, -1) {
		listed = append(listed, m[1])
		for _, c := range strings.Split(carriers, ", ") {
			listed = append(listed, m[1]+c)
		}
	}
	for _, m := range name.FindAllStringSubmatch(second, -1) {
		listed = append(listed, m[1])
	}
	for _, k := range allKinds() {
		exist = append(exist, k.name)
	}
	if diff := cmp.Diff(exist, listed); diff != "" || len(listed) < 50 {
		t.Errorf("%d kinds (-exist +listed):\n%s", len(listed), diff)
	}
	completed, _, _ := command(t, "", "__complete", "sample", "")
	for _, k := range exist {
		if !strings.Contains(completed, k+"\t") {
			t.Errorf("completion does not know %s", k)
		}
	}
}
