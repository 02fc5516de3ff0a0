package awsevents

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
)

var update = flag.Bool("update", false, "write the golden files")

// golden is what a golden file holds of one payload.
type golden struct {
	Error   string          `json:"error,omitempty"`
	Source  string          `json:"source,omitempty"`
	Partial bool            `json:"partial,omitempty"`
	Success json.RawMessage `json:"success,omitempty"`
	Events  []goldenEvent   `json:"events,omitempty"`
}

type goldenEvent struct {
	Event      json.RawMessage   `json:"event"`
	ID         string            `json:"originId,omitempty"`
	Address    string            `json:"address,omitempty"`
	Name       string            `json:"name,omitempty"`
	Receives   int               `json:"receives,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Group      string            `json:"group,omitempty"`
	Err        string            `json:"err,omitempty"`
	Failed     json.RawMessage   `json:"failed,omitempty"`      // the answer when it fails
	FailedErr  string            `json:"failedError,omitempty"` // or the error
}

// payloadFiles returns the payloads in testdata, by name.
func payloadFiles(t testing.TB) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for _, dir := range []string{"payloads", "captured"} {
		names, err := filepath.Glob(filepath.Join("testdata", dir, "*.json"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no payloads in %s: %v", dir, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[dir+"/"+strings.TrimSuffix(filepath.Base(name), ".json")] = data
		}
	}
	return files
}

func describe(t *testing.T, f Format, payload []byte) golden {
	t.Helper()
	p, err := f.Open(payload, "request-1")
	if err != nil {
		return golden{Error: err.Error()}
	}
	g := golden{Source: p.Source, Partial: p.Partial}
	if g.Success, err = p.Answer(nil); err != nil {
		t.Error(err)
	}
	for _, m := range p.Messages {
		event, err := json.Marshal(m.Event)
		if err != nil {
			t.Errorf("%s: %v", m.ID(), err)
		}
		e := goldenEvent{
			Event: event, ID: m.Origin.ID, Address: m.Origin.Address, Name: m.Origin.Name,
			Receives: m.Origin.Receives, Attributes: m.Origin.Attributes, Group: m.Group,
		}
		if m.Err != nil {
			e.Err = m.Err.Error()
		}
		if e.Failed, err = p.Answer([]eventfx.Failure{{Message: m, Err: errors.New("boom")}}); err != nil {
			e.FailedErr = err.Error()
		}
		g.Events = append(g.Events, e)
	}
	return g
}

func marshalGolden(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The events and the answers of each payload in testdata. After -update, read
// the difference.
func TestGolden(t *testing.T) {
	for name, payload := range payloadFiles(t) {
		t.Run(name, func(t *testing.T) {
			got := marshalGolden(t, describe(t, Format{}, payload))
			file := filepath.Join("testdata", "golden", strings.ReplaceAll(name, "/", "_")+".json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
