package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
)

// What handlers promise, with their state in DynamoDB and their messages in
// SQS. The property test of package guarantees has the faults; here are the
// real drivers.
var guardScripts = []script{
	{"guard", guarded},
	{"guardbatch", guardedBatch},
	{"guardlease", guardedLease},
	{"guardkeys", guardedKeys},
	{"guarddo", guardedDo},
}

// A process is a function behind an event source mapping of a queue. The
// mapping is played by hand: it is Lambda's, and neither engine's.
type process struct {
	r       *Run
	q       Queue
	handler interface {
		Invoke(context.Context, []byte) ([]byte, error)
	}
	errs []error // of messages that are not done
}

// start returns a process that runs a router with a handler for orders.
func start(r *Run, q Queue, router *eventfx.Router, h func(ctx context.Context, id string) error) *process {
	p := &process{r: r, q: q}
	router.Observer.Message = func(ctx context.Context, _ string, _ *eventfx.Message) (context.Context, func(error, *eventfx.Dead)) {
		return ctx, func(err error, _ *eventfx.Dead) {
			if err != nil {
				p.errs = append(p.errs, err)
			}
		}
	}
	eventfx.On(router, queue.JSON[struct{ ID string }]{}, func(ctx context.Context, e eventfx.Event[struct{ ID string }]) error {
		return h(ctx, e.Data.ID)
	})
	p.handler = lambdahost.Handler(router, &lambdahost.Options{PartialBatch: true})
	return p
}

// poll has the process handle what there is, and tells what became of it. What
// failed is visible again at once.
func (p *process) poll() string {
	p.r.t.Helper()
	batch := p.r.ReceiveWait(p.q, 10, time.Second)
	if len(batch) == 0 {
		return "nothing"
	}
	records := make([]awspayload.SQSRecord, len(batch))
	for i, m := range batch {
		records[i] = awspayload.SQSRecord{
			MessageID: m.ID, ReceiptHandle: m.Receipt, Body: m.Body, Attributes: m.Attributes, ReceiveCount: m.Receives,
			Sent: m.Sent, FirstReceived: m.FirstReceived, SenderID: "AIDAEXAMPLE", GroupID: m.Group,
			DeduplicationID: m.DeduplicationID, SequenceNumber: m.SequenceNumber, QueueARN: p.q.ARN(), Region: memcloud.Region,
		}
	}
	ctx, cancel := context.WithTimeout(p.r.ctx, time.Minute)
	defer cancel()
	p.errs = nil
	answer, err := p.handler.Invoke(ctx, awspayload.AppendSQSEvent(nil, records))
	var list struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err == nil {
		p.r.Must(json.Unmarshal(answer, &list))
	}
	done, back := 0, 0
	for _, m := range batch {
		failed := slices.ContainsFunc(list.BatchItemFailures, func(f struct{ ItemIdentifier string }) bool { return f.ItemIdentifier == m.ID })
		if err != nil || failed {
			back++
			p.r.Must(p.q.ChangeMessageVisibility(p.r.ctx, m.Receipt, 0))
			continue
		}
		done++
		p.r.Must(p.q.DeleteMessage(p.r.ctx, m.Receipt))
	}
	return fmt.Sprintf("%d done, %d back", done, back)
}

// says reports whether a message of the last poll failed for a reason.
func (p *process) says(target error) bool {
	return slices.ContainsFunc(p.errs, func(err error) bool { return errors.Is(err, target) })
}

// after returns the delay that a message of the last poll asked for.
func (p *process) after() time.Duration {
	for _, err := range p.errs {
		if asked, ok := errors.AsType[*eventfx.RetryAfterError](err); ok {
			return asked.After
		}
	}
	return 0
}

// placed is an order as a CloudEvent: sent again, it is the same event.
func placed(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/shop","type":"order.placed","datacontenttype":"application/json","data":{"id":%q}}`, id, id)
}

// lockItems tells what the guard has in its table, by DynamoDB's own words.
type lockItems struct {
	r     *Run
	table Table
	key   string // of the last record, as the guard's store saw it
	store idempotency.Store
}

