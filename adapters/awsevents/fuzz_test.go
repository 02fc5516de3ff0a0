package awsevents

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/eventfx/eventfx-go/eventfx"
)

// seed adds the payloads of testdata, and the wrong ones of the tests.
func seed(f *testing.F) {
	for _, payload := range payloadFiles(f) {
		f.Add(payload)
	}
	names, _ := filepath.Glob("testdata/payloads/*.json")
	for _, name := range names {
		whole, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(whole[:len(whole)/2])
	}
	f.Add([]byte(`{"Records":[{"eventSource":"aws:sqs","messageId":"\ud800","body":"\"{}\""},{"s3":{}}]}`))
	f.Add([]byte(`{"Records":null,"Records":[]}`))
}

// Open never panics, and says that the input is invalid exactly when it is.
func FuzzOpen(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, err := Format{}.Open(payload, "")
		_, invalid := errors.AsType[*InputError](err)
		if want := !json.Valid(payload) || !utf8.Valid(payload); invalid != want {
			t.Fatalf("invalid input: %v, want %v: %v", invalid, want, err)
		}
		_, shape := errors.AsType[*ShapeError](err)
		if err != nil && !invalid && !shape {
			t.Fatalf("error %T: %v", err, err)
		}
		if err != nil {
			return
		}
		for _, m := range p.Messages {
			if err := m.Validate(); err != nil {
				t.Errorf("%s: %v", m, err)
			}
			text, err := json.Marshal(m.Event)
			if err != nil || !json.Valid(text) {
				t.Errorf("%s: %v", text, err)
			}
			if m.Err != nil && m.Type() != TypeRaw {
				t.Errorf("%s: Err %v", m.Type(), m.Err)
			}
		}
	})
}

// What is answered about any choice of the messages names exactly the
// identifiers that the payload has for their records: those of a queue's each
// once, of a stream's the lowest number. They are read from the payload by
// encoding/json.
func FuzzAnswer(f *testing.F) {
	for _, payload := range payloadFiles(f) {
		f.Add(payload, uint64(0b1011))
	}
	stray := strings.Replace(streamRecord("5"), "{", `{"messageId":"stray",`, 1)
	f.Add([]byte(`{"Records":[`+strings.Replace(stray, "eventSource", "x", 1)+","+stray+","+streamRecord("10")+`]}`), uint64(0b110))
	f.Add([]byte(`{"Records":[{"messageId":"m","messageId":"n","body":"x"},`+sqsRecord("n", "y")+","+sqsRecord("n", "x")+`]}`), uint64(0b111))
	f.Fuzz(func(t *testing.T, payload []byte, which uint64) {
		p, err := Format{}.Open(payload, "")
		if err != nil {
			return
		}
		ids := identifiers(t, p, payload)
		var failures []eventfx.Failure
		var want []string
		for i, m := range p.Messages {
			if p.Partial && m.Origin.ID != ids[p.Record(m)] {
				t.Errorf("message %d is of %q, want %q", i, m.Origin.ID, ids[p.Record(m)])
			}
			if which>>(i%64)&1 == 0 {
				continue
			}
			failures = append(failures, eventfx.Failure{Message: m, Err: errors.New("boom")})
			if p.Partial {
				want = append(want, ids[p.Record(m)])
			}
		}
		answer, err := p.Answer(failures)
		if wantErr := len(failures) > 0 && (!p.Partial || slices.Contains(want, "")); (err != nil) != wantErr {
			t.Fatalf("%d failures of %q: %s, %v", len(failures), want, answer, err)
		}
		if err != nil {
			return
		}
		var read struct {
			BatchItemFailures []struct{ ItemIdentifier string }
		}
		if err := json.Unmarshal(answer, &read); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
		var got []string
		for _, f := range read.BatchItemFailures {
			got = append(got, f.ItemIdentifier)
		}
		if p.Source == "dynamodb" && len(want) > 0 {
			want = []string{slices.MinFunc(want, compareNumbers)} // the first of equal ones
		} else {
			want = slices.Compact(slices.Sorted(slices.Values(want)))
			slices.Sort(got)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s, want %q", answer, want)
		}
	})
}

func compareNumbers(a, b string) int {
	x, _ := new(big.Int).SetString(a, 10)
	y, _ := new(big.Int).SetString(b, 10)
	return x.Cmp(y)
}

var decimal = regexp.MustCompile(`^"[0-9]+"$`)

// identifiers returns that of each record of a payload: the messageId of a
// queue's, the sequence number of a stream's, "" where it has none. Of a member
// that is there twice it is the last that is a string.
func identifiers(t *testing.T, p *Payload, payload []byte) []string {
	if !p.Partial {
		return nil
	}
	var ids []string
	eachMember(t, payload, func(name string, records json.RawMessage) {
		var all []json.RawMessage
		if name != "Records" || json.Unmarshal(records, &all) != nil {
			return
		}
		for _, record := range all {
			id := json.RawMessage(`""`)
			eachMember(t, record, func(name string, value json.RawMessage) {
				if p.Source == "sqs" && name == "messageId" && value[0] == '"' {
					id = value
				}
				if p.Source != "dynamodb" || name != "dynamodb" {
					return
				}
				eachMember(t, value, func(name string, value json.RawMessage) {
					if name == "SequenceNumber" && value[0] == '"' {
						id = value
					}
				})
			})
			text := ""
			if p.Source == "sqs" || decimal.Match(id) {
				if err := json.Unmarshal(id, &text); err != nil {
					t.Fatal(err)
				}
			}
			ids = append(ids, text)
		}
	})
	return ids
}

// eachMember calls f for the members of an object, by their exact names.
func eachMember(t *testing.T, object []byte, f func(name string, value json.RawMessage)) {
	d := json.NewDecoder(bytes.NewReader(object))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		f(name.(string), value)
	}
}
