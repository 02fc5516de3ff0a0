// Package hosttest is the laws of a host, as a suite: what everything that runs
// a router must do with the messages of its source. A host of your own is held
// to them by one test:
//
//	func TestLaws(t *testing.T) {
//		features := hosttest.Features{Groups: true, Blocks: true, Stops: true}
//		hosttest.Run(t, features, func(t testing.TB, s hosttest.Setup) *hosttest.Host {
//			source := newSource(t)
//			ctx, cancel := context.WithCancel(context.Background())
//			done := make(chan struct{})
//			s.Go(func() {
//				defer close(done)
//				myhost.Run(ctx, source, s.Router, &myhost.Options{Deadline: s.Deadline, Drain: s.Drain})
//			})
//			return &hosttest.Host{Send: source.send, Stop: func() { cancel(); <-done }}
//		})
//	}
//
// # The laws
//
//	once        a message that is done is run once, and is no longer the source's
//	held        it is the source's until its handler has returned
//	back        a message that failed comes back until it is done, however often
//	losers      only what failed comes back
//	order       messages of a group run in their order, and none is left out
//	blocked     nothing of a group overtakes a message of it that failed
//	attempts    the router's own attempts happen within one delivery
//	counts      deliveries are counted
//	delay       a message that asked for a delay does not come back before
//	deadline    the handler's context ends before the deadline, and the message
//	            comes back
//	panic       a panic is the failure of one message
//	dead        a dead letter is written once, and its message does not come back
//	letter      a message that no dead letter keeps comes back
//	drain       what has begun before the stop is finished
//	limit       the stop takes no longer than the drain, and what is not finished
//	            then goes back
//	release     what has not begun before the stop goes back at once
//	goroutines  nothing runs after the stop
//
// A law is left out when [Features] do not have what it is about. Each is
// independent of the others, as far as that is possible: a host with one bug
// fails one law. The tests of this package have a broken host for every law.
//
// # Time
//
// Each law runs in a bubble of testing/synctest, so that minutes of waiting
// take no time. A host that needs a real network cannot be held to the laws in
// this way.
package hosttest
