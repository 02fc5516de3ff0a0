package bootstrap_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/bootstrap"
)

var dir string // of what is built; removed by TestMain

// build compiles the function once.
var build = sync.OnceValues(func() (path string, err error) {
	if dir, err = os.MkdirTemp("", "bootstrap"); err != nil {
		return "", err
	}
	path = filepath.Join(dir, "bootstrap")
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./testdata/function").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// command returns the compiled function and what its processes write. The
// output is complete when the cloud is closed.
func command(t *testing.T, environment ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd, log := exec.Command(path), &bytes.Buffer{}
	cmd.Env, cmd.Stderr = append(os.Environ(), environment...), log
	return cmd, log
}

// open returns a cloud with a queue whose function is the compiled one.
func open(t *testing.T, cmd *exec.Cmd, timeout time.Duration, mapping *memcloud.Mapping) (*memcloud.Cloud, *memcloud.Queue) {
	t.Helper()
	cloud := memcloud.Open(&memcloud.Options{T: t})
	orders := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: timeout, MaxReceives: 1})
	cloud.Function("ship", bootstrap.New(cloud, cmd), &memcloud.FunctionOptions{Timeout: timeout}, memcloud.Trigger(orders, mapping))
	return cloud, orders
}

func bodies(messages []memcloud.Message) []string {
	var list []string
	for _, m := range messages {
		list = append(list, m.Body)
	}
	return list
}

// pids returns the processes that handled a body, in order.
func pids(log, body string) []string {
	var list []string
	for _, match := range regexp.MustCompile(`(?m)^handle `+body+` in (\d+) `).FindAllStringSubmatch(log, -1) {
		list = append(list, match[1])
	}
	return list
}

func TestPartialFailure(t *testing.T) {
	// Rule C5
	cmd, log := command(t)
	cloud, orders := open(t, cmd, time.Second, &memcloud.Mapping{ReportBatchItemFailures: true})
	orders.SendBatch(memcloud.Message{Body: "ok 1"}, memcloud.Message{Body: "fail"}, memcloud.Message{Body: "ok 2"})
	cloud.Settle()
	if got := bodies(orders.DeadLetters()); !cmp.Equal(got, []string{"fail"}) || len(orders.Messages()) != 0 {
		t.Errorf("dead letters %q, and %d messages are left; want the one that failed alone", got, len(orders.Messages()))
	}
	if !strings.Contains(cloud.Timeline(), "1 of 3 failed: m-2") {
		t.Errorf("the timeline has no partial failure:\n%s", cloud.Timeline())
	}

	// Rule G1, Rule G2: what Lambda says of an invocation, and in the
	// environment. A group of its own keeps a terminal's Ctrl-C away.
	if err := cloud.Close(); err != nil {
		t.Fatal(err)
	}
	told := regexp.MustCompile(`(?m)^handle ok 1 in \d+ of ship [0-9a-f]{8}(-[0-9a-f]{4}){3}-000000000001 arn:aws:lambda:eu-west-1:123456789012:function:ship with [1-9]\d{0,2} ms; leads its group: true$`)
	if !told.Match(log.Bytes()) {
		t.Errorf("the function was not told its name and request:\n%s", log)
	}
	// Rule G8: it asked for SIGTERM.
	if !strings.Contains(log.String(), "SIGTERM "+pids(log.String(), "fail")[0]) {
		t.Errorf("no SIGTERM at the end:\n%s", log)
	}
}

