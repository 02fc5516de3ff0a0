package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A measurement gathers what many calls took.
type measurement struct {
	mu       sync.Mutex
	init     []time.Duration // of cold starts
	cold     []time.Duration // calls of a process that was new
	warm     []time.Duration // the others
	failures map[string]int  // by what happened
	first    *outcome        // that failed
	peak     int64
}

func (m *measurement) add(o *outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o.cold {
		m.init = append(m.init, o.init)
		m.cold = append(m.cold, o.took)
	} else {
		m.warm = append(m.warm, o.took)
	}
	m.peak = max(m.peak, o.peak)
	if o.fault != nil {
		m.failures[o.ending.What]++
		if m.first == nil {
			m.first = o
		}
	}
}

// measure calls the function as often as -repeat says, and prints a table.
func (v *invoker) measure(ctx context.Context) error {
	m := &measurement{failures: map[string]int{}}
	var tick func()
	if v.stderr.terminal {
		bar := progressbar.NewOptions(v.repeat, progressbar.OptionSetWriter(v.stderr), progressbar.OptionSetDescription("calls"),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(), progressbar.OptionEnableColorCodes(v.stderr.colour))
		tick = func() { _ = bar.Add(1) }
		defer func() { _ = bar.Finish() }()
	}
	// A function that cannot be started stops all.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	calls := make(chan int)
	go func() {
		defer close(calls)
		for i := range v.repeat {
			select {
			case calls <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	began := time.Now()
	var workers sync.WaitGroup
	for range min(v.concurrency, v.repeat) {
		workers.Go(func() {
			if err := v.work(ctx, calls, m, tick); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	took := time.Since(began)
	if ctx.Err() != nil {
		if err := context.Cause(ctx); err != context.Canceled {
			return err
		}
		fmt.Fprintf(v.stderr, "eventfx: stopped after %d of %d calls\n", len(m.cold)+len(m.warm), v.repeat)
	}
	if err := v.table(m, took); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	if len(m.failures) > 0 || ctx.Err() != nil {
		return errFailed
	}
	return nil
}

// work makes calls with one process at a time.
func (v *invoker) work(ctx context.Context, calls <-chan int, m *measurement, tick func()) error {
	var e *environment
	defer func() {
		if e != nil {
			e.stop()
		}
	}()
	for i := range calls {
		o := &outcome{untaken: true}
		for o.untaken {
			if ctx.Err() != nil {
				return nil
			}
			if e == nil {
				var err error
				if e, err = v.function.start(nil); err != nil {
					return fmt.Errorf("%s: %s", v.function.path, v.function.cannotStart(err))
				}
			}
			o = e.invoke(ctx, call{trace: v.trace, payload: v.payloads[i%len(v.payloads)]})
			if o.gone {
				e.stop()
				e = nil
			}
		}
		if o.ending.Kind == endedStopped {
			return nil
		}
		m.add(o)
		if tick != nil {
			tick()
		}
	}
	return nil
}

// latencies are what a list of times comes to.
type latencies struct {
	Count int     `json:"count"`
	Min   float64 `json:"minMs"`
	P50   float64 `json:"p50Ms"`
	P90   float64 `json:"p90Ms"`
	P99   float64 `json:"p99Ms"`
	Max   float64 `json:"maxMs"`
}

// summarise sorts times. A percentile is the smallest time within which so
// many of a hundred calls were done.
func summarise(times []time.Duration) *latencies {
	if len(times) == 0 {
		return nil
	}
	slices.Sort(times)
	at := func(percent int) float64 {
		return milliseconds(times[max(0, (len(times)*percent+99)/100-1)])
	}
	return &latencies{len(times), milliseconds(times[0]), at(50), at(90), at(99), milliseconds(times[len(times)-1])}
}

// table prints a measurement.
func (v *invoker) table(m *measurement, took time.Duration) error {
	count := len(m.cold) + len(m.warm)
	bad := 0
	for _, n := range m.failures {
		bad += n
	}
	rows := []struct {
		name string
		*latencies
	}{{"cold start", summarise(m.init)}, {"first call", summarise(m.cold)}, {"warm call", summarise(m.warm)}}
	if v.format == formatJSON {
		line, err := marshal(struct {
			Calls     int            `json:"calls"`
			Failed    int            `json:"failed"`
			Seconds   float64        `json:"seconds"`
			ColdStart *latencies     `json:"coldStart,omitempty"`
			First     *latencies     `json:"firstCall,omitempty"`
			Warm      *latencies     `json:"warmCall,omitempty"`
			Peak      int64          `json:"peakMemoryBytes,omitempty"`
			Failures  map[string]int `json:"failures,omitempty"`
		}{count, bad, took.Seconds(), rows[0].latencies, rows[1].latencies, rows[2].latencies, m.peak, m.failures})
		if err != nil {
			return err
		}
		_, err = v.stdout.Write(append(line, '\n'))
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s%7s%9s%9s%9s%9s%9s\n", "milliseconds", "count", "min", "p50", "p90", "p99", "max")
	for _, r := range rows {
		if r.latencies != nil {
			fmt.Fprintf(&b, "%-12s%7d%9.1f%9.1f%9.1f%9.1f%9.1f\n", r.name, r.Count, r.Min, r.P50, r.P90, r.P99, r.Max)
		}
	}
	memory := ""
	if m.peak > 0 {
		memory = fmt.Sprintf("; %d MB of memory at most", (m.peak+1<<20-1)>>20)
	}
	verdict := v.stdout.good("all ok")
	if bad > 0 {
		verdict = v.stdout.bad(fmt.Sprintf("%d failed", bad))
	}
	fmt.Fprintf(&b, "%d calls in %.1f s, %.0f a second; %s%s\n", count, took.Seconds(), float64(count)/took.Seconds(), verdict, memory)
	byCount := slices.SortedFunc(maps.Keys(m.failures), func(a, b string) int {
		return cmp.Or(cmp.Compare(m.failures[b], m.failures[a]), strings.Compare(a, b))
	})
	for _, what := range byCount {
		fmt.Fprintf(&b, "%d × %s\n", m.failures[what], what)
	}
	if _, err := io.WriteString(v.stdout, b.String()); err != nil {
		return err
	}
	if m.first == nil {
		return nil
	}
	// The log of one stands for all.
	log := v.log()
	_, _ = log.Write(m.first.logs)
	log.flush()
	return v.words(m.first, nil)
}
