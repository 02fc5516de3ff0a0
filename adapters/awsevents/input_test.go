package awsevents

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

func TestInputErrors(t *testing.T) {
	whole := string(sqsRecords("x"))
	for _, tt := range []struct {
		reason, payload string
		offset          int
	}{
		{"nothing", "", 0},
		{"space", "  ", 2},
		{"not JSON", "hello", 0},
		{"truncated", whole[:len(whole)-1], len(whole) - 1},
		{"bytes after the end", whole + "x", len(whole)},
		{"a second document", whole + whole, len(whole)},
		{"not UTF-8", `{"a":"` + "\xff" + `"}`, 6},
		{"nested a million deep", strings.Repeat("[", 1_000_000), 10000},
		{"the same inside a record", `{"Records":[{"eventSource":"aws:sqs","attributes":` + strings.Repeat(`{"a":`, 1_000_000), 0},
		{"a mixed batch that does not end", `{"Records":[` + sqsRecord("m", "x") + `,` + streamRecord("1"), 0},
	} {
		p, err := Format{}.Open([]byte(tt.payload), "")
		e, ok := errors.AsType[*InputError](err)
		if !ok || p != nil || tt.offset > 0 && e.Offset != tt.offset {
			t.Errorf("%s: got %v, %v, want offset %d", tt.reason, p, err, tt.offset)
		}
	}
}

func TestDeepBodies(t *testing.T) {
	deep := strings.Repeat("[", 1_000_000)
	p := open(t, string(sqsRecords(deep, strings.Repeat("[", 9000)+strings.Repeat("]", 9000))))
	if got := p.Messages[0].DataContentType(); got != "text/plain" {
		t.Errorf("what no parser takes is %s", got)
	}
	if got := p.Messages[1].DataContentType(); got != "application/json" {
		t.Errorf("what every parser takes is %s", got)
	}
}

