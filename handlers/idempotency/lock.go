package idempotency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/eventfx"
)

// lock takes the key, or says why not. done is true when the work was done
// before: record has the result.
func (g *Guard) lock(ctx context.Context, want Record) (record Record, done bool, err error) {
	record, err = g.Store.Create(ctx, want)
	if err == nil {
		return record, false, nil
	}
	if !errors.Is(err, ErrExists) {
		return record, false, fmt.Errorf("idempotency: lock %s: %w", want.Name, err)
	}
	found, err := g.Store.Get(ctx, want.Key)
	switch {
	case errors.Is(err, ErrNotFound): // it was released meanwhile
		return record, false, eventfx.RetryAfter(ErrInProgress, 0)
	case err != nil:
		return record, false, fmt.Errorf("idempotency: look at the lock of %s: %w", want.Name, err)
	}
	now := time.Now()
	switch {
	case found.over(now):
		// A lease that is over, or a success that is forgotten.
		want.Revision = found.Revision
		record, err = g.Store.Replace(ctx, want)
		if errors.Is(err, ErrConflict) {
			return record, false, eventfx.RetryAfter(ErrInProgress, time.Until(want.Until))
		}
		if err != nil {
			err = fmt.Errorf("idempotency: take over the lock of %s: %w", want.Name, err)
		}
		return record, false, err
	case found.Payload != want.Payload:
		return record, false, eventfx.Permanent(fmt.Errorf("%w: %s", ErrKeyReused, want.Name))
	case found.State == Done:
		return found, true, nil
	}
	return record, false, eventfx.RetryAfter(ErrInProgress, found.Until.Sub(now))
}

// commit keeps that the work is done. A store that fails is asked again for a
// while: the work is not undone by that.
func (g *Guard) commit(ctx context.Context, held Record, result []byte) (Record, error) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	held.State, held.Result, held.Until = Done, result, time.Now().Add(g.keep())
	var unsure bool // an earlier try may have been written, though it failed
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		done, err := g.Store.Replace(ctx, held)
		switch {
		case err == nil:
			return done, nil
		case errors.Is(err, ErrConflict):
			found, err := g.Store.Get(ctx, held.Key)
			switch {
			case unsure && err == nil && found.State == Done && found.Payload == held.Payload:
				return found, nil
			case errors.Is(err, ErrNotFound):
				// The lease was over, and the store's time to live took the lock
				// away, or another holder has come, failed and gone.
				if done, err := g.Store.Create(ctx, held); err == nil {
					return done, nil
				}
			}
			return held, fmt.Errorf("%w: %s", ErrLateCommit, held.Name)
		}
		unsure = true
		if !wait(ctx, pause) {
			return held, fmt.Errorf("idempotency: %s was handled, and that could not be kept: %w", held.Name, err)
		}
	}
}

// release frees the key, so that the next delivery or a replay runs at once.
// When it fails, the lease has to end first.
func (g *Guard) release(ctx context.Context, held Record) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := g.Store.Delete(ctx, held); err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("idempotency: release %s: %w", held.Name, err)
	}
	return nil
}

// wait waits for d, and reports whether ctx allows it.
func wait(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
