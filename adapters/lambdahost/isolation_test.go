package lambdahost_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// TestSideBySide has 32 invocations inside their handlers at the same time,
// as on Managed Instances; one of them panics.
func TestSideBySide(t *testing.T) {
	// Rule G6, Rule G4
	const n = 32
	var inside sync.WaitGroup
	inside.Add(n)
	r := router(func(ctx context.Context, e eventfx.Event[string]) error {
		if strings.HasPrefix(e.Data, "meet") {
			inside.Done()
			inside.Wait()
		}
		if eventfx.FromContext(ctx) != e.Message {
			t.Errorf("the context of %s has another message", e.Data)
		}
		switch {
		case strings.HasSuffix(e.Data, "panic"):
			panic("as asked")
		case strings.HasSuffix(e.Data, "fail"):
			return errors.New("as asked")
		}
		return nil
	})
	h := lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			last := "fail"
			if i == 7 {
				last = "panic"
			}
			records := []awspayload.SQSRecord{sqsRecord(0, fmt.Sprintf("meet %d", i)), sqsRecord(1, "done"), sqsRecord(2, last)}
			for j := range records {
				records[j].MessageID = fmt.Sprintf("m-%d-%d", i, j)
			}
			answer, err := h.Invoke(within(t, time.Minute), awspayload.AppendSQSEvent(nil, records))
			if err != nil {
				t.Errorf("invocation %d: %v", i, err)
				return
			}
			if diff := cmp.Diff([]string{records[2].MessageID}, listed(t, answer)); diff != "" {
				t.Errorf("invocation %d reports (-want +got):\n%s", i, diff)
			}
		})
	}
	wg.Wait()
}

// scribble writes over everything that a handler can reach.
func scribble(e eventfx.Event[string]) {
	m := e.Message
	for data := m.DataEncoded[:cap(m.DataEncoded)]; len(data) > 0; data = data[1:] {
		data[0] = '!'
	}
	m.DataEncoded = append(m.DataEncoded, "over the end"...)
	for name := range m.Extensions() {
		m.SetExtension(name, "scribble")
	}
	m.SetExtension("scribble", "scribble")
	m.SetID("scribble")
	m.SetSource("scribble")
	m.SetType("scribble")
	m.SetSubject("scribble")
	m.SetTime(time.Unix(0, 0))
	m.SetDataContentType("text/scribble")
	for name := range m.Origin.Attributes {
		m.Origin.Attributes[name] = "scribble"
	}
	m.Origin = eventfx.Origin{ID: "scribble", Attributes: map[string]string{"scribble": "scribble"}}
	m.Group, m.Payload, m.Err = "scribble", "scribble", errors.New("scribble")
}

// seen is what a later reader of a message sees.
type seen struct {
	ID, Source, Type, Subject, ContentType, Data, OriginID, Group string
	Time                                                          time.Time
	Extensions                                                    map[string]any
	Attributes                                                    map[string]string
}

func see(m *eventfx.Message) seen {
	return seen{
		ID: m.ID(), Source: m.Source(), Type: m.Type(), Subject: m.Subject(), ContentType: m.DataContentType(),
		Data: string(m.DataEncoded), OriginID: m.Origin.ID, Group: m.Group, Time: m.Time(),
		Extensions: m.Clone().Extensions(), Attributes: m.Clone().Origin.Attributes,
	}
}

// key tells messages apart, also those of one record.
func key(m *eventfx.Message) string { return m.Source() + " " + m.ID() }

func TestScribble(t *testing.T) {
	records := make([]awspayload.SQSRecord, 6)
	for i := range records {
		records[i] = sqsRecord(i, fmt.Sprintf(`{"n": "\u00e4 %d"}`, i))
		records[i].TraceHeader = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
		records[i].Attributes = map[string]awspayload.Attribute{"a": {Type: "String", Value: "v"}}
	}
	plain := awspayload.AppendSQSEvent(nil, records)
	for i := range records {
		size := int64(1)
		records[i].Body = string(awspayload.AppendS3Event(nil, []awspayload.S3Record{
			{Region: "eu-west-1", Time: sent, Name: "ObjectCreated:Put", RequestID: fmt.Sprint("R", i), HostID: "H", Bucket: "b", Key: "one", Size: &size, Sequencer: "01"},
			{Region: "eu-west-1", Time: sent, Name: "ObjectCreated:Put", RequestID: fmt.Sprint("R", i), HostID: "H", Bucket: "b", Key: "two", Size: &size, Sequencer: "01"},
		}))
	}
	second := strings.Replace(cloudEvent, "ce-1", "ce-2", 1)
	payloads := map[string][]byte{
		"messages":          plain,
		"records in bodies": awspayload.AppendSQSEvent(nil, records),
		"CloudEvents":       []byte("[" + cloudEvent + ", " + second + "," + strings.Replace(cloudEvent, "ce-1", "ce-3", 1) + "]"),
		"changes":           stream(5),
	}
	for name, payload := range payloads {
		for _, guarded := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/guarded=%t", name, guarded), func(t *testing.T) { scribbled(t, payload, guarded) })
		}
	}
}