// A record that cannot be read is a message of its own; its neighbours are not
// touched, and its bytes are kept.
func TestBadRecords(t *testing.T) {
	// Rule C1.1, Rule A1.7, Rule F3.11, Rule C1.2, Rule C1.3, Rule C1.5, Rule D2.1, Rule D2.3, Rule D4.3
	// Rule D1.1, Rule D2.2, Rule D2.5, Rule B1.2, Rule B1.3
	sqs := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(`{"messageId":"bad","body":"x","attributes":{"ApproximateReceiveCount":"2"},"eventSource":"aws:sqs","eventSourceARN":"` + sqsARN + `"}`)
	}
	fifo := strings.Replace(sqs(), `:orders"`, `:orders.fifo"`, 1)
	stream := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(streamRecord("5"))
	}
	s3 := func(change ...string) string { return strings.NewReplacer(change...).Replace(s3Inner) }
	good := map[string]string{"sqs": sqsRecord("good", "x"), "dynamodb": streamRecord("4"), "s3": s3Inner}
	for _, tt := range []struct {
		rule, reason   string
		source, record string
		id, want       string
	}{
		{"C1.1", "no object", "sqs", `null`, "", "is no object"},
		{"C1.1", "no message id", "sqs", sqs(`"messageId":"bad",`, ""), "", "messageId is not there"},
		{"C1.1", "an empty message id", "sqs", sqs(`"bad"`, `""`), "", "messageId is not there"},
		{"C1.1", "a number as the message id", "sqs", sqs(`"bad"`, `7`), "", "messageId is of the wrong type: number, want a string"},
		{"A1.7", "a control character in the message id", "sqs", sqs(`"bad"`, `"b\u0001"`), "b\x01", "messageId has a control character"},
		{"C1.1", "the message id twice", "sqs", sqs(`"messageId":"bad"`, `"messageId":"bad","messageId":"worse"`), "worse", "messageId is there twice"},
		{"C1.1", "no body", "sqs", sqs(`"body":"x",`, ""), "bad", "body is not there"},
		{"C1.1", "a null body", "sqs", sqs(`"x"`, "null"), "bad", "body is not there"},
		{"C1.1", "an object as the body", "sqs", sqs(`"x"`, `{"a":1}`), "bad", "body is of the wrong type: object, want a string"},
		{"C1.1", "no queue", "sqs", sqs(`,"eventSourceARN":"`+sqsARN+`"`, ""), "bad", "eventSourceARN is not there"},
		{"F3.11", "no source", "sqs", sqs(`"eventSource":"aws:sqs",`, ""), "bad", "eventSource is not there"},
		{"C1.2", "attributes of the wrong type", "sqs", sqs(`{"ApproximateReceiveCount":"2"}`, `[]`), "bad", "attributes is of the wrong type: array"},
		{"C1.2", "a count that is no string", "sqs", sqs(`"2"`, `2`), "bad", "attributes.ApproximateReceiveCount is of the wrong type"},
		{"C1.2", "a count that is no number", "sqs", sqs(`"2"`, `"two"`), "bad", "attributes.ApproximateReceiveCount is no number"},
		{"C1.2", "a time that is no number", "sqs", sqs(`"ApproximateReceiveCount":"2"`, `"SentTimestamp":"today"`), "bad", "attributes.SentTimestamp is no number"},
		{"C1.3", "an attribute without a value", "sqs", sqs(`"body"`, `"messageAttributes":{"a":{"dataType":"String"}},"body"`), "bad", "messageAttributes.a is no attribute"},
		{"C1.3", "an attribute twice", "sqs", sqs(`"body"`, `"messageAttributes":{"a":{"dataType":"String","stringValue":"1"},"a":{"dataType":"String","stringValue":"2"}},"body"`), "bad", "messageAttributes.a is there twice"},
		{"C1.5", "FIFO without a group", "sqs", fifo, "bad", "attributes.MessageGroupId is not there"},
		{"D2.1", "no change", "dynamodb", `{"eventID":"e","eventName":"INSERT","eventSource":"aws:dynamodb","eventSourceARN":"` + streamARN + `"}`, "", "dynamodb is not there"},
		{"D2.3", "no sequence number", "dynamodb", stream(`,"SequenceNumber":"5"`, ""), "", "dynamodb.SequenceNumber is no decimal number"},
		{"D4.3", "a sequence number that is a number", "dynamodb", stream(`"SequenceNumber":"5"`, `"SequenceNumber":5`), "", "dynamodb.SequenceNumber is of the wrong type"},
		{"D2.3", "a sequence number of letters", "dynamodb", stream(`"SequenceNumber":"5"`, `"SequenceNumber":"0x5"`), "", "dynamodb.SequenceNumber is no decimal number"},
		{"D1.1", "a sequence number again", "dynamodb", stream(`"SequenceNumber":"5"`, `"SequenceNumber":"4"`), "4", "dynamodb.SequenceNumber is that of an earlier record"},
		{"D2.1", "no event id", "dynamodb", stream(`"eventID":"e5",`, ""), "5", "eventID is not there"},
		{"D2.1", "an unknown change", "dynamodb", stream("INSERT", "UPSERT"), "5", "eventName is no INSERT, MODIFY or REMOVE"},
		{"D2.2", "a time that is text", "dynamodb", stream(`"Keys"`, `"ApproximateCreationDateTime":"2026-01-01T00:00:00Z","Keys"`), "5", "dynamodb.ApproximateCreationDateTime is of the wrong type: string"},
		{"D2.2", "a time before there was time", "dynamodb", stream(`"Keys"`, `"ApproximateCreationDateTime":-1,"Keys"`), "5", "dynamodb.ApproximateCreationDateTime is no time"},
		{"D2.5", "no keys", "dynamodb", stream(`{"id":{"S":"k5"}}`, `{}`), "5", "dynamodb.Keys is empty"},
		{"D2.5", "a key of two types", "dynamodb", stream(`{"S":"k5"}`, `{"S":"k5","N":"5"}`), "5", "dynamodb.Keys has an attribute with several types"},
		{"D2.5", "a key of a type that keys have not", "dynamodb", stream(`{"S":"k5"}`, `{"BOOL":true}`), "5", "dynamodb.Keys has an attribute that is no string, number or binary"},
		{"D2.5", "a key whose number is none", "dynamodb", stream(`{"S":"k5"}`, `{"N":5}`), "5", "dynamodb.Keys has an attribute whose value is no JSON string"},
		{"B1.2", "no bucket", "s3", s3(`"bucket":{"name":"b"},`, ""), "", "s3.bucket.name is not there"},
		{"B1.2", "no key", "s3", s3(`"key":"k"`, `"key":""`), "", "s3.object.key is not there"},
		{"B1.2", "no name", "s3", s3(`"eventName":"ObjectCreated:Put",`, ""), "", "eventName is not there"},
		{"B1.2", "a time that is none", "s3", s3(`"eventName"`, `"eventTime":"yesterday","eventName"`), "", "eventTime is no time"},
		{"B1.3", "another major version", "s3", s3(`"eventName"`, `"eventVersion":"3.0","eventName"`), "", "eventVersion is 3.0: want 2.x"},
	} {
		for _, order := range []string{"%s,%s", "%[2]s,%[1]s"} {
			first := fmt.Sprintf(order, good[tt.source], tt.record)
			if tt.rule == "D1.1" && order != "%s,%s" {
				continue // then the other one is the second
			}
			p := open(t, `{"Records":[`+first+`]}`)
			if len(p.Messages) != 2 || p.Source != tt.source {
				t.Errorf("%s, %s: %s with %d messages", tt.rule, tt.reason, p.Source, len(p.Messages))
				continue
			}
			bad, index := p.Messages[1], 1
			if order != "%s,%s" {
				bad, index = p.Messages[0], 0
			}
			if p.Messages[1-index].Err != nil {
				t.Errorf("%s, %s: the neighbour: %v", tt.rule, tt.reason, p.Messages[1-index].Err)
			}
			e, ok := bad.Err.(*RecordError)
			if !ok || e.Source != tt.source || e.Index != index || e.ID != tt.id || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("%s, %s: got %v of %q, want %q", tt.rule, tt.reason, bad.Err, e.ID, tt.want)
			}
			checkRaw(t, tt.reason, bad, tt.record)
			answer, err := p.Answer([]eventfx.Failure{{Message: bad}})
			if tt.id == "" || tt.source == "s3" {
				if _, ok := errors.AsType[*FailedError](err); !ok {
					t.Errorf("%s, %s: answer %s, %v", tt.rule, tt.reason, answer, err)
				}
			} else if id, _ := json.Marshal(tt.id); err != nil || string(answer) != `{"batchItemFailures":[{"itemIdentifier":`+string(id)+`}]}` {
				t.Errorf("%s, %s: answer %s, %v", tt.rule, tt.reason, answer, err)
			}
		}
	}
}

