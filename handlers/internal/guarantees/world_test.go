package guarantees_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/eventfx/object"
	"github.com/eventfx/eventfx-go/eventfx/queue"
	"github.com/eventfx/eventfx-go/eventfx/table"
	"github.com/eventfx/eventfx-go/handlers/claimcheck"
	"github.com/eventfx/eventfx-go/handlers/idempotency"
)

// A plan is what a seed chooses, the faults apart.
type plan struct {
	guard      bool
	lease      time.Duration // Guard.Lease
	unguarded  bool          // Guard.RunUnguarded
	ownKey     bool          // Guard.Key of its own, which the data names
	cache      int           // Guard.Cache
	removes    bool          // claims are deleted when their message is done
	bucketSink bool          // dead letters go to a bucket, not to a queue
	batched    bool          // queues have batch handlers
	retry      eventfx.Retry
	timeout    eventfx.Timeout
	together   int // Router.Concurrency
}

func newPlan(r *rand.Rand) plan {
	p := plan{
		guard: r.IntN(4) > 0, ownKey: r.IntN(3) == 0, bucketSink: r.IntN(2) == 0, batched: r.IntN(3) == 0,
		retry:    eventfx.Retry{Attempts: 1 + r.IntN(3), Deliveries: []int{0, 1, 3}[r.IntN(3)]},
		together: r.IntN(5),
	}
	if p.guard {
		p.lease = []time.Duration{0, 5 * time.Second, 8 * time.Second}[r.IntN(3)]
		p.unguarded = r.IntN(6) == 0
		p.cache = []int{-1, 0}[r.IntN(2)]
		p.removes = !p.unguarded && !p.ownKey && r.IntN(2) == 0
	}
	if r.IntN(3) == 0 {
		p.timeout = eventfx.Timeout(time.Duration(1+r.IntN(5)) * time.Second)
	}
	return p
}

// A unit is a piece of work: what must be handled, or kept, whatever happens.
type unit struct {
	id     string // part of all that is sent for it
	source string // what delivers it
	key    string // by which Guard.Key knows it
	after  *unit  // the one before it in its group or item; nil: none
	twin   bool   // it is sent in two messages
	claim  string // what is sent when its data is in the claims bucket; "": the data is
	life
}

// data is what is sent for the unit.
func (u *unit) data() string {
	return fmt.Sprintf(`{"unit":%q,"key":%q}`, u.id, u.key)
}

// The names of resources. Each source has a route.
const (
	ordersQueue  = "orders"
	ledgerQueue  = "ledger.fifo"
	usersTable   = "users"
	uploadBucket = "uploads"
	newsTopic    = "news"
	worker       = "work"
	locksTable   = "locks"
	effectsTable = "effects"
	claimsBucket = "claims"
	lettersName  = "letters" // the queue, or the bucket, of dead letters
)

const workerTimeout = 20 * time.Second

// world is a scenario at work.
type world struct {
	t     testing.TB
	cloud *memcloud.Cloud
	plan  plan
	seed  uint64 // of what handlers do
	units map[string]*unit
	order []*unit

	orders, ledger    *memcloud.Queue
	undelivered       *memcloud.Queue // AWS's own, of the function
	letters           *memcloud.Queue
	letterBucket      *memcloud.Bucket
	effects, users    *memcloud.Table
	claims            *memcloud.Bucket
	uploads           *memcloud.Bucket
	news              *memcloud.Topic
	portableClaims    *blob.Bucket
	routes            *eventfx.Router
	host              memcloud.Handler
	oracle            oracle
	claimsDeposit     *claimcheck.Claims
	operations        []operation // of spies, for the faults
	visits            []*visit
	mended            bool // what made handlers fail is gone; guarded by oracle.mu
	replayed          int  // letters that were sent again
	unsent            bool // each replay met a fault
	tookOver, tooLate int  // leases, by the store's and the guard's word
}

