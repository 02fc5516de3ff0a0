package eventfx

import "context"

// An Event is what a typed handler gets: the message, and its data decoded.
type Event[T any] struct {
	*Message
	Data T
}

// A Source recognises messages of one kind and decodes their data.
type Source[T any] interface {
	// Match reports whether the message is of this source. It must be pure
	// and fast, and must judge by the CloudEvent alone (type, source, subject,
	// data; Origin.Name where it is set), so that a dead letter that is
	// replayed reaches the same handler.
	Match(*Message) bool
	// Decode returns the data. It is called afresh for each attempt. An error
	// is permanent.
	Decode(*Message) (T, error)
	// String names the source in panics, logs, metrics and dead letters. Two
	// sources with equal strings are the same source.
	String() string
}

// Data makes a handler of a function that needs the data alone.
func Data[T any](h func(context.Context, T) error) func(context.Context, Event[T]) error {
	return func(ctx context.Context, e Event[T]) error { return h(ctx, e.Data) }
}