// checkRaw checks the event of a record that could not be read.
func checkRaw(t *testing.T, reason string, m *eventfx.Message, record string) {
	t.Helper()
	// Rule H4
	if m.Type() != TypeRaw || !m.DataBase64 || string(m.DataEncoded) != record || m.Validate() != nil {
		t.Errorf("%s: event %v %v", reason, m.Event, m.Validate())
	}
	text, err := json.Marshal(m.Event)
	if err != nil || !strings.Contains(string(text), base64.StdEncoding.EncodeToString([]byte(record))) {
		t.Errorf("%s: %s, %v", reason, text, err)
	}
}

// A record that does not say what it is has the identifier of its source, which
// its neighbours or the window may tell later.
func TestIdentifierIsThatOfTheSource(t *testing.T) {
	// Rule D4.1, Rule D4.3, Rule C1.1
	stray := strings.Replace(streamRecord("5"), "{", `{"messageId":"stray",`, 1)
	sequence := `{"messageId":"m","dynamodb":{"SequenceNumber":"5"},"body":"x","eventSource":"aws:sqs","eventSourceARN":"` + sqsARN + `"}`
	unknown := func(record string) string {
		return strings.NewReplacer(`"eventSource":"aws:dynamodb",`, "", `"eventSource":"aws:sqs",`, "").Replace(record)
	}
	records := func(all ...string) string { return `{"Records":[` + strings.Join(all, ",") + `]` }
	window := `,"window":{},"isFinalInvokeForWindow":true,"eventSourceARN":"` + streamARN + `"`
	for _, tt := range []struct {
		rule, reason string
		payload      string
		at           int
		id           string
	}{
		{"D4.1", "a stream's record with a messageId", records(stray), 0, "5"},
		{"D4.1", "the same without its source, after another", records(streamRecord("4"), unknown(stray)), 1, "5"},
		{"D4.1", "the same before another", records(unknown(stray), streamRecord("6")), 0, "5"},
		{"D4.1", "the second before another", records("{}", unknown(stray), streamRecord("6")), 1, "5"},
		{"D4.1", "the same alone in a window", records(unknown(stray)) + window, 0, "5"},
		{"D4.3", "a stream's record with nothing but a messageId", records(streamRecord("4"), strings.Replace(stray, `"SequenceNumber":"5"`, `"x":1`, 1)), 1, ""},
		{"D4.3", "the same without its source, before another", records(strings.Replace(unknown(stray), `"SequenceNumber":"5"`, `"x":1`, 1), streamRecord("4")), 0, ""},
		{"C1.1", "a queue's record with a sequence number", records(sequence), 0, "m"},
		{"C1.1", "the same without its source, before another", records(unknown(sequence), sqsRecord("n", "x")), 0, "m"},
		{"C1.1", "a queue's record with nothing but a sequence number", records(strings.Replace(sequence, `"messageId":"m",`, "", 1)), 0, ""},
		{"C1.1", "the same without its source, before another", records(unknown(strings.Replace(sequence, `"messageId":"m",`, "", 1)), sqsRecord("n", "x")), 0, ""},
		{"B7.6", "a bucket's record has none", records(`{"messageId":"stray"}`, s3Inner), 0, ""},
	} {
		p := open(t, tt.payload+"}")
		m := p.Messages[tt.at]
		e, bad := m.Err.(*RecordError)
		if m.Origin.ID != tt.id || bad && (e.ID != tt.id || m.Subject() != tt.id || tt.id != "" && m.ID() != tt.id || m.Validate() != nil) {
			t.Errorf("%s, %s: %q, %s: %v", tt.rule, tt.reason, m.Origin.ID, m.Event, m.Err)
		}
		answer, err := p.Answer(fail(p, tt.at))
		if tt.id == "" {
			if err == nil {
				t.Errorf("%s, %s: answer %s", tt.rule, tt.reason, answer)
			}
			continue
		}
		if err != nil || !strings.HasSuffix(string(answer), `"batchItemFailures":[{"itemIdentifier":"`+tt.id+`"}]}`) {
			t.Errorf("%s, %s: %s, %v", tt.rule, tt.reason, answer, err)
		}
	}
}