// scenario plays one seed, and adds what happened to the census.
func scenario(c *census) memcloud.Scenario {
	return func(t testing.TB, cloud *memcloud.Cloud) {
		w := newWorld(t, cloud)
		w.send()
		cloud.Advance(7 * time.Second) // leases of 5 s are over, and slow handlers still run
		w.sendTwins()
		cloud.Settle()
		time.Sleep(time.Minute) // handlers that nobody waits for come to their end
		w.judge()
		w.replay()
		w.judgeReplay()
		c.add(w)
	}
}

// seedOf returns a number that differs from seed to seed: ids do.
func seedOf(cloud *memcloud.Cloud) uint64 {
	q := cloud.Queue("seed", nil)
	q.Send("x")
	h := fnv.New64a()
	h.Write([]byte(q.Messages()[0].ID))
	return h.Sum64()
}

func newWorld(t testing.TB, cloud *memcloud.Cloud) *world {
	seed := seedOf(cloud)
	w := &world{
		t: t, cloud: cloud, seed: seed, units: map[string]*unit{},
		plan: newPlan(rand.New(rand.NewPCG(seed, 1))),

		orders:      cloud.Queue(ordersQueue, &memcloud.QueueOptions{MaxReceives: 25}),
		ledger:      cloud.Queue(ledgerQueue, &memcloud.QueueOptions{MaxReceives: 25}),
		undelivered: cloud.Queue("undelivered", nil),
		letters:     cloud.Queue(lettersName, nil),
		effects:     cloud.Table(effectsTable, &memcloud.TableOptions{Sort: "run"}),
		users:       cloud.Table(usersTable, &memcloud.TableOptions{Stream: memcloud.NewImage}),
		claims:      cloud.Bucket(claimsBucket, nil),
		uploads:     cloud.Bucket(uploadBucket, nil),
		news:        cloud.Topic(newsTopic),
	}
	w.letterBucket = cloud.Bucket("letterbox", nil)
	w.oracle.world, w.oracle.committed = w, map[string]bool{}
	w.portableClaims = portable.Bucket(w.claims)
	w.claimsDeposit = &claimcheck.Claims{Bucket: w.portableClaims, URL: "s3://" + claimsBucket, Threshold: 1}
	w.routes = w.router()
	w.host = lambdahost.Handler(w.routes, &lambdahost.Options{PartialBatch: true})
	reports := &memcloud.Mapping{ReportBatchItemFailures: true}
	cloud.Function(worker, w,
		&memcloud.FunctionOptions{Timeout: workerTimeout, DeadLetter: w.undelivered},
		memcloud.Trigger(w.orders, reports), memcloud.Trigger(w.ledger, reports),
		memcloud.Trigger(w.users, &memcloud.Mapping{ReportBatchItemFailures: true, BatchSize: 3}),
		memcloud.Trigger(w.uploads, &memcloud.Notification{}), memcloud.Trigger(w.news))
	return w
}

type order struct{ Unit, Key string }

type user struct {
	ID   string `json:"id"`
	Unit string `json:"unit"`
}

// router is what is tested.
func (w *world) router() *eventfx.Router {
	p := w.plan
	r := &eventfx.Router{
		Retry: p.retry, Timeout: p.timeout, DeadLetter: w.deadLetter(), Concurrency: p.together,
		Observer: w.oracle.observer(),
	}
	claims := &claimcheck.Claims{Allow: map[string]*blob.Bucket{"s3://" + claimsBucket: w.portableClaims}}
	var once eventfx.Once
	if p.guard {
		locks := portable.Collection(w.cloud.Table(locksTable, &memcloud.TableOptions{TTL: "expires"}), nil)
		g := &idempotency.Guard{
			Store: &spyStore{w, idempotency.Collection(locks, "")},
			Lease: p.lease, RunUnguarded: p.unguarded, Cache: p.cache,
		}
		if p.ownKey {
			g.Key = keyOf
		}
		once = w.oracle.watch(g.Once)
		r.Once = once
	}
	options := []eventfx.RouteOption{eventfx.Middleware(claims.Fetch)}
	if p.removes {
		options = append(options, claims.Once(once))
	}
	on(w, r, queue.JSON[order]{Queue: ordersQueue}, p.batched, options...)
	on(w, r, queue.JSON[order]{Queue: ledgerQueue}, p.batched)
	// These sources do not count their deliveries.
	p.retry.Deliveries = 1
	on(w, r, table.Any[user]{Table: usersTable}, p.batched, p.retry)
	on(w, r, object.Created{Bucket: uploadBucket}, false)
	on(w, r, queue.JSON[order]{Queue: newsTopic}, false, p.retry)
	return r
}

