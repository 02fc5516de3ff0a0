// The command aws is the image pipeline as a function on AWS Lambda. It takes
// its resources from the environment, as URLs of gocloud.dev:
//
//	BUCKET_URL        s3://pictures?region=eu-west-1
//	TABLE_URL         dynamodb://images?partition_key=key&region=eu-west-1
//	TOPIC_URL         awssqs://sqs.eu-west-1.amazonaws.com/123456789012/processed?region=eu-west-1
//	                  or awssns:///arn:aws:sns:eu-west-1:123456789012:processed?region=eu-west-1
//	DEAD_LETTERS_URL  as TOPIC_URL
//
// Its triggers are the bucket, for objects created below photos/, the table's
// stream, with new images, and the queue "orders". With
// ReportBatchItemFailures among the FunctionResponseTypes of the latter two,
// set EVENTFX_PARTIAL_BATCH=on beside it.
//
// What the router cannot do is the deployment's part. The bucket calls the
// function asynchronously: Lambda tries twice more what failed, and then needs
// a destination for failures, or the event is lost. A failing mail blocks the
// stream until its mapping gives up: set MaximumRetryAttempts and a destination.
//
//	GOOS=linux GOARCH=arm64 go build -tags lambda.norpc -o bootstrap .
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob"
	"gocloud.dev/docstore"
	_ "gocloud.dev/docstore/awsdynamodb/v2"
	"gocloud.dev/pubsub"
	_ "gocloud.dev/pubsub/awssnssqs"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/pipeline"
	"github.com/eventfx/eventfx-go/examples/imagepipeline/routes"
)

func main() {
	c, err := open(context.Background())
	if err != nil {
		log.Fatal(err) // Lambda shows it as the reason why the function does not start
	}
	lambdahost.Start(routes.New(c.app(), c.deadLetters), &lambdahost.Options{
		Shutdown: []func(context.Context) error{c.close},
	})
}

// A cloud is what the function works with. It is opened once and shared by all
// invocations.
type cloud struct {
	bucket             *blob.Bucket
	images             *docstore.Collection
	topic, deadLetters *pubsub.Topic
}

func open(ctx context.Context) (*cloud, error) {
	c := &cloud{}
	var errs [4]error
	c.bucket, errs[0] = fromEnv(ctx, "BUCKET_URL", blob.OpenBucket)
	c.images, errs[1] = fromEnv(ctx, "TABLE_URL", docstore.OpenCollection)
	c.topic, errs[2] = fromEnv(ctx, "TOPIC_URL", pubsub.OpenTopic)
	c.deadLetters, errs[3] = fromEnv(ctx, "DEAD_LETTERS_URL", pubsub.OpenTopic)
	return c, errors.Join(errs[:]...)
}

// fromEnv opens the resource whose URL is in an environment variable.
func fromEnv[T any](ctx context.Context, name string, open func(context.Context, string) (T, error)) (T, error) {
	var none T
	url := os.Getenv(name)
	if url == "" {
		return none, fmt.Errorf("%s is not set", name)
	}
	opened, err := open(ctx, url)
	if err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	return opened, nil
}

func (c *cloud) app() *pipeline.App {
	publisher := pubsubevents.Publisher{Topic: c.topic, Source: "/imagepipeline"}
	return &pipeline.App{
		Bucket: c.bucket, Images: c.images, Publish: publisher.Publish,
		// Whoever sends mail for the company subscribes to these.
		Send: func(ctx context.Context, m pipeline.Mail) error {
			return publisher.Publish(ctx, pubsubevents.JSON("mail.requested", m))
		},
	}
}

// close sends what waits in the topics.
func (c *cloud) close(ctx context.Context) error {
	return errors.Join(c.topic.Shutdown(ctx), c.deadLetters.Shutdown(ctx))
}