func TestIdentifierOfALateRecordIsTaken(t *testing.T) {
	// Rule C1.1: which of the two a failure is about could not be told.
	p := open(t, `{"Records":[{"messageId":"m","body":"x"},`+sqsRecord("m", "x")+`]}`)
	if err := p.Messages[1].Err; err == nil || !strings.Contains(err.Error(), "that of an earlier record") {
		t.Errorf("got %v", err)
	}
}

// What one message carries has an identity of its own, readable or not.
func TestBadRecordsInsideAMessage(t *testing.T) {
	// Rule A1.3, Rule F3.7
	bad := func(key string) string {
		return strings.Replace(s3Inner, `"eventName"`, `"eventTime":"`+key+`","eventName"`, 1)
	}
	p := open(t, string(sqsRecords("x", `{"Records":[`+bad("one")+`,`+s3Inner+`,`+bad("two")+`]}`)))
	ids := make(map[string]bool)
	for i, m := range p.Messages[1:] {
		ids[m.Source()+" "+m.ID()] = true
		if m.Origin.ID != "m1" || p.Record(m) != 1 {
			t.Errorf("event %d is of record %d, %s", i, p.Record(m), m.Origin.ID)
		}
		if e, ok := m.Err.(*RecordError); ok != (i != 1) || ok && (m.Subject() != "m1" || e.ID != "m1" || e.Index != 1) {
			t.Errorf("event %d: subject %q, %v", i, m.Subject(), m.Err)
		}
	}
	if len(ids) != 3 {
		t.Errorf("identities %v", ids)
	}

	event := strings.Replace(cloudEvent, `"/s"`, `""`, 1)
	p = open(t, string(sqsRecords("x", "["+cloudEvent+","+cloudEvent+","+event+"]")))
	m := p.Messages[3]
	if e, ok := m.Err.(*RecordError); !ok || e.Index != 1 || p.Record(m) != 1 {
		t.Errorf("an event in a batch in a message: record %d, %v", p.Record(m), m.Err)
	}
	p = open(t, "["+cloudEvent+","+cloudEvent+","+event+"]")
	m = p.Messages[2]
	if e, ok := m.Err.(*RecordError); !ok || e.Index != 2 || p.Record(m) != 2 {
		t.Errorf("an event in a batch: record %d, %v", p.Record(m), m.Err)
	}
}

