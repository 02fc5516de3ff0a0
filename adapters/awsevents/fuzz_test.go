package awsevents

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
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

// What is answered about any choice of the messages names identifiers of the
// payload, and no other.
func FuzzAnswer(f *testing.F) {
	for _, payload := range payloadFiles(f) {
		f.Add(payload, uint64(0b1011))
	}
	f.Fuzz(func(t *testing.T, payload []byte, which uint64) {
		p, err := Format{}.Open(payload, "")
		if err != nil {
			return
		}
		ids := make(map[string]bool)
		var document struct {
			Records []struct {
				MessageID any `json:"messageId"`
				Dynamodb  struct{ SequenceNumber any }
			}
		}
		if err := json.Unmarshal(payload, &document); err != nil && p.Partial {
			return // of types that this test does not know
		}
		for _, r := range document.Records {
			for _, id := range []any{r.MessageID, r.Dynamodb.SequenceNumber} {
				if s, ok := id.(string); ok {
					ids[s] = true
				}
			}
		}
		var failures []eventfx.Failure
		for i, m := range p.Messages {
			if which>>(i%64)&1 == 1 {
				failures = append(failures, eventfx.Failure{Message: m, Err: errors.New("boom")})
			}
		}
		answer, err := p.Answer(failures)
		if err != nil {
			if len(failures) == 0 {
				t.Fatalf("nothing failed: %v", err)
			}
			return
		}
		var read struct {
			BatchItemFailures []struct{ ItemIdentifier string }
		}
		if err := json.Unmarshal(answer, &read); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
		if len(failures) > 0 && len(read.BatchItemFailures) == 0 {
			t.Fatalf("%d failures are answered by %s", len(failures), answer)
		}
		for _, f := range read.BatchItemFailures {
			if f.ItemIdentifier == "" || !ids[f.ItemIdentifier] {
				t.Errorf("%s names %q, which is not in the payload", answer, f.ItemIdentifier)
			}
		}
	})
}
