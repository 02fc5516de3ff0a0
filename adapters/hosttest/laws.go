package hosttest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

var errMeant = errors.New("hosttest: this failure is meant")

// laws are in the order of the package documentation.
var laws = []law{
	{"once", "a message that is done is run once, and is no longer the source's", nil, lawOnce},
	{"held", "a message is the source's until its handler has returned", func(f Features) bool { return f.Observes }, lawHeld},
	{"back", "a message that failed comes back until it is done, however often", nil, lawBack},
	{"losers", "only what failed comes back", nil, lawLosers},
	{"order", "messages of a group run in their order, and none is left out", groups, lawOrder},
	{"blocked", "nothing of a group overtakes a message of it that failed", func(f Features) bool { return f.Blocks }, lawBlocked},
	{"attempts", "the router's own attempts happen within one delivery", nil, lawAttempts},
	{"counts", "deliveries are counted", func(f Features) bool { return f.Counts }, lawCounts},
	{"delay", "a message that asked for a delay does not come back before", func(f Features) bool { return f.Delays }, lawDelay},
	{"deadline", "the handler's context ends before the deadline, and the message comes back", nil, lawDeadline},
	{"panic", "a panic is the failure of one message", nil, lawPanic},
	{"dead", "a dead letter is written once, and its message does not come back", nil, lawDead},
	{"letter", "a message that no dead letter keeps comes back", nil, lawLetter},
	{"drain", "what has begun before the stop is finished", stops, lawDrain},
	{"limit", "the stop takes no longer than the drain, and what is not finished then goes back", stops, lawLimit},
	{"release", "what has not begun before the stop goes back at once", func(f Features) bool { return f.Stops && f.Groups && f.Observes }, lawRelease},
	{"goroutines", "nothing runs after the stop", stops, lawGoroutines},
}

func groups(f Features) bool { return f.Groups }
func stops(f Features) bool  { return f.Stops }

func lawOnce(r *trial) {
	const n = 25
	r.begin(func(context.Context, string, int) error { return nil })
	var bodies []string
	for i := range n {
		bodies = append(bodies, fmt.Sprint("m", i))
	}
	r.send("", bodies...)
	r.until(3, func() bool { return len(r.all()) >= n })
	r.rest()
	for _, body := range bodies {
		if ran := r.ran(body); ran != 1 {
			r.errorf("%s was run %d times", body, ran)
		}
	}
	r.wantLeft(0)
}

func lawHeld(r *trial) {
	r.begin(func(context.Context, string, int) error {
		time.Sleep(time.Second)
		r.wantLeft(1)
		return nil
	})
	r.send("", "m")
	if !r.until(2, func() bool { return r.ran("m") > 0 }) {
		r.errorf("it was not run")
	}
	r.rest()
}

func lawBack(r *trial) {
	const failures = 4
	r.setup.Router.Retry.Deliveries = -1
	r.begin(func(_ context.Context, _ string, n int) error {
		if n <= failures {
			return errMeant
		}
		return nil
	})
	r.send("", "m")
	r.until(failures+1, func() bool { return r.ran("m") > failures })
	r.rest()
	if n := r.ran("m"); n != failures+1 {
		r.errorf("it failed %d times and was run %d times", failures, n)
	}
}

func lawLosers(r *trial) {
	bodies := []string{"a", "b", "loser", "c", "d", "e"}
	r.begin(func(_ context.Context, body string, n int) error {
		if body == "loser" && n == 1 {
			return errMeant
		}
		return nil
	})
	r.send("", bodies...)
	r.until(2, func() bool { return r.ran("loser") == 2 })
	r.rest()
	for _, body := range bodies {
		if ran := r.ran(body); body != "loser" && ran != 1 {
			r.errorf("%s was done, and was run %d times", body, ran)
		}
	}
}

