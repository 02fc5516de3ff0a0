// Package memcloud is AWS's event sources in the process of a test: buckets,
// queues, tables, topics, event buses and schedules that run your functions by
// AWS's rules, on the bytes that AWS sends. Twelve hours of visibility
// timeouts, retries and redrives take milliseconds, and happen in the same
// order every time. Any failure can be had on demand, and repeated from its
// seed.
//
// # A test of the handler that you have
//
// A function is anything with a method Invoke(context.Context, []byte)
// ([]byte, error): the result of aws-lambda-go's lambda.NewHandler, that of
// lambdahost.Handler, or a type of yours. Nothing about it has to change.
//
//	func TestPoisonOrder(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			cloud := memcloud.New(t)
//			orders := cloud.Queue("orders", &memcloud.QueueOptions{Visibility: 30 * time.Second, MaxReceives: 3})
//			cloud.Function("ship", lambda.NewHandler(shipOrders), memcloud.Trigger(orders))
//			orders.Send(`{"id":"poison"}`)
//			orders.Send(`{"id":"good"}`)
//			cloud.Settle()
//			if n := len(orders.DeadLetters()); n != 1 {
//				t.Errorf("%d dead letters, want the poison order alone", n)
//			}
//		})
//	}
//
// When shipOrders returns an error for the batch, the test fails, and the log
// says why: a good message in a bad batch shares its fate.
//
//	00:00:00.000 orders send    m-1 {"id":"poison"}
//	00:00:00.000 orders send    m-2 {"id":"good"}
//	00:00:00.000 orders receive m-1 (1st)
//	00:00:00.000 orders receive m-2 (1st)
//	00:00:00.000 ship   invoke  i-1 orders: m-1 m-2
//	00:00:00.000 ship   error   i-1 errorString: no such article
//	00:00:00.000 orders failed  m-1 visible again at 00:00:30.000
//	...
//	00:01:30.000 orders move    m-1 to orders-dlq after 3 receives
//	00:01:30.000 orders move    m-2 to orders-dlq after 3 receives
//
// # Triggers
//
// [Trigger] connects a function with a source, by AWS's defaults or by the
// options that fit the source:
//
//	memcloud.Trigger(orders, &memcloud.Mapping{BatchSize: 5, ReportBatchItemFailures: true})
//	memcloud.Trigger(users, &memcloud.Mapping{MaximumRetries: 3, OnFailure: dead}) // a table's stream
//	memcloud.Trigger(uploads, &memcloud.Notification{Suffix: ".jpg"})
//	memcloud.Trigger(news)    // a topic
//	memcloud.Trigger(bus, &memcloud.Rule{Pattern: `{"source":["shop"]}`})
//	memcloud.Trigger(nightly) // a rule's schedule
//	memcloud.Trigger(weekly, &memcloud.Target{Input: `{"job":"report"}`}) // EventBridge Scheduler
//
// Queues and streams invoke synchronously: the answer says what failed.
// The others invoke asynchronously: the answer is ignored, and an error is
// retried after one minute and after two more.
//
// # Partial batches
//
// As on AWS, a mapping does not read the answer unless it has
// ReportBatchItemFailures. A handler that names its failures to a mapping
// without it has them deleted. The timeline says so:
//
//	00:00:00.000 ship   answer  i-1 ok: its 1 batchItemFailures are not read
//	00:00:00.000 orders LOST    m-1 deleted though failed: the mapping has no ReportBatchItemFailures
//
// # Time
//
// The package uses package time and nothing else. In a synctest bubble time is
// virtual; outside the same code runs in real time, for a local program (see
// [Open]). Make the cloud inside the bubble. [Cloud.Settle] waits until
// nothing more can happen by itself; ticks of schedules do not count,
// [Cloud.Advance] plays them. What never settles, such as a poison message in
// a queue without MaxReceives, fails the test with the reason.
//
// A call takes a nanosecond of the bubble's time, so compare times with a
// tolerance, or those of [Cloud.Steps] in milliseconds.
//
// # Faults
//
// What AWS's documentation leaves possible happens when [Options].Faults says
// so: a message comes twice, late or out of order; the process ends before or
// after any call that changes something; an answer is lost; a call is refused,
// is slow, or takes effect and fails; an invocation is throttled; a shard
// splits; a dead letter is lost. Which faults happen is computed from the seed.
//
// [Explore] plays a scenario with two hundred seeds, and fails the test with
// the first that breaks it: the fewest faults that are needed, and the
// timeline.
//
//	func TestEveryOrderHasALabel(t *testing.T) {
//		memcloud.Explore(t, nil, func(t testing.TB, cloud *memcloud.Cloud) {
//			orders := cloud.Queue("orders", nil)
//			p := &printer{cloud.Table("printed", nil), cloud.Bucket("labels", nil)}
//			cloud.Function("print", lambda.NewHandler(p.handle), memcloud.Trigger(orders))
//			orders.Send("a")
//			orders.Send("b")
//			cloud.Settle()
//			if keys := p.labels.Keys(); !slices.Equal(keys, []string{"a.txt", "b.txt"}) {
//				t.Errorf("labels %q, want one for a and one for b", keys)
//			}
//		})
//	}
//
//	labels ["b.txt"], want one for a and one for b
//	seed 15, after 15 seeds, with one fault: crash-after@print/put/printed#1
//	repeat it with MEMCLOUD_SEED='15:crash-after@print/put/printed#1'
//	...
//
// [Laws] needs no assertion: it compares what the handler leaves behind with
// and without faults.
//
//	func TestPrinterKeepsTheLaws(t *testing.T) {
//		memcloud.Laws(t, newPrinter, memcloud.FromQueue("orders", nil, nil), memcloud.Message{Body: "a"})
//	}
//
//	work is lost: bucket labels, object a.txt is missing after a crash after put printed
//
// Calls of the test itself meet no faults, nor does setting up. A crash ends
// the invocation: its context is cancelled, and what it still calls does
// nothing. What it keeps in variables stays, though, unlike in a process that
// is gone.
//
// # Two kinds of methods
//
// Short methods such as Queue.Send or Bucket.Put are for the test itself:
// wrong use fails the test. A resource or trigger that AWS would refuse to
// make panics: the program is wrong. Methods that take a context bear the names of
// AWS's API and return errors, [*Error] with AWS's code: they are for the
// code under test, behind an interface of yours or behind gocloud's types (see
// package portable). Give them the handler's context. By it the cloud knows
// which invocation calls, and ignores one that has timed out, as Lambda does
// by freezing it.
//
// # Determinism
//
// In a bubble, one program gives one timeline, byte for byte, also when its
// handlers run side by side: calls of one instant are put into an order of
// their own making. Not in the cloud's hands are a handler's own randomness,
// the order in which it walks over maps, and what its goroutines do to each
// other.
//
// # Compatibility
//
// What is simulated follows AWS's documentation and recorded behaviour. Where
// AWS leaves something open, this package chooses the plain way: messages of a
// standard queue come in order and once, notifications at once, a schedule
// ticks at the full minute, and EventBridge retries without jitter. A correct
// handler must not count on it: faults take it back.
//
// A compiled Lambda binary is a function, too, in real time: see package
// bootstrap.
package memcloud
