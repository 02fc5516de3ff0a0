package httphost

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

var update = flag.Bool("update", false, "write the golden files")

type golden struct {
	Done      goldenAnswer  `json:"done"`
	Transient *goldenAnswer `json:"transient,omitempty"` // when each handler fails
	Permanent *goldenAnswer `json:"permanent,omitempty"`
	Events    []goldenEvent `json:"events,omitempty"`
}

type goldenAnswer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
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
}

// The events of each sample, and the answers. After -update, read the
// difference.
func TestGolden(t *testing.T) {
	for name, request := range samples(t) {
		t.Run(name, func(t *testing.T) {
			rec := record(nil)
			g := golden{Done: answerOf(serve(newTestHandler(t, rec.router, Options{}), request()))}
			for _, m := range rec.messages {
				event, err := cloudevent.Append(nil, m.Event)
				if err != nil {
					t.Errorf("%s: %v", m.ID(), err)
				}
				e := goldenEvent{Event: event, ID: m.Origin.ID, Address: m.Origin.Address, Name: m.Origin.Name,
					Receives: m.Origin.Receives, Attributes: m.Origin.Attributes, Group: m.Group}
				if m.Err != nil {
					e.Err = m.Err.Error()
				}
				g.Events = append(g.Events, e)
			}
			if len(g.Events) > 0 {
				g.Transient = failing(t, request(), errBroken)
				g.Permanent = failing(t, request(), eventfx.Permanent(errBroken))
			}
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(g); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "golden", name+".json")
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func failing(t *testing.T, r *http.Request, err error) *goldenAnswer {
	rec := record(func(*eventfx.Message) error { return err })
	a := answerOf(serve(newTestHandler(t, rec.router, Options{}), r))
	return &a
}

func answerOf(w *httptest.ResponseRecorder) goldenAnswer {
	a := goldenAnswer{Status: w.Code, Headers: make(map[string]string), Body: bytes.TrimSpace(w.Body.Bytes())}
	for name := range w.Header() {
		if name != "Content-Length" && name != "X-Content-Type-Options" {
			a.Headers[name] = w.Header().Get(name)
		}
	}
	return a
}
