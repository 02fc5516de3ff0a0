// Package local runs the image pipeline in this process: the functions that
// would run on AWS Lambda, and an in-memory cloud around them that stores,
// notifies, redelivers and keeps dead letters as AWS does.
package local

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/blob"
	"gocloud.dev/docstore"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/pipeline"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/routes"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/samples"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
)

const (
	bucketName  = "pictures"
	tableName   = "images"
	ordersName  = "orders"
	topicName   = "processed"
	deadLetters = "dead-letters"

	// orderAttribute is a message attribute that names the order, so that one
	// whose body cannot be read can be told as well.
	orderAttribute = "order"

	// visibility is how long an order that failed is hidden: short, for who
	// runs the program waits for it.
	visibility = 3 * time.Second
)

// A Pipeline is the whole of it, wired up.
type Pipeline struct {
	Bucket *blob.Bucket
	Images *docstore.Collection

	cloud    *memcloud.Cloud
	pictures *memcloud.Bucket
	function *memcloud.Function // that the bucket calls
	orders   *memcloud.Queue
	events   *memcloud.Queue
	dead     *memcloud.Queue
	timeline *timeline

	mu    sync.Mutex
	steps []*Step
}

// A Step is what came into the pipeline from outside: a picture that was
// stored, or an invocation of a function.
type Step struct {
	Upload  samples.Picture // without a name: none
	Payload []byte          // of an invocation,
	Answer  []byte          // and what the function answered
	Err     error
}

// New makes the pipeline's resources in the cloud.
func New(cloud *memcloud.Cloud) *Pipeline {
	return wire(cloud, &memcloud.Notification{Prefix: pipeline.Photos})
}

func wire(cloud *memcloud.Cloud, uploads *memcloud.Notification) *Pipeline {
	images := cloud.Table(tableName, &memcloud.TableOptions{Key: "key", Stream: memcloud.NewAndOldImages})
	p := &Pipeline{
		cloud:    cloud,
		pictures: cloud.Bucket(bucketName, nil),
		orders:   cloud.Queue(ordersName, &memcloud.QueueOptions{Visibility: visibility}),
		events:   cloud.Queue(topicName, nil),
		dead:     cloud.Queue(deadLetters, nil),
		timeline: newTimeline(),
	}
	p.Bucket, p.Images = portable.Bucket(p.pictures), portable.Collection(images, nil)

	publisher := pubsubevents.Publisher{Topic: portable.Topic(p.events)}
	app := &pipeline.App{
		Bucket: p.Bucket, Images: p.Images, Log: slog.New(p.timeline),
		Publish: func(ctx context.Context, e event.Event) error {
			l := p.timeline.add(p.timeline.picture(e.Subject()), "publish", e.Type(), "in queue "+topicName)
			err := publisher.Publish(ctx, e)
			if err != nil {
				p.timeline.change(func() { l.end(err) })
			}
			return err
		},
		Send: func(ctx context.Context, m pipeline.Mail) error {
			if l, ok := ctx.Value(lineKey{}).(*line); ok {
				p.timeline.change(func() { l.what += ": mail to " + m.To })
			}
			return nil
		},
	}
	router := routes.New(app, portable.Topic(p.dead))
	router.Observer = p.timeline.observer()
	handler := p.keep(lambdahost.Handler(router, &lambdahost.Options{PartialBatch: true}))

	mapping := &memcloud.Mapping{ReportBatchItemFailures: true}
	p.function = cloud.Function("pictures", handler, &memcloud.FunctionOptions{Timeout: time.Minute},
		memcloud.Trigger(p.pictures, uploads), memcloud.Trigger(images, mapping))
	cloud.Function("orders", handler, &memcloud.FunctionOptions{Timeout: visibility},
		memcloud.Trigger(p.orders, mapping))
	return p
}

// keep keeps a record of what a handler does.
func (p *Pipeline) keep(next lambda.Handler) lambda.Handler {
	return handlerFunc(func(ctx context.Context, payload []byte) (answer []byte, err error) {
		step := p.step(&Step{Payload: bytes.Clone(payload)})
		answer, err = next.Invoke(ctx, payload)
		p.mu.Lock()
		step.Answer, step.Err = answer, err
		p.mu.Unlock()
		return answer, err
	})
}

func (p *Pipeline) step(s *Step) *Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, s)
	return s
}

