package lambdahost_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/internal/runtimeapi"
)

var dir string // of what is built; removed by TestMain

// build compiles the function once.
var build = sync.OnceValues(func() (path string, err error) {
	if dir, err = os.MkdirTemp("", "lambdahost"); err != nil {
		return "", err
	}
	path = filepath.Join(dir, "bootstrap")
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./testdata/function").CombinedOutput()
	if err != nil {
		return "", &buildError{string(out), err}
	}
	return path, nil
})

type buildError struct {
	output string
	err    error
}

func (e *buildError) Error() string { return e.err.Error() + "\n" + e.output }

// output is what a process wrote, also while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// waitFor waits until the process wrote text.
func (o *output) waitFor(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(o.String(), text); {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in the output:\n%s", text, o)
		}
		time.Sleep(time.Millisecond) // another process: there is nothing to wait on
	}
}

func start(t *testing.T, environ ...string) (*runtimeapi.Environment, *output) {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	out := &output{}
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = out, out
	env, err := runtimeapi.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { env.Shutdown(0) })
	return env, out
}

const declared = "EVENTFX_PARTIAL_BATCH=on"

func TestEndToEnd(t *testing.T) {
	env, out := start(t, declared)
	invoke := func(bodies ...string) runtimeapi.Answer {
		return <-env.Invoke(runtimeapi.Invocation{Payload: sqs(bodies...), Timeout: 10 * time.Second})
	}
	if a := invoke("ok", "ok"); string(a.Payload) != `{"batchItemFailures":[]}` || a.Failure != nil {
		t.Errorf("first answer %s, %v", a.Payload, a.Failure)
	}
	// Rule C5
	if a := invoke("ok", "fail", "ok"); a.Failure != nil || !cmp.Equal(listed(t, a.Payload), []string{"m-1"}) {
		t.Errorf("partial batch: %s, %v", a.Payload, a.Failure)
	}
	// Rule G4
	if a := invoke("panic", "ok"); a.Failure != nil || !cmp.Equal(listed(t, a.Payload), []string{"m-0"}) {
		t.Errorf("a panic in one message: %s, %v", a.Payload, a.Failure)
	}
	// Rule C5.4, Rule G5
	if a := invoke("fail"); a.Failure == nil || a.Failure.Type != "FailedMessagesError" || a.Failure.Message != "lambdahost: 1 of 1 messages from sqs failed: orders/m-0: as asked" {
		t.Errorf("whole batch: %s, %v", a.Payload, a.Failure)
	}
	// Rule F1.1
	if a := <-env.Invoke(runtimeapi.Invocation{Payload: []byte(`{"Records":{}}`)}); a.Failure == nil || a.Failure.Type != "ShapeError" {
		t.Errorf("no batch: %s, %v", a.Payload, a.Failure)
	}
	if a := invoke("ok after all"); string(a.Payload) != `{"batchItemFailures":[]}` {
		t.Errorf("last answer %s, %v", a.Payload, a.Failure)
	}
	select {
	case <-env.Exited():
		t.Errorf("the process has ended:\n%s", out)
	default:
	}
	if n := strings.Count(out.String(), "reported one by one"); n != 1 {
		t.Errorf("the log has the mode %d times, want once:\n%s", n, out)
	}
}

