// Package idempotency has a message handled once, as far as that is possible,
// though it is delivered at least once.
//
// # Use
//
// A [Guard] is a router's Once. Its records live in a collection that all
// processes share:
//
//	locks, err := docstore.OpenCollection(ctx, "dynamodb://locks?partition_key=id&consistent_read=true")
//	...
//	guard := &idempotency.Guard{Store: idempotency.Collection(locks, "")}
//	r := &eventfx.Router{Once: guard.Once}
//
// Before a handler runs, the guard locks the message's key by a conditional
// write; afterwards it notes that the message is done. A second delivery finds
// one or the other:
//
//	free          it runs
//	in progress   it goes back, with the rest of the lease as its delay
//	done          it is skipped, and counts as handled
//
// # What it is worth
//
// A guard turns "at least once" into "once, unless the process dies, or the
// store fails, between the handler's effect and the note of it". Nothing can
// close that gap from outside: an effect that must never be repeated has to
// carry a key to the place where it takes effect. [Do] helps with that: it
// keeps the result of one step.
//
// A message that failed or was dead-lettered is released, for a replay keeps
// its id and must run. A message whose success could not be noted goes back: it
// may run twice, and is never lost.
//
// # Leases
//
// A lock ends by itself, or a crash would keep a message from ever being
// handled. The context of the handler ends at the lease (on Lambda that is the
// deadline), the lock a second later. A handler that is deaf to its context may
// then be overtaken by a second delivery; when it returns, its success is
// refused with [ErrLateCommit]. Clocks of machines that share a store must
// agree within that second.
//
// # Keys
//
// The key is the event's source and id, which a redelivery, a move to a
// dead-letter queue and a replay keep. With a Key of your own, such as an
// order's number, a client may send the order twice in two messages; data that
// differs under one key is then a permanent failure, [ErrKeyReused].
//
// # In tests
//
// [Memory] is a store in the process. memcloud's tables have collections, too,
// and fail on demand.
package idempotency
