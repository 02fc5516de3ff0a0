package awsevents

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

// fail returns the failures of the messages at these places.
func fail(p *Payload, at ...int) []eventfx.Failure {
	var failures []eventfx.Failure
	for _, i := range at {
		failures = append(failures, eventfx.Failure{Message: p.Messages[i], Err: errors.New("boom")})
	}
	return failures
}

func TestAnswers(t *testing.T) {
	// Rule C5, Rule C5.5, Rule F3.7, Rule F3.8, Rule C1.1, Rule D4.2, Rule D4.1, Rule D4.7, Rule D5.2
	// Rule D5.3, Rule D5.4, Rule F1.6, Rule G13, Rule B7.6, Rule B2.1, Rule F1.15, Rule F1.3
	streams := func(sequences ...string) string {
		var all []string
		for _, s := range sequences {
			all = append(all, streamRecord(s))
		}
		return `{"Records":[` + strings.Join(all, ",") + `]}`
	}
	two := `{"Records":[` + s3Inner + `,` + s3Inner + `]}`
	window := func(state, rest string) string {
		return `{"window":{},"isFinalInvokeForWindow":true,"eventSourceARN":"` + streamARN + `"` + state + rest + `}`
	}
	for _, tt := range []struct {
		rule, reason string
		payload      string
		failed       []int
		want         string // "" for an error
	}{
		{"C5", "nothing failed", string(sqsRecords("a", "b")), nil, `{"batchItemFailures":[]}`},
		{"C5", "one failed", string(sqsRecords("a", "b", "c")), []int{1}, `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`},
		{"C5", "all failed, in any order", string(sqsRecords("a", "b")), []int{1, 0}, `{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m1"}]}`},
		{"C5.5", "one message twice", string(sqsRecords("a", "b")), []int{1, 1}, `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`},
		{"C5.5", "one identifier twice", `{"Records":[` + sqsRecord("m", "x") + "," + sqsRecord("m", "x") + `]}`, []int{0, 1}, `{"batchItemFailures":[{"itemIdentifier":"m"}]}`},
		{"F3.7", "two events of one record", string(sqsRecords("a", two)), []int{1, 2}, `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`},
		{"F3.7", "one of two events of one record", string(sqsRecords(two, "a")), []int{1}, `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`},
		{"F3.8", "S3's test counts as done", string(sqsRecords(s3TestBody, "a")), []int{0}, `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`},
		{"C5", "an identifier is quoted", `{"Records":[` + sqsRecord(`a"b`, "x") + `]}`, []int{0}, `{"batchItemFailures":[{"itemIdentifier":"a\"b"}]}`},
		{"C1.1", "a record without identifier fails the batch", `{"Records":[` + sqsRecord("m", "x") + "," + sqsRecord("", "x") + `]}`, []int{1}, ""},
		{"C1.1", "also beside one that has", `{"Records":[` + sqsRecord("m", "x") + "," + sqsRecord("", "x") + `]}`, []int{0, 1}, ""},
		{"D4.2", "nothing failed in a stream", streams("1", "2"), nil, `{"batchItemFailures":[]}`},
		{"D4.1", "the lowest that failed", streams("7", "8", "9"), []int{2, 1}, `{"batchItemFailures":[{"itemIdentifier":"8"}]}`},
		{"D4.7", "numbers, not text", streams("998", "999", "1000"), []int{2, 1}, `{"batchItemFailures":[{"itemIdentifier":"999"}]}`},
		{"D4.7", "longer than any integer", streams("99999999999999999999999999999999999999", "100000000000000000000000000000000000000"), []int{1, 0},
			`{"batchItemFailures":[{"itemIdentifier":"99999999999999999999999999999999999999"}]}`},
		{"D4.7", "as it was given", streams("0010", "0009"), []int{0, 1}, `{"batchItemFailures":[{"itemIdentifier":"0009"}]}`},
		{"D5.2", "a window's state comes back", window(`,"state":{"n" : 1}`, `,"Records":[`+streamRecord("1")+`]`), nil, `{"state":{"n" : 1},"batchItemFailures":[]}`},
		{"D5.3", "it may be any JSON", window(`,"state":[1,"x"]`, `,"Records":[`+streamRecord("1")+`]`), []int{0}, `{"state":[1,"x"],"batchItemFailures":[{"itemIdentifier":"1"}]}`},
		{"D5.2", "there must be one", window("", `,"Records":[`+streamRecord("1")+`]`), nil, `{"state":{},"batchItemFailures":[]}`},
		{"D5.4", "the last call without records", window(`,"state":{"n":2}`, ""), nil, `{"state":{"n":2},"batchItemFailures":[]}`},
		{"D5.4", "the last call with null records", window(`,"state":{"n":2}`, `,"Records":null`), nil, `{"state":{"n":2},"batchItemFailures":[]}`},
		{"D5.4", "the last call with no record", window(`,"state":{"n":2}`, `,"Records":[]`), nil, `{"state":{"n":2},"batchItemFailures":[]}`},
		{"D5.2", "a window of Kinesis, opaque", `{"window":{},"isFinalInvokeForWindow":false,"state":{"n":3},"Records":[{"eventSource":"aws:kinesis"}]}`, nil, `{"state":{"n":3},"batchItemFailures":[]}`},
		{"D5.2", "and it fails as a whole", `{"window":{},"isFinalInvokeForWindow":false,"state":{"n":3},"Records":[{"eventSource":"aws:kinesis"}]}`, []int{0}, ""},
		{"F1.6", "nothing to do", `{"Records":[]}`, nil, `{"batchItemFailures":[]}`},
		{"B7.6", "an asynchronous source is done", s3Body, nil, `null`},
		{"B7.6", "an asynchronous source fails as a whole", two, []int{1}, ""},
		{"B2.1", "S3's test", s3TestBody, nil, `null`},
		{"F1.15", "an opaque payload", `{"a":1}`, []int{0}, ""},
		{"F1.3", "an event", cloudEvent, []int{0}, ""},
	} {
		p := open(t, tt.payload)
		answer, err := p.Answer(fail(p, tt.failed...))
		if tt.want == "" {
			e, ok := errors.AsType[*FailedError](err)
			if !ok || answer != nil || len(e.Failures) != len(tt.failed) || !strings.Contains(e.Error(), "boom") {
				t.Errorf("%s, %s: got %s, %v", tt.rule, tt.reason, answer, err)
			}
			continue
		}
		if err != nil || string(answer) != tt.want {
			t.Errorf("%s, %s: got %s, %v, want %s", tt.rule, tt.reason, answer, err, tt.want)
		}
	}
}

