package guarantees_test

import (
	"context"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

// replay sends the letters to the router again, now that handlers are mended.
// The first time it is stopped in the middle; faults end others.
func (w *world) replay() {
	w.oracle.mu.Lock()
	w.mended = true
	w.oracle.mu.Unlock()
	const most = 20
	for try := range most {
		progress, err := w.replayOnce(try == 0)
		w.replayed += progress.Sent
		if err == nil {
			return
		}
		time.Sleep(time.Minute) // what was not deleted is visible again
	}
	w.unsent = true
}

func (w *world) replayOnce(stop bool) (deadletter.Progress, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := &deadletter.ReplayOptions{Progress: func(p deadletter.Progress) {
		if stop && p.Read == 2 {
			cancel()
		}
	}}
	to := deadletter.ToRouter(w.routes)
	target := func(ctx context.Context, l *deadletter.Letter) error {
		v := w.visit(context.Background()) // its process does not crash
		return to(context.WithValue(ctx, visitKey{}, v), l)
	}
	if w.plan.bucketSink {
		return deadletter.Replay(ctx, deadletter.FromBucket(portable.Bucket(w.letterBucket), "", nil), target, o)
	}
	s := portable.Subscription(w.letters)
	defer func() { _ = s.Shutdown(context.Background()) }()
	return deadletter.Replay(ctx, deadletter.FromSubscription(s, nil), target, o)
}

// judgeReplay holds that a letter is gone only when its message is handled.
func (w *world) judgeReplay() {
	w.oracle.mu.Lock()
	defer w.oracle.mu.Unlock()
	letters, givenUp := w.lettersLeft(), w.givenUp()
	for _, u := range w.order {
		if !u.handled && !letters[u] && !givenUp[u] {
			w.t.Errorf("%s of %s is LOST in a replay", u.id, u.source)
		}
	}
}
