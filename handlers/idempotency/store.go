package idempotency

import (
	"context"
	"errors"
	"time"
)

// Errors of a Store.
var (
	ErrExists   = errors.New("idempotency: there is a record with this key")
	ErrNotFound = errors.New("idempotency: there is no record with this key")
	ErrConflict = errors.New("idempotency: the record was changed meanwhile")
)

// A State is what is known of a key.
type State string

// The states of a record. A key without one is free.
const (
	InProgress State = "inprogress"
	Done       State = "done"
)

// A Record is what a store keeps for a key.
type Record struct {
	Key   string // at most 64 bytes, of letters and digits
	Name  string // what the key stands for, for people: route, source and id
	State State

	// Until is when a lock ends, and when a done record may be forgotten.
	Until time.Time

	// Payload is a hash of the data, where it is compared.
	Payload string

	// Result is what Do returned, as JSON.
	Result []byte

	// Revision is the store's own: it changes with each write.
	Revision any
}

// over reports whether the record means nothing any more.
func (r *Record) over(now time.Time) bool { return !now.Before(r.Until) }

// A Store keeps records. Each method is one atomic step, and must be
// consistent: what was written is read. Methods may be called from many
// goroutines and processes at once.
type Store interface {
	// Get returns the record with the key, or ErrNotFound.
	Get(ctx context.Context, key string) (Record, error)
	// Create adds a record, and returns it with its revision. It returns
	// ErrExists when there is one with its key, whatever that says.
	Create(ctx context.Context, r Record) (Record, error)
	// Replace writes r in place of the record whose revision it carries, and
	// returns it with the new one. It returns ErrConflict when that was
	// changed or deleted meanwhile.
	Replace(ctx context.Context, r Record) (Record, error)
	// Delete deletes the record whose revision r carries. It returns
	// ErrConflict when that was changed or deleted meanwhile.
	Delete(ctx context.Context, r Record) error
}
