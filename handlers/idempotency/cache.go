package idempotency

import (
	"sync"
	"time"
)

// A cache remembers done keys, in two generations: when the younger is full
// the older is forgotten. So it never holds more than it may, and what is asked
// for stays.
type cache struct {
	mu         sync.Mutex
	young, old map[string]time.Time // until when
}

func (c *cache) has(key string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.young[key]
	if !ok {
		until, ok = c.old[key]
	}
	return ok && now.Before(until)
}

// add remembers the key; at most size keys are.
func (c *cache) add(key string, until time.Time, size int) {
	if size < 1 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.young[key]; !ok && len(c.young) >= (size+1)/2 {
		c.young, c.old = nil, c.young
	}
	if c.young == nil {
		c.young = map[string]time.Time{}
	}
	c.young[key] = until
}