// firsts returns the bodies of a group in the order of their first runs: a
// source may deliver one twice.
func (r *trial) firsts(of map[string]string, group string) []string {
	var order []string
	seen := map[string]bool{}
	for _, one := range r.all() {
		if of[one.body] == group && !seen[one.body] {
			seen[one.body] = true
			order = append(order, one.body)
		}
	}
	return order
}

func lawOrder(r *trial) {
	of := map[string]string{}
	running := map[string]bool{}
	r.begin(func(_ context.Context, body string, _ int) error {
		group := of[body]
		r.mu.Lock()
		both := running[group]
		running[group] = true
		r.mu.Unlock()
		if both {
			r.errorf("two messages of %s run at once", group)
		}
		time.Sleep(10 * time.Millisecond)
		r.mu.Lock()
		running[group] = false
		r.mu.Unlock()
		return nil
	})
	want := map[string][]string{}
	for _, group := range []string{"g1", "g2"} {
		for i := range 5 {
			body := fmt.Sprint(group, "-", i)
			of[body] = group
			want[group] = append(want[group], body)
		}
	}
	for group, bodies := range want {
		r.send(group, bodies...)
	}
	r.until(2, func() bool { return len(r.all()) >= 10 })
	r.rest()
	for group, bodies := range want {
		if got := r.firsts(of, group); fmt.Sprint(got) != fmt.Sprint(bodies) {
			r.errorf("%s was run in the order %v", group, got)
		}
	}
}

func lawBlocked(r *trial) {
	r.begin(func(_ context.Context, body string, n int) error {
		if body == "second" && n <= 2 {
			return errMeant
		}
		if failed := r.ran("second"); body == "third" && failed <= 2 {
			r.errorf("the third of a group was run when the second had failed %d times, and not been done", failed)
		}
		return nil
	})
	r.send("g", "first", "second", "third")
	if !r.until(4, func() bool { return r.ran("third") > 0 }) {
		r.errorf("the third was not run")
	}
}

func lawAttempts(r *trial) {
	r.setup.Router.Retry = eventfx.Retry{Attempts: 3, Base: time.Millisecond, Max: time.Millisecond}
	r.begin(func(_ context.Context, _ string, n int) error {
		if n < 3 {
			return errMeant
		}
		return nil
	})
	r.send("", "m")
	r.until(2, func() bool { return r.ran("m") >= 3 })
	for i, one := range r.all() {
		if one.attempt != i+1 {
			r.errorf("run %d was attempt %d: its delivery had time for all three", i+1, one.attempt)
		}
	}
}

func lawCounts(r *trial) {
	r.begin(func(_ context.Context, _ string, n int) error {
		if n < 3 {
			return errMeant
		}
		return nil
	})
	r.send("", "m")
	r.until(3, func() bool { return r.ran("m") >= 3 })
	for i, one := range r.all() {
		if one.receives != i+1 {
			r.errorf("delivery %d was counted as %d", i+1, one.receives)
		}
	}
}

func lawDelay(r *trial) {
	const delay = 7 * time.Minute
	r.begin(func(_ context.Context, _ string, n int) error {
		if n == 1 {
			return eventfx.RetryAfter(errMeant, delay)
		}
		return nil
	})
	r.send("", "m")
	r.until(1, func() bool { return r.ran("m") > 0 })
	time.Sleep(delay)
	r.until(2, func() bool { return r.ran("m") > 1 })
	runs := r.all()
	if len(runs) < 2 {
		r.errorf("it did not come back")
		return
	}
	if got := runs[1].at.Sub(runs[0].at); got < delay {
		r.errorf("it came back after %v, having asked for %v", got, delay)
	}
}

func lawDeadline(r *trial) {
	r.setup.Deadline = 5 * time.Second
	var first time.Duration
	over := false
	r.begin(func(ctx context.Context, _ string, n int) error {
		if n > 1 {
			return nil
		}
		began := time.Now()
		timer := time.NewTimer(10 * r.setup.Deadline)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		r.locked(func() { first, over = time.Since(began), ctx.Err() != nil })
		return errMeant
	})
	r.send("", "m")
	if !r.until(12, func() bool { return r.ran("m") > 1 }) {
		r.errorf("it did not come back")
	}
	var took time.Duration
	var ended bool
	r.locked(func() { took, ended = first, over })
	if !ended || took >= r.setup.Deadline || took < r.setup.Deadline/2 {
		r.errorf("with %v for it the context ended: %t, after %v", r.setup.Deadline, ended, took)
	}
}

