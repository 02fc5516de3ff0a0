package local

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/pipeline"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/samples"
)

var update = flag.Bool("update", false, "write testdata/timeline.txt again")

// TestPlay runs the whole pipeline in virtual time.
func TestPlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(memcloud.New(t))
		if err := p.Play(t.Context()); err != nil {
			t.Fatal(err)
		}
		var report bytes.Buffer
		if err := p.Report(&report); err != nil {
			t.Fatal(err)
		}
		checkReport(t, report.String())
		checkBucket(t, p)
		checkRows(t, p)
		checkPartialFailure(t, p)
		if got := len(p.Published()); got != 6 {
			t.Errorf("%d events were published, want one for each of the 6 uploads that can be read", got)
		}
		if got := len(p.DeadLetters()); got != 4 {
			t.Errorf("%d dead letters, want 2 pictures and 2 orders", got)
		}
	})
}

func checkReport(t *testing.T, report string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(report, "\n"), "\n")
	if len(lines) > 60 {
		t.Errorf("%d lines, want at most 60", len(lines))
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > width {
			t.Errorf("%d columns, want at most %d: %s", n, width, line)
		}
	}
	const golden = "testdata/timeline.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(report), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), report); diff != "" {
		t.Errorf("report (-want +got), -update writes it:\n%s", diff)
	}
}

// checkBucket: each picture that can be read has one thumbnail, of the newest
// upload, and nothing else was made.
func checkBucket(t *testing.T, p *Pipeline) {
	t.Helper()
	var got []string
	for _, key := range p.pictures.Keys() {
		if name, ok := strings.CutPrefix(key, pipeline.Thumbnails); ok {
			key = pipeline.Thumbnails + name[:strings.LastIndex(name, "/")]
		}
		got = append(got, key)
	}
	want := []string{"prints/o1.json", "prints/o2.json"}
	for _, picture := range samples.All() {
		want = append(want, pipeline.Photos+picture.Name)
		if picture.Name != "broken.jpg" && picture.Name != "bomb.png" {
			want = append(want, pipeline.Thumbnails+picture.Name)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got), without versions:\n%s", diff)
	}
}

func checkRows(t *testing.T, p *Pipeline) {
	t.Helper()
	sizes := map[string]pipeline.Size{}
	list := p.Images.Query().Get(t.Context())
	defer list.Stop()
	for {
		var row pipeline.Image
		err := list.Next(t.Context(), &row)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sizes[row.Name()] = row.Size
		if _, ok := p.pictures.Get(row.Thumbnail); !ok || !row.Announced {
			t.Errorf("row %+v: no thumbnail, or not announced", row)
		}
	}
	want := map[string]pipeline.Size{
		"harbour at night.jpg": {Width: 480, Height: 640},
		"dunes.jpg":            {Width: 480, Height: 640}, // the second upload
		"logo+shadow.png":      {Width: 400, Height: 400},
		"scan 50%2F50.png":     {Width: 640, Height: 320},
		"Zürich – 東京.jpg":      {Width: 5184, Height: 3888},
	}
	if diff := cmp.Diff(want, sizes); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// checkPartialFailure: of the batch of four orders one is done, one is dead,
// and only the other two go back.
func checkPartialFailure(t *testing.T, p *Pipeline) {
	t.Helper()
	for _, step := range p.Steps() {
		if bytes.Contains(step.Payload, []byte("o1")) && bytes.Contains(step.Payload, []byte("aws:sqs")) {
			if got := bytes.Count(step.Answer, []byte("itemIdentifier")); got != 2 || step.Err != nil {
				t.Errorf("the answer for the orders is %s (%v), want 2 failures", step.Answer, step.Err)
			}
			return
		}
	}
	t.Error("the orders came to no function")
}

// TestNoLoop: a trigger without a prefix calls the function for its own output
// as well, once, and that is all.
func TestNoLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := wire(memcloud.New(t), &memcloud.Notification{})
		if err := p.upload(t.Context(), samples.Picture{Name: "x.png", Data: samples.Deep()}); err != nil {
			t.Fatal(err)
		}
		if err := p.rest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if keys := p.pictures.Keys(); len(keys) != 2 {
			t.Errorf("objects: %q", keys)
		}
		calls := 0
		for _, step := range p.Steps() {
			if bytes.Contains(step.Payload, []byte("aws:s3")) {
				calls++
			}
		}
		if calls != 2 || len(p.Published()) != 1 || len(p.DeadLetters()) != 0 {
			t.Errorf("%d calls by the bucket, %d events, %d dead letters", calls, len(p.Published()), len(p.DeadLetters()))
		}
	})
}

func TestColumns(t *testing.T) {
	for _, c := range []struct {
		text, outcome, want string
		reason              string
	}{
		{"a", "done", "a" + strings.Repeat(" ", 19) + "done", "at the column"},
		{strings.Repeat("a", 30), "done", strings.Repeat("a", 30) + "  done", "the text is long"},
		{"a", strings.Repeat("b", 65), "a  " + strings.Repeat("b", 65), "the outcome is long"},
		{"a", strings.Repeat("b", 76) + "c", "a  " + strings.Repeat("b", 76) + "c", "it just fits"},
		{"ü", failed + strings.Repeat("wörd ", 20), "ü  failed: … " + strings.TrimLeft(strings.Repeat("wörd ", 13), " "), "its begin goes"},
		{"a", strings.Repeat("b", 100), "a  … " + strings.Repeat("b", 75), "there are no words"},
	} {
		got := strings.TrimSuffix(columns(c.text, c.outcome, 20), "\n")
		if got != c.want || utf8.RuneCountInString(got) > width {
			t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
		}
	}
}
