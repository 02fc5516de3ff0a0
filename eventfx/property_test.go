package eventfx_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// TestLaws delivers random batches under random policies and holds the laws:
// a message that Deliver does not return is done or dead, one that it returns
// is neither; runs are bounded; no message runs beside itself; and within a
// group nothing runs before all before it are done or dead.
func TestLaws(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { holdLaws(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

// A life is what a test knows of one message.
type life struct {
	runs    int
	running bool
	done    bool // its last run answered nil in time
	dead    int
}

func holdLaws(t *testing.T, random *rand.Rand) {
	attempts := 1 + random.IntN(3)
	r := &eventfx.Router{
		Concurrency: random.IntN(5),
		Retry:       eventfx.Retry{Attempts: attempts, Deliveries: random.IntN(3)},
	}
	if random.IntN(3) == 0 {
		r.Timeout = eventfx.Timeout(time.Duration(1+random.IntN(3)) * time.Second)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(60))*time.Second)
	defer cancel()

	var mu sync.Mutex
	lives := map[string]*life{}
	var ms []*eventfx.Message
	for i := range random.IntN(30) {
		m := message(fmt.Sprint(i))
		if random.IntN(2) == 0 {
			m.Group = fmt.Sprint("g", random.IntN(3))
		}
		if random.IntN(3) == 0 {
			m.SetType("batched")
		}
		if random.IntN(20) == 0 {
			m.Err = errors.New("unreadable")
		}
		m.Origin.Receives = random.IntN(7)
		ms = append(ms, m)
		lives[m.ID()] = &life{}
	}
	if random.IntN(2) == 0 {
		r.DeadLetter = func(_ context.Context, d *eventfx.Dead) error {
			mu.Lock()
			defer mu.Unlock()
			if random.IntN(5) == 0 {
				return errors.New("sink is down")
			}
			lives[d.Message.ID()].dead++
			return nil
		}
	}

	// enter and leave bracket a run; leave draws its answer.
	enter := func(m *eventfx.Message, before []*eventfx.Message) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		l := lives[m.ID()]
		if l.running {
			t.Errorf("%s runs beside itself", m.ID())
		}
		if l.done || l.dead > 0 {
			t.Errorf("%s runs although it is done or dead", m.ID())
		}
		l.running = true
		l.runs++
		for _, earlier := range ms {
			if earlier.ID() == m.ID() {
				break
			}
			together := false
			for _, b := range before {
				together = together || b.ID() == earlier.ID()
			}
			if m.Group != "" && earlier.Group == m.Group && !together {
				if e := lives[earlier.ID()]; !e.done && e.dead == 0 {
					t.Errorf("%s runs before %s of its group is done", m.ID(), earlier.ID())
				}
			}
		}
		return time.Duration(random.IntN(1500)) * time.Millisecond
	}
	leave := func(ctx context.Context, m *eventfx.Message) error {
		mu.Lock()
		defer mu.Unlock()
		lives[m.ID()].running = false
		if ctx.Err() != nil && random.IntN(2) == 0 {
			return ctx.Err()
		}
		switch random.IntN(6) {
		case 0:
			return errBroken
		case 1:
			return eventfx.Permanent(errBroken)
		case 2:
			return eventfx.RetryAfter(errBroken, time.Duration(random.IntN(5))*time.Second)
		}
		return nil
	}
	finish := func(m *eventfx.Message, err error) {
		mu.Lock()
		defer mu.Unlock()
		lives[m.ID()].done = err == nil
	}
	eventfx.On(r, orders{"order"}, func(ctx context.Context, e eventfx.Event[string]) error {
		time.Sleep(enter(e.Message, nil))
		err := leave(ctx, e.Message)
		finish(e.Message, err)
		return err
	})
	eventfx.OnBatch(r, orders{"batched"}, func(ctx context.Context, b *eventfx.Batch[string]) error {
		var before []*eventfx.Message
		for e := range b.All() {
			time.Sleep(enter(e.Message, before))
			before = append(before, e.Message)
		}
		failed := false
		for e := range b.All() {
			err := leave(ctx, e.Message)
			if err != nil {
				b.Fail(e, err)
			}
			failed = e.Group != "" && (failed || err != nil)
			if failed {
				err = errBroken // it is failed with what is before it
			}
			finish(e.Message, err)
		}
		return nil
	})

	failures := r.Deliver(ctx, ms)

	mu.Lock()
	back := map[string]bool{}
	for _, f := range failures {
		back[f.Message.ID()] = true
	}
	for id, l := range lives {
		switch settled := l.done || l.dead > 0; {
		case l.dead > 1:
			t.Errorf("%s is dead %d times", id, l.dead)
		case !settled && !back[id]:
			t.Errorf("%s is lost: not done, not dead, and not handed back", id)
		case settled && back[id] && ctx.Err() == nil:
			t.Errorf("%s is handed back although it is settled: %+v", id, l)
		case l.runs > attempts*len(ms):
			t.Errorf("%s ran %d times with %d attempts", id, l.runs, attempts)
		}
	}
	mu.Unlock()
	time.Sleep(time.Hour) // whoever still runs comes to its end
}
