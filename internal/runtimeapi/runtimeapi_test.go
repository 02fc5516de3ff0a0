package runtimeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// The test binary is also the bootstrap.
func TestMain(m *testing.M) {
	if mode := os.Getenv("RUNTIMEAPI_BOOTSTRAP"); mode != "" {
		bootstrap(mode)
	}
	os.Exit(m.Run())
}

func bootstrap(mode string) {
	var options []lambda.Option
	switch mode {
	case "exits":
		options = append(options, lambda.WithEnableSIGTERM(func() { os.Exit(0) }))
	case "stays":
		options = append(options, lambda.WithEnableSIGTERM(func() {}))
	}
	lambda.StartWithOptions(func(ctx context.Context, in string) (string, error) {
		switch in {
		case "error":
			return "", errors.New("as asked")
		case "panic":
			panic("as asked")
		case "sleep":
			<-ctx.Done()
			select {} // past the deadline
		case "compute":
			for n := uint64(1); n != 0; {
				n = n*6364136223846793005 + 1442695040888963407
			}
		}
		if in == "long" {
			return strings.Repeat("x", MaxAnswer), nil // and two quotes
		}
		return strings.ToUpper(in), nil
	}, options...)
}

func start(t *testing.T, mode string) *Environment {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	// The race detector would sleep a second at exit.
	cmd.Env = append(os.Environ(), "RUNTIMEAPI_BOOTSTRAP="+mode, "GORACE=atexit_sleep_ms=0")
	env, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { env.Shutdown(0) })
	return env
}

func text(s string) Invocation {
	payload, _ := json.Marshal(s)
	return Invocation{Payload: payload}
}

func TestAnswers(t *testing.T) {
	env := start(t, "stays")
	if a := <-env.Invoke(text("hello")); string(a.Payload) != `"HELLO"` || a.Failure != nil || a.Left <= 0 {
		t.Errorf("answer = %+v, want HELLO before the deadline", a)
	}
	// Rule G5
	if a := <-env.Invoke(text("error")); a.Failure == nil || a.Failure.Type != "errorString" || a.Failure.Message != "as asked" {
		t.Errorf("answer = %+v, want the error", a)
	}
	inv := text("again")
	inv.ID = "my-id"
	if a := <-env.Invoke(inv); a.ID != "my-id" || string(a.Payload) != `"AGAIN"` {
		t.Errorf("answer = %+v, want that the process goes on after an error", a)
	}
}

func TestPanicExits(t *testing.T) {
	// Rule G4
	env := start(t, "stays")
	a := <-env.Invoke(text("panic"))
	if a.Failure == nil || a.Failure.Message != "as asked" || len(a.Failure.Stack) == 0 {
		t.Errorf("answer = %+v, want the panic with its stack", a)
	}
	<-env.Exited()
	if a := <-env.Invoke(text("hello")); a.Failure == nil || a.Failure.Type != "Runtime.ExitError" {
		t.Errorf("answer = %+v, want that the environment is gone", a)
	}
}

func TestTimeout(t *testing.T) {
	// Rule G1
	env := start(t, "stays")
	inv := text("sleep")
	inv.Timeout = 200 * time.Millisecond
	a := <-env.Invoke(inv)
	if a.Failure == nil || a.Failure.Type != "Sandbox.Timedout" || !strings.HasSuffix(a.Failure.Message, "Task timed out after 0.20 seconds") {
		t.Errorf("answer = %+v, want a timeout", a)
	}
	<-env.Exited()
}

func TestTooLarge(t *testing.T) {
	// Rule G3
	env := start(t, "stays")
	if a := <-env.Invoke(text("long")); a.Failure == nil || a.Failure.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("answer = %d bytes, %v; want it refused", len(a.Payload), a.Failure)
	}
	<-env.Exited() // the Go runtime gives up when its answer is refused
}

