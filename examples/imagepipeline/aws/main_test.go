package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"gocloud.dev/blob"
	"gocloud.dev/docstore"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/local"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/pipeline"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
	"github.com/eventfx/eventfx-go/internal/runtimeapi"
)

// A state is what a run left behind.
type state struct {
	Objects     map[string][]byte
	Rows        map[string]pipeline.Image
	Published   []string // events of pipeline.ProcessedType as JSON, sorted
	DeadLetters []string
}

// TestSameAsInMemory runs the function's program against S3, DynamoDB and SQS
// as moto speaks them, with the payloads of a run in memory. Every answer,
// every file, every row, every event and dead letter is the same.
func TestSameAsInMemory(t *testing.T) {
	steps, want := inMemory(t)
	if len(want.Objects) < 12 || len(want.Rows) != 5 || len(want.DeadLetters) != 4 {
		t.Fatalf("in memory: %d objects, %d rows, %d dead letters", len(want.Objects), len(want.Rows), len(want.DeadLetters))
	}

	moto := startEngine(t)
	environment := moto.resources(t.Context())
	for _, variable := range credentials {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value) // for this process; the function gets them too
	}
	bucket, err := blob.OpenBucket(t.Context(), environment["BUCKET_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()

	function := startFunction(t, environment)
	for i, step := range steps {
		if step.Payload == nil {
			if err := local.Upload(t.Context(), bucket, step.Upload); err != nil {
				t.Fatal(err)
			}
			continue
		}
		answer := <-function.Invoke(runtimeapi.Invocation{Payload: step.Payload, Timeout: time.Minute})
		if answer.Failure != nil || step.Err != nil {
			t.Fatalf("step %d: the function failed: %v; in memory: %v\npayload: %s", i, answer.Failure, step.Err, step.Payload)
		}
		if diff := cmp.Diff(string(step.Answer), string(answer.Payload)); diff != "" {
			t.Errorf("step %d: answer (-in memory +function):\n%s", i, diff)
		}
	}

	got := state{
		Objects:     objects(t, bucket),
		Rows:        rowsAt(t, environment["TABLE_URL"]),
		Published:   received(t, moto.queueURL("processed"), environment["TOPIC_URL"], len(want.Published)),
		DeadLetters: receivedLetters(t, moto.queueURL("dead-letters"), environment["DEAD_LETTERS_URL"]),
	}
	for key, data := range want.Objects {
		if !bytes.Equal(data, got.Objects[key]) {
			t.Errorf("%s differs: %d bytes in memory, %d by the function", key, len(data), len(got.Objects[key]))
		}
	}
	for key := range got.Objects {
		if _, ok := want.Objects[key]; !ok {
			t.Errorf("%s was not made in memory", key)
		}
	}
	want.Objects, got.Objects = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is left (-in memory +function):\n%s", diff)
	}
	if end := function.Shutdown(0); !end.Asked || end.Killed {
		t.Errorf("the end of the function: %+v", end)
	}
}

// inMemory runs the pipeline in memory, in virtual time.
func inMemory(t *testing.T) (steps []*local.Step, s state) {
	synctest.Test(t, func(t *testing.T) {
		p := local.New(memcloud.New(t))
		if err := p.Play(t.Context()); err != nil {
			t.Fatal(err)
		}
		steps = p.Steps()
		s = state{
			Objects: objects(t, p.Bucket), Rows: rows(t, p.Images),
			Published: events(t, p.Published()), DeadLetters: letters(p.DeadLetters()),
		}
	})
	return steps, s
}

// startFunction builds the program as it is deployed, and starts it as Lambda
// does.
func startFunction(t *testing.T, environment map[string]string) *runtimeapi.Environment {
	t.Helper()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var log bytes.Buffer
	cmd := exec.Command(bootstrap)
	cmd.Env = append(slices.Clone(credentials), "EVENTFX_PARTIAL_BATCH=on")
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdout, cmd.Stderr = &log, &log
	function, err := runtimeapi.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		function.Shutdown(0)
		if t.Failed() {
			t.Logf("the function's log:\n%s", &log)
		}
	})
	return function
}

func objects(t *testing.T, bucket *blob.Bucket) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	list := bucket.List(nil)
	for {
		o, err := list.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if found[o.Key], err = bucket.ReadAll(t.Context(), o.Key); err != nil {
			t.Fatal(err)
		}
	}
}

func rowsAt(t *testing.T, url string) map[string]pipeline.Image {
	t.Helper()
	images, err := docstore.OpenCollection(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer images.Close()
	return rows(t, images)
}

// rows returns all rows, without their revisions: those are random.
func rows(t *testing.T, images *docstore.Collection) map[string]pipeline.Image {
	t.Helper()
	found := map[string]pipeline.Image{}
	list := images.Query().Get(t.Context())
	defer list.Stop()
	for {
		var row pipeline.Image
		err := list.Next(t.Context(), &row)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		row.DocstoreRevision = nil
		found[row.Key] = row
	}
}

// received returns the events in a queue of SQS: it waits long for as many as
// wanted, for the machine may be busy, and a little for more than that.
func received(t *testing.T, queue, url string, wanted int) []string {
	t.Helper()
	_, query, _ := strings.Cut(url, "?")
	subscription, err := pubsub.OpenSubscription(t.Context(), queue+"?"+query+"&raw=true&waittime=1s")
	if err != nil {
		t.Fatal(err)
	}
	defer subscription.Shutdown(context.Background())
	var bodies []string
	for {
		patience := time.Minute
		if len(events(t, bodies)) >= wanted {
			patience = 2 * time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		m, err := subscription.Receive(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return events(t, bodies)
		}
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(m.Body))
		m.Ack()
	}
}

// receivedLetters returns the dead letters in a queue of SQS.
func receivedLetters(t *testing.T, queue, url string) []string {
	t.Helper()
	_, query, _ := strings.Cut(url, "?")
	subscription, err := pubsub.OpenSubscription(t.Context(), queue+"?"+query+"&raw=true&waittime=1s")
	if err != nil {
		t.Fatal(err)
	}
	defer subscription.Shutdown(context.Background())
	var list []*deadletter.Letter
	for l, err := range deadletter.FromSubscription(subscription, nil).All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
	return letters(list)
}

// letters returns what letters tell, but for the times, sorted.
func letters(list []*deadletter.Letter) []string {
	var told []string
	for _, l := range list {
		told = append(told, fmt.Sprintf("%s\n%s: %s %s %s, %d runs, %d receives", l.Event, l.Story.Reason, l.Story.Route, l.Story.ErrorType, l.Story.Error, l.Story.Runs, l.Story.Receives))
	}
	slices.Sort(told)
	return told
}

// events returns the events as JSON with sorted members, sorted, without those
// about mail: in memory it is sent at once.
func events(t *testing.T, bodies []string) []string {
	t.Helper()
	var found []string
	for _, body := range bodies {
		var event map[string]any
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if event["type"] == "mail.requested" {
			continue
		}
		sorted, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, string(sorted))
	}
	slices.Sort(found)
	return found
}

// TestWithoutEnvironment: a function that cannot work does not start, and says
// what it lacks.
func TestWithoutEnvironment(t *testing.T) {
	t.Setenv("BUCKET_URL", "s3://pictures?region="+region)
	for _, name := range []string{"TABLE_URL", "TOPIC_URL", "DEAD_LETTERS_URL"} {
		t.Setenv(name, "")
	}
	_, err := open(t.Context())
	want := "TABLE_URL is not set\nTOPIC_URL is not set\nDEAD_LETTERS_URL is not set"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
