package portable

import (
	"context"
	"reflect"
	"sync"
	"time"

	"gocloud.dev/pubsub"
)

// gocloud's Receive has a goroutine fetch messages, which then waits until
// some Receive takes notice: for ever if there is none any more, also after
// Shutdown. In a synctest bubble that is a deadlock, which ends the test
// binary. It is cured in two ways: by taking what was fetched before the
// subscription is shut down by the cloud, and by letting the goroutine go
// whoever shuts it down.

// shutDown is called when the cloud is closed.
func (s *subscription) shutDown() {
	s.stop() // before the nacks: else they bring back what is being taken
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Microsecond)
		m, err := s.face.Receive(ctx)
		cancel()
		if err != nil {
			break // nothing is left, or it was shut down before
		}
		m.Nack()
	}
	_ = s.face.Shutdown(context.Background()) // twice is an error of no interest
}

// Close is called at the end of Shutdown, when the context of all receives is
// cancelled: the goroutine cannot fetch any more.
func (s *subscription) Close() error {
	if s.face != nil {
		letGo(s.face)
	}
	return nil
}

// letGo takes notice in place of a Receive. Nothing exported does after
// Shutdown, so this reads two of gocloud's fields; where they are no longer
// what they were, it does nothing.
func letGo(s *pubsub.Subscription) {
	mu, fetched := field[sync.Mutex](s, "mu"), field[chan struct{}](s, "waitc")
	if mu == nil || fetched == nil {
		return
	}
	mu.Lock()
	waiting := *fetched
	mu.Unlock()
	if waiting == nil {
		return // there is no such goroutine
	}
	for range waiting {
		continue // until the goroutine ends, and closes the channel
	}
}

// field returns a pointer to the field of s with the name, or nil if there is
// none of type T.
func field[T any](s *pubsub.Subscription, name string) *T {
	f := reflect.ValueOf(s).Elem().FieldByName(name)
	if !f.IsValid() || f.Type() != reflect.TypeFor[T]() {
		return nil
	}
	return (*T)(f.Addr().UnsafePointer())
}
