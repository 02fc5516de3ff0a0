package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The payloads of every source and nesting, and their events, are those that
// package awsevents is tested with. The command writes events by code of its
// own, so that both are compared.
const payloads = "../../adapters/awsevents/testdata/"

func TestNormalizeEveryPayload(t *testing.T) {
	files, err := filepath.Glob(payloads + "[cp]a*/*.json") // captured, payloads
	if err != nil || len(files) < 80 {
		t.Fatalf("%d payloads, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file)) + "_" + filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			want := readGolden(t, payloads+"golden/"+name)
			var stdout, stderr bytes.Buffer
			failure := (&normalizer{stderr: &stderr}).run([]string{file}, nil, &stdout)
			if want.Error != "" {
				if failure == nil || stdout.Len() > 0 || !strings.Contains(stderr.String(), want.Error) {
					t.Errorf("got %v, %s, %s; want the error %s", failure, &stdout, &stderr, want.Error)
				}
				return
			}
			events, errs := []any{}, 0
			for _, e := range want.Events {
				if e.Err == "" {
					events = append(events, e.Event)
					continue
				}
				errs++
				if !strings.Contains(stderr.String(), e.Err+"\n") {
					t.Errorf("no error %s in\n%s", e.Err, &stderr)
				}
			}
			if (failure != nil) != (errs > 0) || strings.Count(stderr.String(), "\n") != errs {
				t.Errorf("got %v and %s, want %d errors", failure, &stderr, errs)
			}
			got, _ := parse(t, stdout.Bytes()).([]any)
			nameRequest(events, got)
			if diff := cmp.Diff(events, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// nameRequest takes over the ids of payloads that have none of their own: in
// the golden files it is that of their request, and the command has no request.
func nameRequest(want, got []any) {
	for i := range min(len(want), len(got)) {
		w, _ := want[i].(map[string]any)
		g, _ := got[i].(map[string]any)
		if id, _ := g["id"].(string); w["id"] == "request-1" && len(id) == 32 {
			w["id"] = id
		}
	}
}

// A golden is what the command has in common with the file of that name.
type golden struct {
	Error  string
	Events []struct {
		Event any
		Err   string
	}
}

func readGolden(t *testing.T, file string) (g golden) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // a float would lose digits
	if err := d.Decode(&g); err != nil {
		t.Fatal(err)
	}
	return g
}

func parse(t *testing.T, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}
