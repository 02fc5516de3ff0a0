package pubsubevents_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/eventfx"
)

// A handler publishes an event about what it did. Whoever receives that event
// can tell what caused it.
func Example() {
	ctx := context.Background()
	topic := mempubsub.NewTopic()
	sub := mempubsub.NewSubscription(topic, time.Minute)
	defer topic.Shutdown(ctx)
	defer sub.Shutdown(ctx)

	type Image struct{ Key string }
	images := &pubsubevents.Publisher{Topic: topic, Source: "/thumbnailer"}
	router := &eventfx.Router{
		Default: func(ctx context.Context, d *eventfx.Delivery) error {
			return images.Publish(ctx, pubsubevents.JSON("image.processed", Image{Key: d.Messages[0].Subject()}))
		},
	}

	uploaded := event.New()
	uploaded.SetID("upload-1")
	uploaded.SetSource("/uploads")
	uploaded.SetType("object.uploaded")
	uploaded.SetSubject("cat.jpg")
	router.Deliver(ctx, []*eventfx.Message{{Event: uploaded}})

	received, err := sub.Receive(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	received.Ack()
	m, err := pubsubevents.Decode(received)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Type(), "from", m.Source(), "because of", m.Extensions()["causationid"])
	fmt.Println(string(m.Data()))

	// Output:
	// image.processed from /thumbnailer because of upload-1
	// {"Key":"cat.jpg"}
}
