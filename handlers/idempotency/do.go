package idempotency

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Do runs f once for the key and keeps what it returned: a later call with the
// same key returns that and does not run f, whatever the value is, also nil,
// false or nothing. It is for a step inside a handler that must not be
// repeated, such as a charge: give it a key that is the same on each delivery.
//
// While f runs elsewhere, Do returns an error for which errors.Is(err,
// ErrInProgress) holds and which asks for a retry later. When f fails, nothing
// is kept. The result is kept as JSON, for Guard.Keep. The context of f ends
// with its lease.
func Do[T any](ctx context.Context, g *Guard, key string, f func(context.Context) (T, error)) (T, error) {
	var none T
	now := time.Now()
	end := g.lease(ctx, now)
	held, done, err := g.lock(ctx, Record{
		Key: digest([]byte("do\x00" + key)), Name: key, State: InProgress, Until: end.Add(slack),
	})
	switch {
	case err != nil:
		return none, err
	case done:
		var kept T
		if err := json.Unmarshal(held.Result, &kept); err != nil {
			return none, fmt.Errorf("idempotency: the result that is kept for %s: %w", key, err)
		}
		return kept, nil
	}
	released := false
	defer func() { // also when f panics
		if !released {
			_ = g.release(ctx, held)
		}
	}()
	running, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	result, err := f(running)
	if err != nil {
		return none, err
	}
	kept, err := json.Marshal(result)
	if err != nil {
		return none, fmt.Errorf("idempotency: the result for %s cannot be kept: %w", key, err)
	}
	released = true
	if _, err := g.commit(ctx, held, kept); err != nil {
		return none, err
	}
	return result, nil
}