func lawPanic(r *trial) {
	r.begin(func(_ context.Context, body string, n int) error {
		if body == "bad" && n == 1 {
			panic(errMeant)
		}
		return nil
	})
	r.send("", "a", "bad", "b")
	if !r.until(2, func() bool { return r.ran("bad") > 1 }) {
		r.errorf("what panicked did not come back")
	}
	if r.ran("a") == 0 || r.ran("b") == 0 {
		r.errorf("its neighbours were not run")
	}
}

func lawDead(r *trial) {
	letters := 0
	r.setup.Router.DeadLetter = func(context.Context, *eventfx.Dead) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		letters++
		return nil
	}
	r.begin(func(context.Context, string, int) error { return eventfx.Permanent(errMeant) })
	r.send("", "m")
	r.until(2, func() bool { return r.ran("m") > 0 })
	r.rest()
	r.rest()
	n := r.ran("m")
	r.locked(func() {
		if n != 1 || letters != 1 {
			r.failures = append(r.failures, fmt.Sprintf("it was run %d times, and %d letters were written", n, letters))
		}
	})
	r.wantLeft(0)
}

func lawLetter(r *trial) {
	letters := 0
	r.setup.Router.DeadLetter = func(context.Context, *eventfx.Dead) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if letters++; letters == 1 {
			return errors.New("hosttest: the dead letters are full")
		}
		return nil
	}
	r.begin(func(context.Context, string, int) error { return eventfx.Permanent(errMeant) })
	r.send("", "m")
	if !r.until(2, func() (again bool) {
		r.locked(func() { again = letters >= 2 })
		return again
	}) {
		r.errorf("its letter was not tried again")
	}
}

func lawDrain(r *trial) {
	r.begin(func(ctx context.Context, _ string, _ int) error {
		time.Sleep(5 * time.Second)
		if err := ctx.Err(); err != nil {
			r.errorf("its context ended, though it had time: %v", err)
		}
		return nil
	})
	r.send("", "m")
	r.until(1, func() bool { return r.ran("m") > 0 })
	r.stop()
	r.wantLeft(0)
}

func lawLimit(r *trial) {
	r.setup.Drain = 3 * time.Second
	r.begin(func(ctx context.Context, _ string, _ int) error {
		timer := time.NewTimer(15 * time.Second)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		return errMeant
	})
	r.send("", "m")
	r.until(1, func() bool { return r.ran("m") > 0 })
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > r.setup.Drain+2*time.Second {
		r.errorf("with %v for it the stop took %v", r.setup.Drain, took)
	}
	r.wantLeft(1)
}

func lawRelease(r *trial) {
	r.begin(func(context.Context, string, int) error {
		time.Sleep(10 * time.Second)
		return nil
	})
	for _, body := range []string{"a", "b", "c", "d"} {
		r.send("g", body)
		time.Sleep(time.Second)
	}
	begun := len(r.all())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.stop()
	}()
	time.Sleep(2 * time.Second)
	if n := r.host.Waiting(); n < 4-begun {
		r.errorf("4 messages, %d begun, and %d can be received 2 s after the stop", begun, n)
	}
	<-stopped
}

func lawGoroutines(r *trial) {
	r.begin(func(_ context.Context, body string, n int) error {
		if body == "bad" && n < 2 {
			return errMeant
		}
		return nil
	})
	r.send("", "a", "bad", "b")
	r.until(1, func() bool { return r.ran("bad") > 0 })
	r.stop()
	time.Sleep(time.Minute)
	if left := r.watched(); left != "" {
		r.errorf("a minute after the stop there are still\n%s", left)
	}
}