func TestBadEnvelopes(t *testing.T) {
	// Rule A1.1, Rule A1.9, Rule B6.1, Rule E1.4, Rule E3.4, Rule A7.3, Rule A1.2, Rule A1.5, Rule A1.6
	// Rule A1.7, Rule A1.8, Rule A1.14, Rule A2.1, Rule A2.7, Rule A2.8, Rule A2.9
	for _, tt := range []struct {
		rule, reason  string
		payload, want string
	}{
		{"A1.1", "no id", `{"detail-type":"x","source":"y","detail":{}}`, "id is not there"},
		{"A1.1", "an empty source", `{"id":"1","detail-type":"x","source":"","detail":{}}`, "source is empty"},
		{"A1.9", "a time that is none", `{"id":"1","time":"noon","detail-type":"x","source":"y","detail":{}}`, "time is no time"},
		{"B6.1", "S3 without a key", `{"id":"1","detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{}}}`, "detail.object.key is not there"},
		{"E1.4", "a tick without its rule", `{"id":"1","detail-type":"Scheduled Event","source":"aws.events","detail":{},"time":"2026-01-01T00:00:00Z"}`, "resources does not name the schedule"},
		{"E1.4", "a tick without its time", `{"id":"1","detail-type":"Scheduled Event","source":"aws.events","detail":{},"resources":["arn:aws:events:r:1:rule/x"]}`, "time is not there"},
		{"E3.4", "an input whose keywords were not replaced", `{"scheduler":{"arn":"arn:aws:scheduler:r:1:schedule/g/x","time":"<aws.scheduler.scheduled-time>"}}`, "scheduler.time is no time"},
		{"A7.3", "a notification without a message", `{"Type":"Notification","TopicArn":"arn:aws:sns:r:1:t","MessageId":"1"}`, "Message is no string"},
		{"A1.1", "an event with an empty id", `{"specversion":"1.0","id":"","source":"/s","type":"t"}`, "id is invalid"},
		{"A1.2", "an event of another version", `{"specversion":"0.3","id":"1","source":"/s","type":"t"}`, "specversion is invalid"},
		{"A1.5", "a name that is none", `{"specversion":"1.0","id":"1","source":"/s","type":"t","my-ext":"x"}`, "my-ext is invalid"},
		{"A1.6", "an integer that is too large", `{"specversion":"1.0","id":"1","source":"/s","type":"t","n":2147483648}`, "n is invalid"},
		{"A1.7", "a control character", `{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"a\tb"}`, "subject is invalid"},
		{"A1.8", "a source that is no URI", `{"specversion":"1.0","id":"1","source":"a b","type":"t"}`, "source is invalid"},
		{"A1.14", "an attribute twice", `{"specversion":"1.0","id":"1","source":"/s","type":"t","x":"1","x":"1"}`, "x is invalid"},
		{"A2.1", "data twice", `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1,"data_base64":"AA=="}`, "data_base64 is invalid"},
		{"A2.7", "text that is no string", `{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":{}}`, "data is invalid"},
		{"A2.8", "extensions in an object", `{"specversion":"1.0","id":"1","source":"/s","type":"t","extensions":{"a":"b"}}`, "extensions is invalid"},
		{"A2.9", "a fraction", `{"specversion":"1.0","id":"1","source":"/s","type":"t","n":1.5}`, "n is invalid"},
	} {
		p := open(t, tt.payload)
		if len(p.Messages) != 1 {
			t.Errorf("%s, %s: %d messages", tt.rule, tt.reason, len(p.Messages))
			continue
		}
		m := p.Messages[0]
		if e, ok := m.Err.(*RecordError); !ok || !strings.Contains(e.Error(), tt.want) {
			t.Errorf("%s, %s: got %v, want %q", tt.rule, tt.reason, m.Err, tt.want)
		}
		checkRaw(t, tt.reason, m, tt.payload)
	}
}

