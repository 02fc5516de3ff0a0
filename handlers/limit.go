package handlers

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/narrow"
)

// ErrLimited says that a Limit had no token for a message in time.
var ErrLimited = errors.New("handlers: the rate limit is reached")

// Limit lets messages through at a rate. It is a bucket of tokens: each message
// takes one, also each of a batch, and a message without one waits for it in
// the order of arrival. One that would wait too long is turned away at once,
// with the time until there is a token for it as the delay that it asks for;
// several that are turned away are asked to come one after the other.
//
// An attempt costs a token. A Limit must not be copied, nor its fields changed,
// once it is used.
type Limit struct {
	// Rate is in messages per second: 1.0/60 is one a minute. It must be
	// positive.
	Rate float64

	// Burst is how many tokens the bucket holds: so many messages may come at
	// once after a pause. 0 means those of one second, at least 1.
	Burst int

	// Key gives each key a bucket of its own. nil means one bucket for
	// everything that uses the Limit.
	Key func(route string, m *eventfx.Message) string

	// Keys is the most buckets that are kept, some 230 bytes each. When there
	// are more, those that were used least recently are forgotten: their keys
	// begin again with a full bucket. 0 means 10,000.
	Keys int

	// Wait is the longest wait in this process. It is never more than half of
	// the time to the deadline, so that the handler has the other half. 0 means
	// no other limit than that, -1 not to wait at all.
	Wait time.Duration

	mu     sync.Mutex
	keys   map[string]*list.Element // of recent
	recent list.List                // of *bucket, the last used first
}

// mostDelay bounds what a message is asked to wait that was turned away behind
// many others: by then the limit may stand idle.
const mostDelay = 15 * time.Minute

// A bucket is what one key has.
type bucket struct {
	key    string
	tokens *rate.Limiter
	asked  time.Time // when the last message that was turned away is to come
}

// Wrap is eventfx.Middleware. It panics when Rate is not positive.
func (l *Limit) Wrap(next eventfx.Handler) eventfx.Handler {
	if !(l.Rate > 0) || math.IsInf(l.Rate, 1) {
		panic(fmt.Sprintf("handlers: Limit.Rate is %v: set it to messages per second", l.Rate))
	}
	return func(ctx context.Context, d *eventfx.Delivery) error {
		now := time.Now()
		most := l.patience(ctx, now)
		var delay time.Duration
		wait := func(ctx context.Context, d *eventfx.Delivery) error {
			if err := sleep(ctx, delay); err != nil {
				return turnAway(ErrLimited, time.Second/4)
			}
			return next(ctx, d)
		}
		return narrow.Run(ctx, d, wait, func(m *eventfx.Message) (*eventfx.Message, error) {
			need, err := l.take(d.Route, m, now, most)
			delay = max(delay, need)
			return m, err
		})
	}
}

// patience returns how long a message may wait.
func (l *Limit) patience(ctx context.Context, now time.Time) time.Duration {
	most := time.Duration(math.MaxInt64)
	if l.Wait < 0 {
		most = 0
	} else if l.Wait > 0 {
		most = l.Wait
	}
	if deadline, ok := ctx.Deadline(); ok {
		most = min(most, deadline.Sub(now)/2)
	}
	return most
}

// take takes a token for m and returns how long to wait for it, or why not.
func (l *Limit) take(route string, m *eventfx.Message, now time.Time, most time.Duration) (time.Duration, error) {
	key := ""
	if l.Key != nil {
		key = l.Key(route, m) // outside the lock: it may panic
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key)
	r := b.tokens.ReserveN(now, 1)
	delay := r.DelayFrom(now)
	if delay <= most {
		return delay, nil
	}
	r.CancelAt(now)
	delay = min(delay, 365*24*time.Hour)
	at := now.Add(delay)
	every := time.Duration(min(float64(mostDelay), float64(time.Second)/l.Rate))
	if next := b.asked.Add(every); next.After(at) {
		at = next
	}
	if latest := now.Add(max(delay, mostDelay)); at.After(latest) {
		at = latest
	}
	b.asked = at
	return 0, turnAway(ErrLimited, at.Sub(now))
}

// bucket returns the bucket of a key. The caller holds mu.
func (l *Limit) bucket(key string) *bucket {
	if e, ok := l.keys[key]; ok {
		l.recent.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if l.keys == nil {
		l.keys = map[string]*list.Element{}
	}
	burst := l.Burst
	if burst <= 0 {
		burst = max(1, int(min(l.Rate, math.MaxInt32)))
	}
	most := l.Keys
	if most <= 0 {
		most = 10_000
	}
	for len(l.keys) >= most {
		oldest := l.recent.Back()
		delete(l.keys, l.recent.Remove(oldest).(*bucket).key)
	}
	b := &bucket{key: key, tokens: rate.NewLimiter(rate.Limit(l.Rate), burst)}
	l.keys[key] = l.recent.PushFront(b)
	return b
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