func locks(r *Run) *lockItems {
	t := r.Table("locks", nil)
	c := t.Collection()
	r.t.Cleanup(func() { _ = c.Close() }) // memcloud has closed its own by then
	return &lockItems{r: r, table: t, store: idempotency.Collection(c, "")}
}

func (l *lockItems) guard() *idempotency.Guard {
	return &idempotency.Guard{Store: &noting{l, l.store}, Cache: -1}
}

// noting notes the key of the record that was made last.
type noting struct {
	l *lockItems
	idempotency.Store
}

func (s *noting) Create(ctx context.Context, r idempotency.Record) (idempotency.Record, error) {
	s.l.key = r.Key
	return s.Store.Create(ctx, r)
}

// show returns the last record, and how long from now it is kept.
func (l *lockItems) show() string {
	item, err := l.table.GetItem(l.r.ctx, memcloud.Item{"id": l.key})
	l.r.Must(err)
	if item == nil {
		return "no record"
	}
	expires, ok := item["expires"].(json.Number)
	seconds, err := expires.Int64()
	if !ok || err != nil {
		return fmt.Sprintf("expires is the %T %v", item["expires"], item["expires"])
	}
	left := time.Until(time.Unix(seconds, 0))
	return fmt.Sprintf("%v: %v, for %v", item["name"], item["state"], left.Round(time.Minute))
}

func guarded(r *Run) {
	q, l := r.Queue("orders", nil), locks(r)
	var runs []string
	fail := false
	during := func() {}
	handle := func(_ context.Context, id string) error {
		runs = append(runs, id)
		during()
		if fail {
			return errors.New("out of stock")
		}
		return nil
	}
	one := start(r, q, &eventfx.Router{Once: l.guard().Once}, handle)
	two := start(r, q, &eventfx.Router{Once: l.guard().Once}, handle)

	r.Send(q, placed("1"))
	during = func() {
		r.Want("its record while it runs", l.show(), "queue.JSON[struct { ID string }]{} /shop 1: inprogress, for 1m0s")
	}
	r.Want("first", one.poll(), "1 done, 0 back")
	during = func() {}
	r.Want("its record", l.show(), "queue.JSON[struct { ID string }]{} /shop 1: done, for 168h0m0s")
	r.Send(q, placed("1"), placed("1"))
	r.Want("sent twice more", two.poll()+", "+one.poll(), "2 done, 0 back, nothing")
	r.Want("runs", strings.Join(runs, " "), "1")
	r.Want("left", r.Count(q), "0")

	fail = true
	r.Send(q, placed("2"))
	r.Want("a failure", one.poll(), "0 done, 1 back")
	r.Want("is released", l.show(), "no record")
	fail = false
	r.Want("and runs again elsewhere", two.poll(), "1 done, 0 back")
	r.Want("runs then", strings.Join(runs, " "), "1 2 2")

	// A duplicate comes while the first is being handled.
	r.Send(q, placed("3"))
	during = func() {
		during = func() {}
		r.Send(q, placed("3"))
		r.Want("a duplicate in flight", two.poll(), "0 done, 1 back")
		r.Want("for the reason", two.says(idempotency.ErrInProgress), "true")
		r.Want("asks for the rest of the lease", two.after().Round(10*time.Second), "1m0s")
	}
	r.Want("the first", one.poll(), "1 done, 0 back")
	r.Want("the duplicate afterwards", two.poll(), "1 done, 0 back")
	r.Want("runs in the end", strings.Join(runs, " "), "1 2 2 3")
	r.Want("left in the end", r.Count(q), "0")
}