// What Lambda says of an invocation beside its payload reaches the handler.
func TestEndToEndHeaders(t *testing.T) {
	// Rule G2
	env, out := start(t, declared)
	const arn, trace = "arn:aws:lambda:eu-west-1:123456789012:function:ship:live", "Root=1-6553f1aa-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1"
	a := <-env.Invoke(runtimeapi.Invocation{ID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd", FunctionARN: arn, TraceID: trace, Payload: sqs("tell"), Timeout: 10 * time.Second})
	if a.Failure != nil {
		t.Fatal(a.Failure)
	}
	out.waitFor(t, "invocation: 8476a536-e9f4-11e8-9739-2dfe598c3fcd "+arn+" "+trace+"\n")
}

func TestEndToEndZeroOptions(t *testing.T) {
	// Rule C5
	env, _ := start(t, "EVENTFX_PARTIAL_BATCH=")
	a := <-env.Invoke(runtimeapi.Invocation{Payload: sqs("ok", "fail"), Timeout: 10 * time.Second})
	if a.Failure == nil || a.Failure.Type != "FailedMessagesError" {
		t.Errorf("answer %s, %v; want an error", a.Payload, a.Failure)
	}
}

func TestEndToEndDeadline(t *testing.T) {
	// Rule C5.7, Rule G1
	env, _ := start(t, declared)
	<-env.Invoke(runtimeapi.Invocation{Payload: sqs("ok"), Timeout: 10 * time.Second}) // warm
	for _, what := range []string{"wait", "hang"} {
		a := <-env.Invoke(runtimeapi.Invocation{Payload: sqs("ok", what, "ok"), Timeout: 2 * time.Second})
		if a.Failure != nil || !cmp.Equal(listed(t, a.Payload), []string{"m-1", "m-2"}) || a.Left <= 0 {
			t.Errorf("%s: answer %s, %v, %v before the deadline", what, a.Payload, a.Failure, a.Left)
		}
	}
	if a := <-env.Invoke(runtimeapi.Invocation{Payload: sqs("ok"), Timeout: 10 * time.Second}); a.Failure != nil {
		t.Errorf("the next invocation: %v", a.Failure)
	}
}

// TestEndToEndSideBySide is a Managed Instance.
func TestEndToEndSideBySide(t *testing.T) {
	// Rule G6
	env, _ := start(t, declared, "AWS_LAMBDA_MAX_CONCURRENCY=4")
	<-env.Invoke(runtimeapi.Invocation{Payload: sqs("ok"), Timeout: 10 * time.Second}) // warm
	answers := make([]<-chan runtimeapi.Answer, 4)
	began := time.Now()
	for i, what := range []string{"wait", "panic", "wait", "wait"} {
		answers[i] = env.Invoke(runtimeapi.Invocation{Payload: sqs("ok", what), Timeout: 2 * time.Second})
	}
	for i, answer := range answers {
		if a := <-answer; a.Failure != nil || !cmp.Equal(listed(t, a.Payload), []string{"m-1"}) {
			t.Errorf("invocation %d: %s, %v", i, a.Payload, a.Failure)
		}
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("they took %v: not at the same time", took)
	}
}

func TestEndToEndShutdown(t *testing.T) {
	// Rule G8
	t.Run("idle", func(t *testing.T) {
		env, out := start(t, declared)
		<-env.Invoke(runtimeapi.Invocation{Payload: sqs("ok"), Timeout: 10 * time.Second})
		end := env.Shutdown(500 * time.Millisecond)
		if !end.Asked || end.Killed || end.Took < 100*time.Millisecond {
			t.Errorf("end %+v, want one that waits for the functions", end)
		}
		if got := out.String(); !strings.Contains(got, "shutdown: flushed") || !strings.Contains(got, "shutdown: closed") {
			t.Errorf("not all functions were run:\n%s", got)
		}
	})
	t.Run("a function hangs", func(t *testing.T) {
		shutdown(t, func() (*runtimeapi.Environment, func()) {
			env, out := start(t, declared, "FUNCTION_HANGS=1")
			<-env.Invoke(runtimeapi.Invocation{Payload: sqs("ok"), Timeout: 10 * time.Second})
			return env, func() {
				if got := out.String(); !strings.Contains(got, "shutdown: flushed") || !strings.Contains(got, "shutdown: closed") {
					t.Errorf("the function that hangs delays others:\n%s", got)
				}
			}
		})
	})
	for what, environ := range map[string]string{"wait": "", "hang": "", "wait, wrapped": "FUNCTION_WRAPS=1"} {
		t.Run("while a message makes it "+what, func(t *testing.T) {
			what, _, _ := strings.Cut(what, ",")
			shutdown(t, func() (*runtimeapi.Environment, func()) {
				env, out := start(t, declared, environ)
				answer := env.Invoke(runtimeapi.Invocation{Payload: sqs("ok first", what, "ok last"), Timeout: time.Minute})
				out.waitFor(t, "handler: "+what)
				return env, func() {
					a := <-answer
					if a.Failure != nil || !cmp.Equal(listed(t, a.Payload), []string{"m-1", "m-2"}) {
						t.Errorf("answer %s, %v; want that what was not done goes back", a.Payload, a.Failure)
					}
					if got := out.String(); strings.Contains(got, "handler: ok last") || !strings.Contains(got, "shutdown: closed") {
						t.Errorf("want that nothing new starts and all functions are run:\n%s", got)
					}
				}
			})
		})
	}
}

// shutdown ends what begin starts, twice before SIGKILL, and checks each end.
//
// How long the process waits is exact in TestEnding; here it has 100 ms to
// spare, which a machine that is busy with other tests can use up. So a
// process may be killed once; one that is late by its own code is late again.
func shutdown(t *testing.T, begin func() (env *runtimeapi.Environment, check func())) {
	t.Helper()
	for inTime, killed := 0, 0; inTime < 2; {
		env, check := begin()
		end := env.Shutdown(500 * time.Millisecond)
		switch {
		case end.Asked && !end.Killed:
			check()
			inTime++
		case killed == 0:
			t.Logf("end %+v", end)
			killed++
		default:
			t.Fatalf("end %+v, want one before SIGKILL", end)
		}
	}
}

// TestLinks checks what a function's binary carries.
func TestLinks(t *testing.T) {
	list, err := exec.Command("go", "list", "-deps", "./testdata/function").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range strings.Fields(string(list)) {
		for _, banned := range []string{"gocloud.dev", "github.com/aws/aws-sdk-go", "google.golang.org/", "github.com/cloudevents/sdk-go/v2/client", "github.com/cloudevents/sdk-go/v2/protocol", "go.opentelemetry.io/"} {
			if strings.HasPrefix(pkg, banned) {
				t.Errorf("the binary links %s", pkg)
			}
		}
	}
}