// TestEndings: however a process ends, its message is not lost, and the next
// one meets a process that works.
func TestEndings(t *testing.T) {
	tests := []struct {
		body   string
		rule   string
		want   string // in the timeline
		cold   bool   // the next message is another process's
		reason string
	}{
		{body: "error 7", rule: "G5", want: "OrderError: no such order: 7", reason: "an error has the function's own type, and the process goes on"},
		{body: "panic", rule: "G4", want: "string: as asked", cold: true, reason: "the runtime reports a panic, and ends"},
		{body: "exit", rule: "C5", want: "Runtime.ExitError: Runtime exited with error: exit status 3", cold: true, reason: "nobody answers"},
		{body: "hang", rule: "G1", want: "Timedout: Task timed out after 1.00 seconds", cold: true, reason: "the process is killed"},
		{body: "text", rule: "C5", want: "the whole batch fails: the answer is not JSON", reason: "the answer is handed on"},
	}
	if _, err := build(); err != nil { // before the clocks run
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.body, func(t *testing.T) {
			t.Parallel()
			cmd, log := command(t)
			cloud, orders := open(t, cmd, time.Second, &memcloud.Mapping{ReportBatchItemFailures: true})
			orders.Send("ok before")
			cloud.Settle()
			orders.Send(tt.body)
			cloud.Settle()
			orders.Send("ok after")
			cloud.Settle()
			timeline := cloud.Timeline()
			if !strings.Contains(timeline, tt.want) {
				t.Errorf("no %q in the timeline: %s\n%s", tt.want, tt.reason, timeline)
			}
			if got := bodies(orders.DeadLetters()); !cmp.Equal(got, []string{tt.body}) || len(orders.Messages()) != 0 {
				t.Errorf("dead letters %q, and %d messages are left: %s", got, len(orders.Messages()), tt.reason)
			}
			if err := cloud.Close(); err != nil {
				t.Fatal(err)
			}
			before, ended, after := pids(log.String(), "ok before"), pids(log.String(), tt.body), pids(log.String(), "ok after")
			if len(before) != 1 || !cmp.Equal(before, ended) || len(after) != 1 || cmp.Equal(before, after) == tt.cold {
				t.Errorf("handled in processes %v, %v, %v; a cold start at the end: %t: %s\n%s", before, ended, after, tt.cold, tt.reason, log)
			}
		})
	}
}

// TestAfterPanic: a process that is about to end may be given the next event,
// which must not fail for it.
func TestAfterPanic(t *testing.T) {
	// Rule G4
	cmd, _ := command(t)
	h := bootstrap.New(memcloud.New(t), cmd)
	for range 20 {
		if _, err := h.Invoke(t.Context(), event("panic")); err == nil {
			t.Fatal("no error of the panic")
		}
		if _, err := h.Invoke(t.Context(), event("ok")); err != nil {
			t.Fatalf("right after a panic: %v", err)
		}
	}
}

func event(body string) []byte {
	return fmt.Appendf(nil, `{"Records":[{"messageId":"m","body":%q}]}`, body)
}

// TestNotRead: without ReportBatchItemFailures no answer is read.
func TestNotRead(t *testing.T) {
	// Rule C5
	cmd, _ := command(t)
	cloud, orders := open(t, cmd, 10*time.Second, nil)
	orders.SendBatch(memcloud.Message{Body: "fail"}, memcloud.Message{Body: "text"})
	cloud.Settle()
	if n := len(orders.Messages()) + len(orders.DeadLetters()); n != 0 {
		t.Errorf("%d messages are left:\n%s", n, cloud.Timeline())
	}
}

// TestSideBySide: one process for each invocation that runs at the same time,
// and no more.
func TestSideBySide(t *testing.T) {
	// Rule G6
	const n = 3
	cmd, log := command(t, "FUNCTION_MEET="+t.TempDir())
	cloud, orders := open(t, cmd, 10*time.Second, &memcloud.Mapping{BatchSize: 1, MaximumConcurrency: n})
	for range 2 * n {
		orders.Send(fmt.Sprint("meet ", n))
	}
	cloud.Settle()
	if len(orders.Messages()) != 0 || len(orders.DeadLetters()) != 0 {
		t.Errorf("some did not meet:\n%s", cloud.Timeline())
	}
	if err := cloud.Close(); err != nil {
		t.Fatal(err)
	}
	used := pids(log.String(), fmt.Sprint("meet ", n))
	slices.Sort(used)
	if calls, processes := len(used), len(slices.Compact(used)); calls != 2*n || processes != n {
		t.Errorf("%d calls in %d processes, want %d in %d", calls, processes, 2*n, n)
	}
	if ended := strings.Count(log.String(), "SIGTERM"); ended != n {
		t.Errorf("%d processes were ended, want %d", ended, n)
	}
}