func TestExplicitNull(t *testing.T) {
	// Rule A2.6
	p := open(t, `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":null,"subject":null}`)
	if m := p.Messages[0]; string(m.DataEncoded) != "null" || m.Subject() != "" {
		t.Errorf("data %q, subject %q", m.DataEncoded, m.Subject())
	}
	p = open(t, `{"specversion":"1.0","id":"1","source":"/s","type":"t"}`)
	if m := p.Messages[0]; m.DataEncoded != nil {
		t.Errorf("data %q, want none", m.DataEncoded)
	}
}

func TestTolerated(t *testing.T) {
	// Rule B8: a time without a zone is UTC; S3-compatible stores write it.
	p := open(t, `{"Records":[`+strings.Replace(s3Inner, `"eventName"`, `"eventTime":"2026-11-23T02:44:10.640033","eventName"`, 1)+`]}`)
	if got := p.Messages[0].Time(); !got.Equal(time.Date(2026, 11, 23, 2, 44, 10, 640033000, time.UTC)) {
		t.Errorf("time %v, %v", got, p.Messages[0].Err)
	}
	// A stream read by its own API gives no ARN.
	p = open(t, `{"Records":[`+strings.Replace(streamRecord("1"), `"eventSourceARN":"`+streamARN+`",`, "", 1)+`]}`)
	if m := p.Messages[0]; m.Err != nil || m.Source() != "aws:dynamodb" || m.Group != "aws:dynamodb" {
		t.Errorf("source %s, group %s, %v", m.Source(), m.Group, m.Err)
	}
	// A standard queue may deliver a message twice in one batch.
	p = open(t, `{"Records":[`+sqsRecord("m", "x")+","+sqsRecord("m", "x")+","+sqsRecord("m", "y")+`]}`)
	if p.Messages[0].Err != nil || p.Messages[1].Err != nil || p.Messages[2].Err == nil {
		t.Errorf("Err %v, %v, %v", p.Messages[0].Err, p.Messages[1].Err, p.Messages[2].Err)
	}
}

func TestEpoch(t *testing.T) {
	for number, want := range map[string]string{
		"1479499740":         "2016-11-18T20:09:00Z",
		"1.47949974E9":       "2016-11-18T20:09:00Z",
		"1.47949974e+09":     "2016-11-18T20:09:00Z",
		"14794997405E-1":     "2016-11-18T20:09:00.5Z",
		"1795403344.176":     "2026-11-23T03:09:04.176Z",
		"0":                  "1970-01-01T00:00:00Z",
		"5e-1":               "1970-01-01T00:00:00.5Z",
		"1.5e-1":             "1970-01-01T00:00:00.15Z",
		"1479499740.1234567": "2016-11-18T20:09:00.1234567Z",
		"-1":                 "", "-0.5": "", "1e300": "", "1e40": "", "1e-300": "", "253402300800": "",
	} {
		// Rule D2.2
		got, ok := epoch([]byte(number))
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %v, %v, want %q", number, got, ok, want)
		}
	}
}

func TestTraceparent(t *testing.T) {
	const root = "Root=1-6553f1aa-0123456789abcdef01234567"
	for header, want := range map[string]string{
		root + ";Parent=53995c3f42cd8ad8;Sampled=1":             "00-6553f1aa0123456789abcdef01234567-53995c3f42cd8ad8-01",
		root + ";Parent=53995C3F42CD8AD8;Sampled=0;Lineage=a:0": "00-6553f1aa0123456789abcdef01234567-53995c3f42cd8ad8-00",
		root + ";Sampled=1":              "",
		root + ";Parent=53995c3f42cd8ad": "",
		"Root=1-6553f1aa-0123456789abcdef0123456x;Parent=53995c3f42cd8ad8": "",
		"nonsense": "",
	} {
		// Rule C7.3
		if got, _ := traceparent(header); got != want {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
}