func TestAnswerOfLanes(t *testing.T) {
	// Rule D4.6: items run side by side, and the lowest number that failed stands for all after it.
	records := streamRecord("7") + "," + streamRecord("8") + "," + streamRecord("9") + "," + streamRecord("10")
	p, err := Format{Lanes: true}.Open([]byte(`{"Records":[`+records+`]}`), "")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := p.Answer(fail(p, 3, 1))
	if err != nil || string(answer) != `{"batchItemFailures":[{"itemIdentifier":"8"}]}` {
		t.Errorf("answer %s, %v", answer, err)
	}
}

func TestAnswerAboutOthers(t *testing.T) {
	p, other := open(t, string(sqsRecords("a", "b"))), open(t, `{"Records":[`+sqsRecord("elsewhere", "x")+`]}`)
	for reason, m := range map[string]*eventfx.Message{"no message": nil, "another payload's": other.Messages[0]} {
		if answer, err := p.Answer([]eventfx.Failure{{Message: m}}); err == nil {
			t.Errorf("%s: answer %s", reason, answer)
		}
	}
	answer, err := p.Answer([]eventfx.Failure{{Message: p.Messages[1].Clone()}})
	if err != nil || string(answer) != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
		t.Errorf("a clone: %s, %v", answer, err)
	}
}

func TestRecord(t *testing.T) {
	// Rule F3.7, Rule F3.8
	p := open(t, string(sqsRecords("x", `{"Records":[`+s3Inner+`,`+s3Inner+`]}`, s3TestBody, "y")))
	for i, want := range []int{0, 1, 1, 3} {
		if got := p.Record(p.Messages[i]); got != want {
			t.Errorf("message %d is of record %d, want %d", i, got, want)
		}
	}
	// A standard queue may deliver one message twice in a batch.
	p = open(t, `{"Records":[`+sqsRecord("m", "x")+","+sqsRecord("m", "x")+`]}`)
	if first, second := p.Record(p.Messages[0]), p.Record(p.Messages[1]); first != 0 || second != 1 {
		t.Errorf("records %d and %d", first, second)
	}
	if got := p.Record(p.Messages[1].Clone()); got != -1 {
		t.Errorf("a clone is of record %d", got)
	}
	if got := p.Record(nil); got != -1 {
		t.Errorf("no message is of record %d", got)
	}
}