// TestStart: a process that never gets as far as to ask for an invocation.
func TestStart(t *testing.T) {
	tests := []struct {
		mode, want string
		reason     string
	}{
		{"exits", "Runtime.ExitError: Runtime exited with error: exit status 7", "it ends without a word"},
		{"reports", "Config.Missing: no TABLE in the environment", "it says why"},
		{"hangs", "Sandbox.Timedout: Error: Task timed out", "it is killed at the deadline"},
		{"missing", "Runtime.InvalidEntrypoint: ", "there is no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			cmd, _ := command(t, "FUNCTION_START="+tt.mode)
			if tt.mode == "missing" {
				cmd = &exec.Cmd{Path: filepath.Join(t.TempDir(), "bootstrap")}
			}
			h := bootstrap.New(memcloud.New(t), cmd)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := h.Invoke(ctx, []byte(`{}`))
			f, ok := errors.AsType[*memcloud.FunctionError](err)
			if !ok || !strings.HasPrefix(f.Error(), tt.want) {
				t.Errorf("got %v, want %s: %s", err, tt.want, tt.reason)
			}
		})
	}
}

// TestClose: what runs when the cloud is closed fails, and nothing of it is
// left.
func TestClose(t *testing.T) {
	cmd, log := command(t)
	cloud, orders := open(t, cmd, time.Minute, nil)
	quiet, _ := command(t)
	h := bootstrap.New(cloud, quiet)
	if _, err := h.Invoke(t.Context(), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	orders.Send("hang")
	for !strings.Contains(cloud.Timeline(), "invoke") {
		time.Sleep(time.Millisecond)
	}
	if err := cloud.Close(); err != nil {
		t.Error(err)
	}
	if got := bodies(orders.Messages()); !cmp.Equal(got, []string{"hang"}) {
		t.Errorf("messages left: %q, want the one that was being handled", got)
	}
	for _, pid := range pids(log.String(), "hang") {
		if exec.Command("kill", "-0", pid).Run() == nil {
			t.Errorf("process %s still runs", pid)
		}
	}
	if _, err := h.Invoke(t.Context(), []byte(`{}`)); err == nil {
		t.Error("an invocation after the close returned no error")
	}
}

func TestBadCommands(t *testing.T) {
	cloud := memcloud.New(t)
	missing := exec.Command("no-such-program-anywhere")
	running, _ := command(t)
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = running.Process.Kill(); _ = running.Wait() }()
	for _, tt := range []struct {
		cmd          *exec.Cmd
		want, reason string
	}{
		{missing, "executable file not found", "it is in no PATH"},
		{running, "started already", "it is a pattern, not a process"},
	} {
		if got := panicOf(func() { bootstrap.New(cloud, tt.cmd) }); !strings.Contains(got, tt.want) {
			t.Errorf("panics with %q, want %q: %s", got, tt.want, tt.reason)
		}
	}
}

// TestBubble: a process cannot be waited for in virtual time. Both ways in say
// so, in place of a test that hangs.
func TestBubble(t *testing.T) {
	cmd, _ := command(t)
	outside := bootstrap.New(memcloud.New(t), cmd)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(5 * 365 * 24 * time.Hour) // also late in its time
		cloud := memcloud.New(t)
		const want = "open the cloud outside of the bubble"
		if got := panicOf(func() { bootstrap.New(cloud, cmd) }); !strings.Contains(got, want) {
			t.Errorf("New panics with %q, want %q", got, want)
		}
		if _, err := cloud.Function("ship", outside).Invoke(t.Context(), []byte(`{}`)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Invoke returns %v, want %q", err, want)
		}
	})
}

func panicOf(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	f()
	return ""
}
