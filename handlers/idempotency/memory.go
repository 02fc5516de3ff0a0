package idempotency

import (
	"context"
	"sync"
	"time"
)

// Memory is a Store in this process, for tests and for workers of which there
// is only one. The zero value works.
type Memory struct {
	// Limit is the most records that are kept; the oldest that are done are
	// forgotten first, locks never. 0 means 100,000.
	Limit int

	mu       sync.Mutex
	records  map[string]Record
	done     []string // keys of done records, the oldest first; some may be gone
	revision int
}

// Get returns the record with the key, or ErrNotFound.
func (s *Memory) Get(ctx context.Context, key string) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[key]
	if !ok {
		return Record{}, ErrNotFound
	}
	return r, nil
}

// Create adds a record; see Store.
func (s *Memory) Create(ctx context.Context, r Record) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.records[r.Key]; ok {
		return Record{}, ErrExists
	}
	return s.put(r), nil
}

// Replace writes a record in place of another; see Store.
func (s *Memory) Replace(ctx context.Context, r Record) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.records[r.Key]; !ok || old.Revision != r.Revision {
		return Record{}, ErrConflict
	}
	return s.put(r), nil
}

// Delete deletes a record; see Store.
func (s *Memory) Delete(ctx context.Context, r Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.records[r.Key]; !ok || old.Revision != r.Revision {
		return ErrConflict
	}
	delete(s.records, r.Key)
	return nil
}

// put writes r. The caller holds mu.
func (s *Memory) put(r Record) Record {
	if s.records == nil {
		s.records = map[string]Record{}
	}
	s.revision++
	r.Revision = s.revision
	s.records[r.Key] = r
	if r.State == Done {
		s.done = append(s.done, r.Key)
		s.forget(time.Now())
	}
	return r
}

// forget drops the oldest records that are done: those whose time is over, and
// those that are too many.
func (s *Memory) forget(now time.Time) {
	limit := s.Limit
	if limit <= 0 {
		limit = 100_000
	}
	n := 0
	for ; n < len(s.done); n++ {
		r, ok := s.records[s.done[n]]
		if ok && r.State == Done && !r.over(now) && len(s.records) <= limit {
			break
		}
		if ok && r.State == Done {
			delete(s.records, s.done[n])
		}
	}
	s.done = s.done[n:]
}
