/*
Package eventfx hands events to typed functions and knows what became of each.

A [Router] holds sources and handlers. A source, such as object.Created or
queue.JSON, recognises messages of one kind and decodes them; a handler is your
function of an [Event]:

	r := &eventfx.Router{}
	eventfx.On(r, queue.JSON[Order]{Queue: "orders"},
		func(ctx context.Context, e eventfx.Event[Order]) error {
			return warehouse.Ship(ctx, e.Data.ID)
		})

The compiler checks that a handler fits its source. A host runs the router:
lambdahost on AWS Lambda, others in a worker or behind HTTP. In a test you call
[Router.Deliver] yourself, or let memcloud play AWS around the host.

# Messages

A [Message] is one CloudEvent 1.0, complete, with what its transport said about
the delivery (its [Origin]) and the group in which it is ordered. Treat it as
read-only and Clone it before a change. It stays valid after the handler.

# What a handler answers

A nil error means that the message is done. Any other error is transient: the
message is run again in this process while Router.Retry and the deadline allow
it, and then goes back to its source. [Permanent] says that running it again
cannot help; [RetryAfter] asks for a delay. Errors of your own say the same by
methods, Permanent() bool and RetryAfter() time.Duration, so that domain code
need not import this package; [Data] serves the same end for handlers. A panic
is a transient failure of that message alone.

# Order of policy

Policy surrounds a handler in one fixed order:

	once( dead letter( retry( timeout( recover( middleware( decode, handler ))))))

[Once] is outermost, for idempotency: it locks once for each delivery and sees
one outcome; its example is a small one. [Middleware] is innermost and runs for each attempt.

# Dead letters

A message is dead when its error is permanent, or when its attempts are used up
and the source has delivered it Retry.Deliveries times (5 unless you say
otherwise) or will not deliver it again. Router.DeadLetter keeps it; only when
that has succeeded does the message count as handled. A message that is not dead
goes back, so that an outage of seconds does not empty a queue into the dead
letters; one that ran out of time does too, and one that middleware turned away
without a run, which says [ErrUnfinished]. Without a DeadLetter even a
permanent failure goes back: on a stream, or in a FIFO group, it then blocks
what follows until the source gives it up.

# Order of messages

Messages of one Group run one after the other, in the order given. After one of
them has failed nothing later of its group runs: those messages go back with it.
Messages without a group have no order; Router.Concurrency runs them, and whole
groups, side by side.

# Deadlines

When the context of Deliver is done nothing new starts, the contexts of running
handlers end, and Deliver returns at the latest after Router.Grace. Whatever has
not finished by then goes back with [ErrUnfinished], and a late result is
refused. Every message starts as failed and becomes done when it is done.

# Sources of your own

Anything with the methods of [Source] is one: a struct with the fields to select
by, a Match that judges by the CloudEvent, and a Decode. Give it a String that
tells it from others. The example of Source reads an event of EventBridge.
The first source that matches wins; one that can never match because of an
earlier one is not detected.
*/
package eventfx
