package membench

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/aws/aws-lambda-go/events"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// A contender takes messages to a handler.
type contender interface {
	// send sends all bodies, as fast as it can.
	send(bodies []string)
	// wait waits until n messages in all have been handled.
	wait(n int)
	close()
}

// contenders by name. Those that idle hand out nothing: for the memory of what
// is queued.
var contenders = []struct {
	name string
	open func(idle bool) contender
}{
	{"memcloud", openMemcloud},
	{"mempubsub", openMempubsub},
	{"watermill", openWatermill},
}

// body is what is sent.
const body = `{"id":"order-000123","item":"chair"}`

type order struct{ ID, Item string }

// memcloud: a queue with a redrive policy, and a mapping that reads partial
// answers.

type inMemcloud struct {
	cloud   *memcloud.Cloud
	orders  *memcloud.Queue
	handled atomic.Int64
}

func openMemcloud(idle bool) contender {
	m := &inMemcloud{cloud: memcloud.Open(nil)}
	m.orders = m.cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 3})
	if !idle {
		m.cloud.Function("ship", m, memcloud.Trigger(m.orders, &memcloud.Mapping{ReportBatchItemFailures: true}))
	}
	return m
}

// Invoke is the function: it decodes the payload, and each body.
func (m *inMemcloud) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	n, err := decode(payload)
	m.handled.Add(int64(n))
	if err != nil {
		return nil, err
	}
	return json.Marshal(events.SQSEventResponse{})
}

func decode(payload []byte) (int, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return 0, err
	}
	for _, m := range e.Records {
		var o order
		if err := json.Unmarshal([]byte(m.Body), &o); err != nil {
			return 0, err
		}
	}
	return len(e.Records), nil
}

func (m *inMemcloud) send(bodies []string) {
	if len(bodies) == 1 {
		m.orders.Send(bodies[0])
		return
	}
	messages := make([]memcloud.Message, len(bodies))
	for i, b := range bodies {
		messages[i].Body = b
	}
	m.orders.SendBatch(messages...)
}

func (m *inMemcloud) wait(n int) {
	m.cloud.Settle()
	if got := m.handled.Load(); got != int64(n) && n > 0 {
		panic(got)
	}
}

func (m *inMemcloud) close() { m.cloud.Close() }

// A counter tells when enough has been handled.
type counter struct {
	handled atomic.Int64
	wanted  atomic.Int64
	reached chan struct{}
}

func newCounter() counter { return counter{reached: make(chan struct{}, 1)} }

func (c *counter) handle(payload []byte) error {
	var o order
	if err := json.Unmarshal(payload, &o); err != nil {
		return err
	}
	if c.handled.Add(1) == c.wanted.Load() {
		c.reached <- struct{}{}
	}
	return nil
}

// expect is called before the messages are sent.
func (c *counter) expect(n int) { c.wanted.Store(c.handled.Load() + int64(n)) }

// mempubsub: a topic, a subscription, and a loop that receives.

type inMempubsub struct {
	counter
	topic *pubsub.Topic
	sub   *pubsub.Subscription
	stop  context.CancelFunc
	done  chan struct{}
}

func openMempubsub(idle bool) contender {
	m := &inMempubsub{counter: newCounter(), topic: mempubsub.NewTopic(), done: make(chan struct{})}
	m.sub = mempubsub.NewSubscription(m.topic, time.Minute)
	var ctx context.Context
	ctx, m.stop = context.WithCancel(context.Background())
	if idle {
		close(m.done)
		return m
	}
	go func() {
		defer close(m.done)
		for {
			received, err := m.sub.Receive(ctx)
			if err != nil {
				return
			}
			if err := m.handle(received.Body); err != nil {
				panic(err)
			}
			received.Ack()
		}
	}()
	return m
}

func (m *inMempubsub) send(bodies []string) {
	m.expect(len(bodies))
	for _, b := range bodies {
		if err := m.topic.Send(context.Background(), &pubsub.Message{Body: []byte(b)}); err != nil {
			panic(err)
		}
	}
}

func (m *inMempubsub) wait(int) { <-m.reached }

func (m *inMempubsub) close() {
	m.stop()
	<-m.done
	_ = m.sub.Shutdown(context.Background())
	_ = m.topic.Shutdown(context.Background())
	time.Sleep(300 * time.Millisecond) // its receivers sleep for 250 ms, whatever happens
}

// Watermill: a gochannel, and a router with the middlewares that its
// documentation recommends for errors.

type inWatermill struct {
	counter
	channel *gochannel.GoChannel
	router  *message.Router
	done    chan struct{}
}

func openWatermill(idle bool) contender {
	log := watermill.NopLogger{}
	w := &inWatermill{counter: newCounter(), channel: gochannel.NewGoChannel(gochannel.Config{Persistent: idle}, log), done: make(chan struct{})}
	if idle {
		close(w.done)
		return w
	}
	var err error
	if w.router, err = message.NewRouter(message.RouterConfig{}, log); err != nil {
		panic(err)
	}
	poison, err := middleware.PoisonQueue(w.channel, "poison")
	if err != nil {
		panic(err)
	}
	w.router.AddMiddleware(poison, middleware.Retry{MaxRetries: 2, InitialInterval: time.Millisecond}.Middleware)
	w.router.AddConsumerHandler("ship", "orders", w.channel, func(m *message.Message) error { return w.handle(m.Payload) })
	go func() {
		defer close(w.done)
		if err := w.router.Run(context.Background()); err != nil {
			panic(err)
		}
	}()
	<-w.router.Running()
	return w
}

func (w *inWatermill) send(bodies []string) {
	w.expect(len(bodies))
	messages := make([]*message.Message, len(bodies))
	for i, b := range bodies {
		messages[i] = message.NewMessage(watermill.NewUUID(), []byte(b))
	}
	if err := w.channel.Publish("orders", messages...); err != nil {
		panic(err)
	}
}

func (w *inWatermill) wait(int) { <-w.reached }

func (w *inWatermill) close() {
	if w.router != nil {
		_ = w.router.Close()
	}
	_ = w.channel.Close()
	<-w.done
}