func guardedBatch(r *Run) {
	q, l := r.Queue("orders.fifo", nil), locks(r)
	var runs []string
	fail := "2"
	p := start(r, q, &eventfx.Router{Once: l.guard().Once}, func(_ context.Context, id string) error {
		runs = append(runs, id)
		if id == fail {
			return errors.New("out of stock")
		}
		return nil
	})
	for i, group := range []string{"a", "a", "a", "b"} {
		id := fmt.Sprint(i + 1)
		r.SendMessage(q, memcloud.Message{Body: placed(id), Group: group, DeduplicationID: id})
	}
	r.Want("in part", p.poll(), "2 done, 2 back")
	slices.Sort(runs) // of two groups
	r.Want("runs", strings.Join(runs, " "), "1 2 4")
	fail = ""
	r.Want("the rest", p.poll(), "2 done, 0 back")
	r.Want("runs in the end", strings.Join(runs, " "), "1 2 4 2 3")
	r.Want("left", r.Count(q), "0")
}

func guardedLease(r *Run) {
	q, l := r.Queue("orders", nil), locks(r)
	runs := 0
	var late context.Context
	during := func() {}
	handle := func(ctx context.Context, _ string) error {
		runs++
		late = ctx
		during()
		return nil
	}
	router := func() *eventfx.Router {
		g := l.guard()
		g.Lease = short
		return &eventfx.Router{Once: g.Once}
	}
	one, two := start(r, q, router(), handle), start(r, q, router(), handle)
	r.Send(q, placed("1"))
	during = func() {
		during = func() {}
		first := late
		r.Sleep(short + time.Second) // deaf to its context
		r.Want("the handler's context", first.Err(), "context deadline exceeded")
		r.Send(q, placed("1"))
		r.Want("another takes over", two.poll(), "1 done, 0 back")
	}
	r.Want("the late one", one.poll(), "0 done, 1 back")
	r.Want("for the reason", one.says(idempotency.ErrLateCommit), "true")
	r.Want("afterwards", one.poll(), "1 done, 0 back")
	r.Want("runs", runs, "2")
	r.Want("left", r.Count(q), "0")
	r.Want("its record", l.show(), "queue.JSON[struct { ID string }]{} /shop 1: done, for 168h0m0s")
}

func guardedKeys(r *Run) {
	q, l := r.Queue("orders", nil), locks(r)
	dead := 0
	g := l.guard()
	g.Key = func(m *eventfx.Message) (string, error) {
		var order struct{ Number string }
		err := json.Unmarshal(m.DataEncoded, &order)
		return order.Number, err
	}
	runs := 0
	p := start(r, q, &eventfx.Router{
		Once: g.Once,
		DeadLetter: func(_ context.Context, d *eventfx.Dead) error {
			r.Want("dead", d.Reason, "permanent")
			dead++
			return nil
		},
	}, func(context.Context, string) error { runs++; return nil })
	for i, body := range []string{
		`{"number":"7","id":"a"}`, ` { "number": "7", "id": "a" } `, `{"number":"7","id":"b"}`, `{"number":"8","id":"b"}`,
	} {
		r.Send(q, body)
		r.See(body, p.poll())
		r.Want(body+" was refused", p.says(idempotency.ErrKeyReused), fmt.Sprint(i == 2))
	}
	r.Want("runs", runs, "2")
	r.Want("dead letters", dead, "1")
	r.Want("left", r.Count(q), "0")
}

func guardedDo(r *Run) {
	l := locks(r)
	g := l.guard()
	for i, value := range []any{"receipt", "", false, 0.0, nil, []any{"a", nil}} {
		runs := 0
		for try := range 2 {
			got, err := idempotency.Do(r.ctx, g, fmt.Sprint("charge ", i), func(context.Context) (any, error) {
				runs++
				return value, nil
			})
			r.See(fmt.Sprint("result ", i, " of try ", try), fmt.Sprintf("%#v %v", got, err))
		}
		r.Want(fmt.Sprint("runs ", i), runs, "1")
	}
	fail := errors.New("declined")
	_, err := idempotency.Do(r.ctx, g, "refund", func(context.Context) (string, error) {
		_, inside := idempotency.Do(r.ctx, g, "refund", func(context.Context) (string, error) { return "twice", nil })
		r.Want("while it runs", errors.Is(inside, idempotency.ErrInProgress), "true")
		return "", fail
	})
	r.Want("a failure", errors.Is(err, fail), "true")
	r.Want("is not kept", l.show(), "no record")
}
