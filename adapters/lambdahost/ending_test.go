package lambdahost

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestEnding(t *testing.T) {
	quick := func(context.Context) error { return nil }
	takes := func(d time.Duration) func(context.Context) error {
		return func(context.Context) error { time.Sleep(d); return nil }
	}
	obeys := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	tests := []struct {
		name      string
		limit     time.Duration
		functions []func(context.Context) error
		busy      bool
		want      time.Duration
		reason    string
	}{
		{name: "nothing to do", limit: 500 * time.Millisecond, want: 0, reason: "the process need not stay"},
		{name: "side by side", limit: 500 * time.Millisecond, functions: []func(context.Context) error{takes(200 * time.Millisecond), takes(300 * time.Millisecond), quick}, want: 300 * time.Millisecond, reason: "as long as the longest"},
		{name: "obeys its context", limit: 500 * time.Millisecond, functions: []func(context.Context) error{obeys}, want: 350 * time.Millisecond, reason: "the context ends before the process"},
		{name: "ignores its context", limit: 500 * time.Millisecond, functions: []func(context.Context) error{takes(time.Hour), quick}, want: 400 * time.Millisecond, reason: "it is left behind before SIGKILL"},
		{name: "ignores its context, external extension", limit: 300 * time.Millisecond, functions: []func(context.Context) error{takes(time.Hour)}, want: 240 * time.Millisecond, reason: "it is left behind before SIGKILL"},
		{name: "an invocation runs", limit: 500 * time.Millisecond, busy: true, want: 400 * time.Millisecond, reason: "its answer has to be sent"},
		{name: "panic and error", limit: 500 * time.Millisecond, functions: []func(context.Context) error{func(context.Context) error { panic("as asked") }, func(context.Context) error { return errors.New("as asked") }, takes(100 * time.Millisecond)}, want: 100 * time.Millisecond, reason: "the others are not disturbed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// Rule G8
				e := newEnding(tt.functions, tt.limit)
				if tt.busy {
					e.running.Add(1)
				}
				began := time.Now()
				e.run()
				if got := time.Since(began); got != tt.want {
					t.Errorf("it took %v, want %v: %s", got, tt.want, tt.reason)
				}
				if !errors.Is(context.Cause(e.ctx), errShutdown) {
					t.Errorf("invocations see %v", context.Cause(e.ctx))
				}
				time.Sleep(2 * time.Hour) // what was left behind ends
			})
		})
	}
}

func TestLimitBesideExtensions(t *testing.T) {
	// Rule G8
	dir := t.TempDir()
	if got := limitBeside(filepath.Join(dir, "none")); got != 500*time.Millisecond {
		t.Errorf("no folder: %v", got)
	}
	if got := limitBeside(dir); got != 500*time.Millisecond {
		t.Errorf("an empty folder: %v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "agent"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := limitBeside(dir); got != 300*time.Millisecond {
		t.Errorf("an extension: %v", got)
	}
}