type handlerFunc func(context.Context, []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// Steps returns what came in so far, in order. Read it when the cloud rests.
func (p *Pipeline) Steps() []*Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.steps)
}

// Published returns the events in the queue of the topic, as they were sent.
func (p *Pipeline) Published() []string { return bodies(p.events) }

// DeadLetters returns the dead letters.
func (p *Pipeline) DeadLetters() []*deadletter.Letter {
	var letters []*deadletter.Letter
	for _, m := range p.dead.Messages() {
		sent := &pubsub.Message{LoggableID: m.ID, Body: []byte(m.Body), Metadata: map[string]string{}}
		for name, a := range m.Attributes {
			sent.Metadata[name], _ = url.PathUnescape(a.Value) // gocloud's drivers escape values
		}
		letters = append(letters, deadletter.Read(sent))
	}
	return letters
}

func bodies(q *memcloud.Queue) []string {
	var bodies []string
	for _, m := range q.Messages() {
		bodies = append(bodies, m.Body)
	}
	return bodies
}

// Play stores pictures and sends orders, and returns when nothing more is
// going to happen, or with an error when ctx is done and the cloud closed.
func (p *Pipeline) Play(ctx context.Context) error {
	pictures := samples.All()
	p.timeline.begin() // making them took a while
	for i, picture := range pictures {
		p.timeline.name(pipeline.Photos+picture.Name, fmt.Sprintf("p%d", i+1))
	}
	const late = 3 // this picture is ordered before it comes
	calls := map[int][]byte{}
	for i, picture := range pictures {
		if i == late {
			continue
		}
		before := len(p.Steps())
		if err := p.upload(ctx, picture); err != nil {
			return err
		}
		if err := p.rest(ctx); err != nil {
			return err
		}
		calls[i] = p.Steps()[before+1].Payload // behind the upload
	}

	// A second picture under the name of one that is there, and then the events
	// of before once more: S3 delivers at least once, and in any order.
	if err := p.upload(ctx, samples.Picture{Name: pictures[1].Name, Data: samples.Turned()}); err != nil {
		return err
	}
	if err := p.rest(ctx); err != nil {
		return err
	}
	for _, i := range []int{1, 0, 0} {
		p.function.Send(calls[i])
		if err := p.rest(ctx); err != nil {
			return err
		}
	}

	p.order(
		`{"id":"o1","picture":"dunes.jpg","copies":2}`,
		`{"id":"o2","picture":"scan 50%2F50.png","copies":5}`,
		`{"id":"o3","picture":"broken.jpg","copies":1}`,
		`{"id":"o4","picture":"dunes.jp`,
	)
	p.cloud.Advance(time.Second)
	if err := p.upload(ctx, pictures[late]); err != nil {
		return err
	}
	p.cloud.Settle()
	return ctx.Err()
}

// rest waits until nothing more is going to happen, and a moment longer, which
// tells one thing from the next in the timeline.
func (p *Pipeline) rest(ctx context.Context) error {
	p.cloud.Settle()
	p.cloud.Advance(100 * time.Millisecond)
	return ctx.Err() // nothing happens in a cloud that is closed
}

func (p *Pipeline) upload(ctx context.Context, picture samples.Picture) error {
	key := pipeline.Photos + picture.Name
	p.timeline.add(p.timeline.picture(key), "upload", fmt.Sprintf("%s, %s", picture.Name, size(len(picture.Data))), "in bucket "+bucketName)
	p.step(&Step{Upload: picture})
	return Upload(ctx, p.Bucket, picture)
}

// Upload stores a picture as its owner would.
func Upload(ctx context.Context, bucket *blob.Bucket, picture samples.Picture) error {
	return bucket.WriteAll(ctx, pipeline.Photos+picture.Name, picture.Data, &blob.WriterOptions{
		Metadata: map[string]string{"owner": "ada@example.com"},
	})
}

// order sends orders together, so that they arrive in one batch.
func (p *Pipeline) order(bodies ...string) {
	var messages []memcloud.Message
	for i, body := range bodies {
		id := fmt.Sprintf("o%d", i+1)
		p.timeline.add(id, "order", body, "sent")
		messages = append(messages, memcloud.Message{
			Body:       body,
			Attributes: map[string]memcloud.Attribute{orderAttribute: {Type: "String", Value: id}},
		})
	}
	p.orders.SendBatch(messages...)
}

func size(bytes int) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%d kB", (bytes+500)/1000)
}