func TestAcknowledged(t *testing.T) {
	// Rule F3.8
	fifo := fmt.Sprintf(`{"messageId":"f","body":%q,"attributes":{"MessageGroupId":"g","ApproximateReceiveCount":"2"},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:q.fifo"}`, s3TestBody)
	sns := func(message string) string {
		return fmt.Sprintf(`{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"arn:aws:sns:r:1:t:sub","Sns":{"Type":"Notification","MessageId":"n","TopicArn":"arn:aws:sns:r:1:t","Message":%q}}]}`, message)
	}
	for _, tt := range []struct {
		reason, payload string
		want            []Acknowledged
	}{
		{"none", string(sqsRecords("x", s3Body)), nil},
		{"beside others", string(sqsRecords("x", s3TestBody, "y")), []Acknowledged{{Record: 1, Origin: eventfx.Origin{ID: "m1", Address: sqsARN, Name: "orders"}}}},
		{"of a group", `{"Records":[` + fifo + `]}`, []Acknowledged{{
			Origin: eventfx.Origin{ID: "f", Address: "arn:aws:sqs:r:1:q.fifo", Name: "q.fifo", Receives: 2}, Group: "arn:aws:sqs:r:1:q.fifo/g",
		}}},
		{"a topic's text is to be handled", sns("x"), nil},
		{"and so is an event in it", sns(s3Body), nil},
		{"of a topic", sns(s3TestBody), []Acknowledged{{Origin: eventfx.Origin{ID: "n", Address: "arn:aws:sns:r:1:t", Name: "t"}}}},
		{"records that turn out to be none", `{"specversion":"1.0","id":"1","source":"/s","type":"t","Records":[` + sqsRecord("m", s3TestBody) + `]}`, nil},
	} {
		if diff := cmp.Diff(tt.want, open(t, tt.payload).Acknowledged); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
		}
	}
}

func TestAnswerOfALargeBatch(t *testing.T) {
	var bodies []string
	for i := range 10000 {
		bodies = append(bodies, fmt.Sprint(i))
	}
	p := open(t, string(sqsRecords(bodies...)))
	var failures []eventfx.Failure
	for _, m := range p.Messages {
		failures = append(failures, eventfx.Failure{Message: m})
	}
	answer, err := p.Answer(failures)
	if err != nil || strings.Count(string(answer), "itemIdentifier") != 10000 {
		t.Errorf("%d bytes, %v", len(answer), err)
	}
}

func TestGroups(t *testing.T) {
	// Rule C1.6, Rule C1.5, Rule D3.6, Rule B4.1
	grouped := func(queue, group string) string {
		return fmt.Sprintf(`{"messageId":"m%s","body":"x","attributes":{"MessageGroupId":%[1]q},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:%s"}`, group, queue)
	}
	for _, tt := range []struct {
		rule, reason string
		format       Format
		records      []string
		groups       string
	}{
		{"C1.6", "FIFO orders by group", Format{}, []string{grouped("q.fifo", "a"), grouped("q.fifo", "b")}, "arn:aws:sqs:r:1:q.fifo/a arn:aws:sqs:r:1:q.fifo/b"},
		{"C1.5", "a tenant of a standard queue is no group", Format{}, []string{grouped("q", "a")}, ""},
		{"D3.6", "a stream is in order", Format{}, []string{streamRecord("1"), streamRecord("2")}, streamARN + " " + streamARN},
		{"D3.6", "or its items are", Format{Lanes: true}, []string{streamRecord("1"), streamRecord("2")}, streamARN + `/{"id":{"S":"k1"}} ` + streamARN + `/{"id":{"S":"k2"}}`},
		{"B4.1", "S3 has no order", Format{}, []string{s3Inner}, ""},
	} {
		p, err := tt.format.Open([]byte(`{"Records":[`+strings.Join(tt.records, ",")+`]}`), "")
		if err != nil {
			t.Fatal(err)
		}
		var groups []string
		for _, m := range p.Messages {
			groups = append(groups, m.Group)
		}
		if got := strings.Join(groups, " "); got != tt.groups {
			t.Errorf("%s, %s: got %s", tt.rule, tt.reason, got)
		}
	}
}

// A window's members stand beside its Records; the shard is one of them.
func TestWindowMembers(t *testing.T) {
	// Rule D5.1
	const members = `"window":{"start":"2026-11-23T09:00:00Z","end":"2026-11-23T09:05:00Z"},"state":{"n":1},"shardId":"shardId-7",` +
		`"eventSourceARN":"` + streamARN + `","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false`
	records := `"Records":[` + streamRecord("1") + `]`
	for reason, payload := range map[string]string{
		"before the records": `{` + members + `,` + records + `}`,
		"after them":         `{` + records + `,` + members + `}`,
	} {
		p := open(t, payload)
		answer, err := p.Answer(nil)
		if err != nil || string(answer) != `{"state":{"n":1},"batchItemFailures":[]}` {
			t.Errorf("%s: answer %s, %v", reason, answer, err)
		}
		if p.Source != "dynamodb" || len(p.Messages) != 1 || p.Messages[0].Group != streamARN+"/shardId-7" {
			t.Errorf("%s: %s, %v", reason, p.Source, p.Messages)
		}
	}
}

func TestOmitSequence(t *testing.T) {
	// Rule A8.3
	for name, payload := range payloadFiles(t) {
		p, err := Format{OmitSequence: true}.Open(payload, "")
		if err != nil {
			continue
		}
		for _, m := range p.Messages {
			if m.Extensions()["sequence"] != nil {
				t.Errorf("%s has a sequence", name)
			}
		}
	}
}
