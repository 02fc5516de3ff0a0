package awsevents_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eventfx/eventfx-go/adapters/awsevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/eventfx/schedule"
	"github.com/eventfx/eventfx-go/eventfx/table"
	"github.com/eventfx/eventfx-go/internal/kindlaw"
)

// Every kind recognises and decodes every message from its CloudEvent alone.
func TestKindsNeedTheEventAlone(t *testing.T) {
	files, err := filepath.Glob("testdata/[pc]a*/*.json") // payloads and captured
	if err != nil || len(files) < 50 {
		t.Fatalf("%d payloads: %v", len(files), err)
	}
	matches := make(map[string]int)
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			for _, f := range []awsevents.Format{{}, {StrictS3IDs: true}} {
				p, err := f.Open(payload, "request-1")
				if err != nil {
					continue // an invalid payload has no messages
				}
				for _, m := range p.Messages {
					checkKinds(t, m, matches)
				}
			}
		})
	}
	for _, kind := range []string{
		"object.Created", "object.Removed", "object.Any", "queue.JSON", "queue.Text", "queue.Raw",
		"table.Inserted", "table.Modified", "table.Removed", "table.Any", "schedule.Tick", "schedule.With",
	} {
		if matches[kind] == 0 {
			t.Errorf("no payload has a message for %s", kind)
		}
	}
}

// checkKinds checks the law for each kind, without a name, and with the name
// that the message really has.
func checkKinds(t *testing.T, m *eventfx.Message, matches map[string]int) {
	name := m.Origin.Name
	for _, name := range []string{"", name, "no-such-name"} {
		check(t, matches, object.Created{Bucket: name}, m)
		check(t, matches, object.Removed{Bucket: name}, m)
		check(t, matches, object.Any{Bucket: name}, m)

		check(t, matches, queue.JSON[map[string]any]{Queue: name}, m)
		check(t, matches, queue.Text{Queue: name}, m)
		check(t, matches, queue.Raw{Queue: name}, m)

		check(t, matches, table.Inserted[map[string]any]{Table: name}, m)
		check(t, matches, table.Modified[map[string]any]{Table: name}, m)
		check(t, matches, table.Removed[map[string]any]{Table: name}, m)
		check(t, matches, table.Any[map[string]any]{Table: name}, m)

		check(t, matches, schedule.Tick{Name: name}, m)
		check(t, matches, schedule.With[any]{Name: name}, m)
	}
	check(t, matches, object.Any{Prefix: "in/"}, m)
	check(t, matches, object.Any{Suffix: ".jpg"}, m)
	for _, typ := range []string{m.Type(), "order.placed", "user.created"} {
		check(t, matches, queue.JSON[map[string]any]{Type: typ}, m)
		check(t, matches, queue.JSON[map[string]any]{Queue: name, Type: typ}, m)
	}
}

func check[T any](t *testing.T, matches map[string]int, src eventfx.Source[T], m *eventfx.Message) {
	t.Helper()
	if kindlaw.Check(t, src, m) {
		kind, _, _ := strings.Cut(src.String(), "{")
		kind, _, _ = strings.Cut(kind, "[")
		matches[kind]++
	}
}