// on registers a handler, for one message or for a batch.
func on[T any](w *world, r *eventfx.Router, src eventfx.Source[T], batched bool, options ...eventfx.RouteOption) {
	route := src.String()
	if !batched {
		eventfx.On(r, src, func(ctx context.Context, e eventfx.Event[T]) error {
			err := w.handle(ctx, route, e.Message)
			if err == nil {
				w.oracle.handled(ctx, e.Message)
			}
			return err
		}, options...)
		return
	}
	eventfx.OnBatch(r, src, func(ctx context.Context, b *eventfx.Batch[T]) error {
		var done []*eventfx.Message
		for e := range b.All() {
			if err := w.handle(ctx, route, e.Message); err != nil {
				b.Fail(e, err)
				if e.Group != "" {
					break
				}
				continue
			}
			w.oracle.passed(ctx, e.Message)
			done = append(done, e.Message)
		}
		w.oracle.handled(ctx, done...) // a panic before fails them all
		return nil
	}, options...)
}

// keyOf is a Guard.Key: a client's number for an order.
func keyOf(m *eventfx.Message) (string, error) {
	if m.Type() == "order.placed" {
		return m.ID(), nil
	}
	_, rest, ok := strings.Cut(string(m.DataEncoded), `"key":"`)
	if !ok {
		return m.Source() + " " + m.ID(), nil
	}
	key, _, _ := strings.Cut(rest, `"`)
	return key, nil
}

func (w *world) add(source string, after *unit) *unit {
	u := &unit{id: fmt.Sprintf("u-%03d", len(w.order)), source: source, after: after}
	u.key = "order " + u.id[2:] // not the id: units are looked for in texts
	w.units[u.id] = u
	w.order = append(w.order, u)
	return u
}

// send sends all work once. What is sent is planned before the first is: what
// has come is being handled.
func (w *world) send() {
	var sends []func()
	plan := func(source string, after *unit, send func(u *unit)) *unit {
		u := w.add(source, after)
		sends = append(sends, func() { send(u) })
		return u
	}
	plain := func(u *unit) { w.orders.Send(u.data()) }
	var last *unit
	for i := range 4 {
		u := plan(ordersQueue, nil, plain)
		u.twin = w.plan.ownKey && i < 2
		if i == 3 { // another order under the number of the one before
			u.key = last.key
		}
		last = u
	}
	for range 2 {
		u := plan(ordersQueue, nil, func(u *unit) { w.orders.Send(u.claim) })
		u.twin = true // the producer sends it again
		u.claim = w.claimed(u)
	}
	groups := map[string]*unit{}
	for i := range 5 {
		group := []string{"a", "b"}[i%2]
		groups[group] = plan(ledgerQueue, groups[group], func(u *unit) {
			w.ledger.SendBatch(memcloud.Message{Body: u.data(), Group: group, DeduplicationID: u.id})
		})
	}
	items := map[string]*unit{}
	for i := range 5 {
		id := []string{"ann", "bob"}[i%2]
		items[id] = plan(usersTable, items[id], func(u *unit) { w.users.Put(memcloud.Item{"id": id, "unit": u.id}) })
	}
	for range 2 {
		plan(uploadBucket, nil, func(u *unit) { w.uploads.Put(u.id+".jpg", []byte("x")) })
		plan(newsTopic, nil, func(u *unit) { w.news.Send(u.data()) })
	}
	for _, send := range sends {
		send()
	}
}