// scribbled has a handler that writes over everything. Guarded, it fails for
// each third message, which is tried twice and buried.
func scribbled(t *testing.T, payload []byte, guarded bool) {
	pristine := make(map[string]seen)
	var order []string
	look := router(func(_ context.Context, e eventfx.Event[string]) error {
		pristine[key(e.Message)] = see(e.Message)
		order = append(order, key(e.Message))
		return nil
	})
	if _, err := lambdahost.Handler(look, nil).Invoke(t.Context(), slices.Clone(payload)); err != nil || len(pristine) < 3 {
		t.Fatalf("%d messages, %v", len(pristine), err)
	}
	var wantBuried, buried []seen
	fails := make(map[string]bool)
	r := &eventfx.Router{}
	if guarded {
		for i := 1; i < len(order); i += 3 {
			fails[order[i]] = true
			wantBuried = append(wantBuried, pristine[order[i]])
		}
		r.Retry = eventfx.Retry{Attempts: 2, Deliveries: 1, Delay: func(int, error) time.Duration { return 0 }}
		r.DeadLetter = func(_ context.Context, d *eventfx.Dead) error {
			buried = append(buried, see(d.Message))
			return nil
		}
	}
	attempts := make(map[string]int)
	eventfx.On(r, text{}, func(_ context.Context, e eventfx.Event[string]) error {
		id := key(e.Message)
		if diff := cmp.Diff(pristine[id], see(e.Message)); diff != "" {
			t.Errorf("message %s before its run (-want +got):\n%s", id, diff)
		}
		attempts[id]++
		scribble(e)
		if fails[id] {
			return errors.New("as asked")
		}
		return nil
	})
	mine := slices.Clone(payload)
	if answer, err := lambdahost.Handler(r, nil).Invoke(t.Context(), mine); err != nil {
		t.Errorf("answer %s, %v; want that all is done or buried", answer, err)
	}
	if string(mine) != string(payload) {
		t.Error("the runtime's buffer has changed")
	}
	for _, id := range order {
		want := 1
		if fails[id] {
			want = 2
		}
		if attempts[id] != want {
			t.Errorf("%d runs of message %s, want %d", attempts[id], id, want)
		}
	}
	// Rule H3
	// A message that waits for its second run lets others pass.
	inOrder := func(a, b seen) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(wantBuried, inOrder)
	slices.SortFunc(buried, inOrder)
	if diff := cmp.Diff(wantBuried, buried); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}

// TestScribbledFailures has messages fail that no longer know their own names.
func TestScribbledFailures(t *testing.T) {
	// Rule C5
	r := router(func(_ context.Context, e eventfx.Event[string]) error {
		fails := e.Data == "fail"
		scribble(e)
		if fails {
			return errors.New("as asked")
		}
		return nil
	})
	answer, err := lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true}).Invoke(t.Context(), sqs("a", "fail", "b", "fail"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"m-1", "m-3"}, listed(t, answer)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// TestBufferIsTheRuntimes reuses the payload's bytes as aws-lambda-go does.
func TestBufferIsTheRuntimes(t *testing.T) {
	// Rule C1.1
	var kept []*eventfx.Message
	r := router(func(_ context.Context, e eventfx.Event[string]) error {
		kept = append(kept, e.Message)
		return nil
	})
	buffer := sqs("a body", `with "escapes"`)
	if _, err := lambdahost.Handler(r, nil).Invoke(t.Context(), buffer); err != nil {
		t.Fatal(err)
	}
	for i := range buffer {
		buffer[i] = '!'
	}
	for i, want := range []string{"a body", `with "escapes"`} {
		if m := kept[i]; string(m.DataEncoded) != want || m.ID() != fmt.Sprintf("m-%d", i) || strings.Contains(m.String(), "!!") {
			t.Errorf("message %d is now %v", i, m)
		}
	}
}