// TestStacks: a process that is out of time says where it stands, if it may,
// also on another thread than that which got the signal.
func TestStacks(t *testing.T) {
	for _, ask := range []string{"sleep", "compute"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "RUNTIMEAPI_BOOTSTRAP=stays", "GORACE=atexit_sleep_ms=0")
		var log bytes.Buffer
		cmd.Stderr = &log
		env, err := Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer env.Shutdown(0)
		inv := text(ask)
		inv.Timeout, inv.Stacks = 200*time.Millisecond, time.Minute
		if a := <-env.Invoke(inv); a.Failure == nil || a.Failure.Type != "Sandbox.Timedout" {
			t.Errorf("%s: answer = %+v, want a timeout", ask, a)
		}
		<-env.Exited()
		if !strings.Contains(log.String(), "runtimeapi.bootstrap.") {
			t.Errorf("%s: no stack in the log:\n%s", ask, &log)
		}
		if took, ok := env.Init(); !ok || took <= 0 {
			t.Errorf("%s: it started in %v, %v", ask, took, ok)
		}
	}
}

func TestShutdown(t *testing.T) {
	// Rule G8
	tests := map[string]struct {
		reason string
		want   End
	}{
		"plain": {reason: "without an extension there is no warning", want: End{Killed: true}},
		"exits": {reason: "the process ends itself", want: End{Asked: true}},
		"stays": {reason: "the process outstays the limit", want: End{Asked: true, Killed: true}},
	}
	for mode, tt := range tests {
		t.Run(mode, func(t *testing.T) {
			env := start(t, mode)
			<-env.Invoke(text("warm")) // registered, and polling
			got := env.Shutdown(300 * time.Millisecond)
			took := got.Took
			got.Took = 0
			if got != tt.want {
				t.Errorf("Shutdown() = %+v, want %+v: %s", got, tt.want, tt.reason)
			}
			if late := tt.want == (End{Asked: true, Killed: true}); late != (took >= 300*time.Millisecond) {
				t.Errorf("it took %v: %s", took, tt.reason)
			}
		})
	}
}

func TestProtocol(t *testing.T) {
	s := newServer(func(time.Duration) {})
	web := httptest.NewServer(s.routes())
	defer web.Close()
	defer s.end(Failure{Type: "Runtime.ExitError"})
	s.enqueue(Invocation{ID: "r1", Payload: []byte(`{}`), FunctionARN: "arn:f", TraceID: "Root=1", Deadline: time.Now().Add(time.Hour)})

	tests := []struct {
		call, body string
		header     map[string]string
		status     int
		want       string
		reason     string
	}{
		{call: "POST /2018-06-01/runtime/invocation/r1/response", status: 400, want: "InvalidRequestID", reason: "not handed out yet"},
		{call: "GET /2018-06-01/runtime/invocation/next", status: 200, want: "{}", reason: "the payload"},
		{call: "POST /2018-06-01/runtime/invocation/r1/error", body: "no JSON", status: 400, want: "InvalidErrorShape", reason: "an error has a shape"},
		{call: "POST /2018-06-01/runtime/invocation/r1/response", body: "null", status: 202, want: "OK", reason: "answered"},
		{call: "POST /2018-06-01/runtime/invocation/r1/response", body: "null", status: 400, want: "InvalidRequestID", reason: "answered already"},
		{call: "POST /2018-06-01/runtime/init/error", body: `{"errorType":"Init"}`, status: 202, reason: "kept for InitError"},
		{call: "POST /2020-01-01/extension/register", body: `{"events":["SHUTDOWN"]}`, header: map[string]string{"Lambda-Extension-Name": "x"}, status: 403, want: "ShutdownEventNotSupported", reason: "Rule G8: an internal extension gets a signal instead"},
		{call: "POST /2020-01-01/extension/register", body: `{"events":[]}`, status: 400, want: "InvalidRequest", reason: "it has no name"},
		{call: "GET /2020-01-01/extension/event/next", status: 403, want: "UnknownExtensionIdentifier", reason: "nobody registered"},
	}
	for _, tt := range tests {
		method, path, _ := strings.Cut(tt.call, " ")
		req, err := http.NewRequest(method, web.URL+path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range tt.header {
			req.Header.Set(name, value)
		}
		res, err := web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
			t.Errorf("%s: %d %s, want %d %s: %s", tt.call, res.StatusCode, body, tt.status, tt.want, tt.reason)
		}
	}
	if s.initError == nil || s.initError.Type != "Init" {
		t.Errorf("init error = %v", s.initError)
	}
}
