package awsevents

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

// snapshot is everything of a message that a handler could read.
func snapshot(t *testing.T, m *eventfx.Message) string {
	t.Helper()
	text, err := json.Marshal(m.Event)
	if err != nil {
		t.Fatal(err)
	}
	origin, _ := json.Marshal(m.Origin)
	all := []string{string(text), string(m.DataEncoded), string(origin), m.Group}
	if r, ok := m.Payload.(*Record); ok {
		attributes, _ := json.Marshal(r.Attributes())
		all = append(all, r.ReceiptHandle(), r.MD5OfBody(), r.MD5OfMessageAttributes(), r.Region(), string(attributes), string(r.MessageAttributes()))
	}
	if m.Err != nil {
		all = append(all, m.Err.Error())
	}
	return strings.Join(all, "\n")
}

// scribble writes over everything that m leads to.
func scribble(m *eventfx.Message) {
	data := m.DataEncoded
	data = append(data, "beyond the end"...) // must not reach what follows
	for i := range m.DataEncoded {
		m.DataEncoded[i] = '#'
	}
	clear(data)
	ec := m.Context.(*event.EventContextV1)
	for _, s := range []*string{ec.DataContentType, ec.Subject} {
		if s != nil {
			*s = "scribble"
		}
	}
	if ec.Time != nil {
		ec.Time.Time = ec.Time.AddDate(9, 9, 9)
	}
	for name := range ec.Extensions {
		ec.Extensions[name] = "scribble"
	}
	ec.ID, ec.Type, ec.Source.Opaque, ec.Source.Path = "scribble", "scribble", "scribble", "scribble"
	for name := range m.Origin.Attributes {
		m.Origin.Attributes[name] = "scribble"
	}
	switch p := m.Payload.(type) {
	case *Record:
		*p = Record{}
	}
	if e, ok := m.Err.(*RecordError); ok {
		*e = RecordError{}
	}
	*m = eventfx.Message{}
}

// Whatever a handler does to its message, it changes no other message, no
// answer, and nothing of the payload that the runtime gave.
func TestNothingIsShared(t *testing.T) {
	for name, payload := range payloadFiles(t) {
		given := bytes.Clone(payload)
		p, err := Format{}.Open(given, "request-1")
		if err != nil {
			continue
		}
		if !bytes.Equal(given, payload) {
			t.Errorf("%s: Open changed the payload", name)
		}
		var before []string
		for _, m := range p.Messages {
			before = append(before, snapshot(t, m))
			if len(m.DataEncoded) != cap(m.DataEncoded) {
				t.Errorf("%s: data of %d bytes can grow to %d in place", name, len(m.DataEncoded), cap(m.DataEncoded))
			}
		}
		for i := range given {
			given[i] = '!'
		}
		answers := make([]string, len(p.Messages))
		for i, m := range p.Messages {
			answer, _ := p.Answer([]eventfx.Failure{{Message: m}})
			answers[i] = string(answer)
		}
		for i, m := range p.Messages {
			if diff := cmp.Diff(before[i], snapshot(t, m)); diff != "" {
				t.Errorf("%s, message %d changed:\n%s", name, i, diff)
			}
			scribble(m)
		}
		for i, m := range p.Messages {
			answer, _ := p.Answer([]eventfx.Failure{{Message: m}})
			if string(answer) != answers[i] {
				t.Errorf("%s, message %d: answer %s, was %s", name, i, answer, answers[i])
			}
		}
		if answer, err := p.Answer(nil); err == nil {
			clear(answer)
			if again, _ := p.Answer(nil); bytes.Equal(answer, again) {
				t.Errorf("%s: answers share memory", name)
			}
		}
	}
}

func TestRecordOfTheDelivery(t *testing.T) {
	// Rule C1.1, Rule C1.2, Rule C1.3: also beside an event that was nested.
	record := strings.TrimSuffix(sqsRecord("m", s3Body), "}") + `,"receiptHandle":"h\/andle","md5OfBody":"5","md5OfMessageAttributes":"6","awsRegion":"r",` +
		`"attributes":{"SenderId":"s\u0041","ApproximateReceiveCount":"2"},"messageAttributes":{"a":{"dataType":"String","stringValue":"v"}}}`
	p := open(t, `{"Records":[`+record+","+strings.Replace(record, `"m"`, `"n"`, 1)+`]}`)
	for _, m := range p.Messages {
		r := m.Payload.(*Record)
		got := []string{r.ReceiptHandle(), r.MD5OfBody(), r.MD5OfMessageAttributes(), r.Region(), r.Attributes()["SenderId"], r.Attributes()["ApproximateReceiveCount"], string(r.MessageAttributes())}
		want := []string{"h/andle", "5", "6", "r", "sA", "2", `{"a":{"dataType":"String","stringValue":"v"}}`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if m.Origin.Receives != 2 || m.Origin.Attributes["a"] != "v" {
			t.Errorf("origin %+v", m.Origin)
		}
	}
	r := open(t, string(sqsRecords("x"))).Messages[0].Payload.(*Record)
	if r.ReceiptHandle() != "" || r.MessageAttributes() != nil || len(r.Attributes()) != 0 {
		t.Errorf("an empty record: %v", r)
	}
}
