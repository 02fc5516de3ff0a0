package memcloud

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// run is what became of a scenario that was played once.
type run struct {
	errors  []string
	faults  []string // that happened
	chances []string // faults that could have happened, when they are named one by one
	steps   []Step
}

func (r *run) failed() bool { return len(r.errors) > 0 }

func (r *run) timeline() string { return elided(r.steps, 200) }

// play runs the scenario with a cloud of its own in a bubble of its own.
func play(t *testing.T, o *Options, scenario Scenario) (result *run) {
	t.Helper()
	result = &run{}
	skipped := ""
	defer func() {
		// The bubble's own complaint, in the goroutine that opened it: something
		// of the scenario waits for ever.
		if p := recover(); p != nil {
			result.errors = append(result.errors, fmt.Sprint(p))
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		r := &referee{TB: t}
		o.T = r
		var cloud *Cloud
		played := make(chan struct{})
		go func() { // so that FailNow ends it, and nothing else
			defer close(played)
			defer func() {
				if p := recover(); p != nil {
					r.Errorf("panic: %v\n%s", p, debug.Stack())
				}
			}()
			cloud = Open(o)
			scenario(r, cloud)
		}()
		<-played
		r.cleanUp()
		result.errors, skipped = r.errors, r.skipped
		if cloud == nil {
			return
		}
		result.steps = cloud.Steps()
		result.faults = cloud.Faults()
		if cloud.faults != nil {
			result.chances = cloud.faults.chances
		}
	})
	if skipped != "" {
		t.Skip(skipped)
	}
	return result
}

// referee is a testing.TB that records failures: they are what is looked for.
type referee struct {
	testing.TB // of the bubble, for what does not fail

	mu       sync.Mutex
	errors   []string
	failed   bool
	skipped  string
	cleanups []func()
}

func (r *referee) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

// cleanUp runs the cleanups, the last first, those too that they register.
func (r *referee) cleanUp() {
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return
		}
		f := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		done := make(chan struct{})
		go func() { // a cleanup may call FailNow, too
			defer close(done)
			f()
		}()
		<-done
	}
}

func (r *referee) report(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	if text != "" || len(r.errors) == 0 {
		r.errors = append(r.errors, cmp.Or(text, "the scenario failed without a word"))
	}
}

func (r *referee) Helper()                           {}
func (r *referee) Log(...any)                        {}
func (r *referee) Logf(string, ...any)               {}
func (r *referee) Error(args ...any)                 { r.report(line(args)) }
func (r *referee) Errorf(format string, args ...any) { r.report(fmt.Sprintf(format, args...)) }
func (r *referee) Fail()                             { r.report("") }
func (r *referee) FailNow()                          { r.report(""); runtime.Goexit() }
func (r *referee) Fatal(args ...any)                 { r.report(line(args)); runtime.Goexit() }
func (r *referee) Fatalf(format string, args ...any) {
	r.report(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (r *referee) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *referee) skip(text string) {
	r.mu.Lock()
	r.skipped = "the scenario is skipped: " + text
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *referee) Skip(args ...any)                 { r.skip(line(args)) }
func (r *referee) Skipf(format string, args ...any) { r.skip(fmt.Sprintf(format, args...)) }
func (r *referee) SkipNow()                         { r.skip("") }

func (r *referee) Skipped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped != ""
}

// line formats as testing's Error does.
func line(args []any) string { return strings.TrimSuffix(fmt.Sprintln(args...), "\n") }