// sendTwins sends some work again.
func (w *world) sendTwins() {
	for _, u := range w.order {
		switch {
		case u.twin && u.claim != "":
			w.orders.Send(u.claim)
		case u.twin:
			w.orders.Send(u.data())
		}
	}
}

const largeData = 3000

// claimed returns the message of a unit whose data is in a bucket.
func (w *world) claimed(u *unit) string {
	e := event.New()
	e.SetID(u.id)
	e.SetSource("/shop")
	e.SetType("order.placed")
	data := fmt.Sprintf(`{"unit":%q,"key":%q,"padding":%q}`, u.id, u.key, strings.Repeat("x", largeData))
	if err := e.SetData(event.ApplicationJSON, []byte(data)); err != nil {
		w.t.Fatal(err)
	}
	for {
		deposited, err := w.claimsDeposit.Deposit(context.Background(), e)
		if err != nil {
			continue // a fault: the producer tries again
		}
		body, err := deposited.MarshalJSON()
		if err != nil {
			w.t.Fatal(err)
		}
		return string(body)
	}
}

// unitOf returns the unit that a message, or a letter, is about.
func (w *world) unitOf(texts ...string) *unit {
	for _, text := range texts {
		for at := strings.Index(text, "u-"); at >= 0; {
			if at+5 <= len(text) {
				if u := w.units[text[at:at+5]]; u != nil {
					return u
				}
			}
			next := strings.Index(text[at+1:], "u-")
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return nil
}

func (w *world) unitOfMessage(m *eventfx.Message) *unit {
	u := w.unitOf(string(m.DataEncoded), m.Subject(), m.ID())
	if u == nil {
		w.t.Errorf("a message of no unit: %s", m)
		return &unit{}
	}
	return u
}

var (
	errTransient = errors.New("a transient failure")
	errPoison    = errors.New("it is poison")
)

// draw returns a number below 100 that belongs to the seed and the names.
func (w *world) draw(names ...any) int {
	h := fnv.New64a()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], w.seed)
	h.Write(b[:])
	fmt.Fprint(h, names...)
	return int(h.Sum64() >> 33 % 100)
}

// handle is the handler of all routes.
func (w *world) handle(ctx context.Context, route string, m *eventfx.Message) error {
	if ctx.Err() != nil {
		return ctx.Err() // the process is gone: this is no run
	}
	u := w.unitOfMessage(m)
	if u.claim != "" && len(m.DataEncoded) < largeData {
		w.t.Errorf("%s came without its data: %q", u.id, m.DataEncoded)
	}
	n, mended := w.oracle.begin(ctx, route, m, u)
	err := w.effect(ctx, u, n)
	w.oracle.tried(u, err)
	if err != nil || mended {
		return err
	}
	switch nature := w.draw("nature", u.id); {
	case nature < 12:
		return eventfx.Permanent(errPoison)
	case nature < 22:
		return errPoison // for ever
	case n > 3:
		return nil
	}
	switch mood := w.draw("mood", u.id, n); {
	case mood < 12:
		return errTransient
	case mood < 17:
		panic("a panic of the handler")
	case mood < 22:
		return eventfx.RetryAfter(errTransient, 2*time.Second)
	case mood < 30:
		time.Sleep(2 * time.Second)
		return w.effect(ctx, u, n+1000)
	case mood < 40: // deaf to its context
		time.Sleep(11 * time.Second)
		if mood < 35 {
			return errTransient
		}
		return nil
	case mood < 43:
		time.Sleep(workerTimeout + time.Second) // beyond all limits
		return nil
	case mood < 47:
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// effect is what the handler is for.
func (w *world) effect(ctx context.Context, u *unit, n int) error {
	defer w.operation("effect")()
	return w.effects.PutItem(ctx, memcloud.Item{"id": u.id, "run": fmt.Sprint(n)})
}
