package awsevents

import (
	"strings"
	"testing"
)

func TestS3Keys(t *testing.T) {
	// Rule B3.1, Rule B3.2, Rule B3.4
	for _, tt := range []struct {
		rule, reason string
		key, subject string
		raw          bool
	}{
		{"B3.1", "a plus is a space", "red+flower.jpg", "red flower.jpg", false},
		{"B3.1", "a percent escape", "a%40b", "a@b", false},
		{"B3.1", "an escaped plus is a plus", "a%2Bb", "a+b", false},
		{"B3.1", "a slash, escaped and not", "a/b%2Fc", "a/b/c", false},
		{"B3.1", "Unicode", "%C3%BC", "ü", false},
		{"B3.2", "a bad escape is kept", "100%", "100%", true},
		{"B3.4", "a control character stays encoded", "a%0Ab+c", "a%0Ab+c", false},
		{"B3.4", "so does one that the key has itself", "a\\u0007b", "a%07b", false},
		{"B3.4", "and what is no UTF-8", "a%FFb", "a%FFb", false},
	} {
		p := open(t, `{"Records":[`+strings.Replace(s3Inner, `"key":"k"`, `"key":"`+tt.key+`"`, 1)+`]}`)
		m := p.Messages[0]
		if m.Err != nil || m.Subject() != tt.subject || (m.Extensions()["s3rawkey"] == true) != tt.raw {
			t.Errorf("%s, %s: subject %q, extensions %v, %v", tt.rule, tt.reason, m.Subject(), m.Extensions(), m.Err)
		}
	}
}

func TestS3EventBridgeKeys(t *testing.T) {
	// Rule B3.3
	for _, key := range []string{"a+b", "100%", "a%2Bb", "ü x"} {
		p := open(t, `{"id":"1","detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"`+key+`"}}}`)
		if got := p.Messages[0].Subject(); got != key {
			t.Errorf("got %q, want %q", got, key)
		}
	}
}

func TestS3Sequence(t *testing.T) {
	// Rule B4.4, Rule B1.8
	for _, tt := range []struct{ rule, reason, sequencer, sequence string }{
		{"B4.4", "zeros at the right end, capitals", "0055aed6dcd90281e", "0055AED6DCD90281E0"},
		{"B4.4", "nothing is cut off", "0055AED6DCD90281E512345", "0055AED6DCD90281E512345"},
		{"B1.8", "there may be none", "", ""},
	} {
		p := open(t, `{"Records":[`+strings.Replace(s3Inner, `"key":"k"`, `"key":"k","sequencer":"`+tt.sequencer+`"`, 1)+`]}`)
		got, _ := p.Messages[0].Extensions()["sequence"].(string)
		if got != tt.sequence {
			t.Errorf("%s, %s: got %q", tt.rule, tt.reason, got)
		}
	}
}

func TestS3IDs(t *testing.T) {
	// Rule A6.1, Rule A8.1: one request's records differ, and stay what they are.
	id := func(record string) string { return open(t, `{"Records":[`+record+`]}`).Messages[0].ID() }
	with := func(ids string) string {
		return strings.Replace(s3Inner, `"eventName"`, `"responseElements":`+ids+`,"eventName"`, 1)
	}
	const ids = `{"x-amz-request-id":"R","x-amz-id-2":"H"}`
	a, b := id(with(ids)), id(strings.Replace(with(ids), `"key":"k"`, `"key":"k2"`, 1))
	if a == b || !strings.HasPrefix(a, "R.H.") || !strings.HasPrefix(b, "R.H.") || a != id(with(ids)) {
		t.Errorf("ids %s, %s", a, b)
	}
	if none := id(s3Inner); len(none) != 32 || none != id(s3Inner) || none == id(strings.Replace(s3Inner, `"key":"k"`, `"key":"k2"`, 1)) {
		t.Errorf("id %s", none)
	}
}

func TestVersionsAreOnlyAMinimum(t *testing.T) {
	// Rule B1.3
	for _, version := range []string{"2.0", "2.1", "2.6", "2.99"} {
		p := open(t, `{"Records":[`+strings.Replace(s3Inner, `"eventName"`, `"eventVersion":"`+version+`","new":{},"eventName"`, 1)+`]}`)
		if err := p.Messages[0].Err; err != nil {
			t.Error(err)
		}
	}
}
