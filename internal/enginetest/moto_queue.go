package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/awssnssqs"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

// motoQueue is a queue of SQS, as moto plays it.
type motoQueue struct {
	moto *moto
	name string
	url  *string
	dead *motoQueue
}

func (m *moto) queue(name string, o *memcloud.QueueOptions) (Queue, error) {
	return m.newQueue(name, o)
}

func (m *moto) newQueue(name string, o *memcloud.QueueOptions) (*motoQueue, error) {
	if o == nil {
		o = &memcloud.QueueOptions{}
	}
	q := &motoQueue{moto: m, name: name}
	fifo := strings.HasSuffix(name, ".fifo")
	attributes := map[string]string{}
	set := func(name string, value any, given bool) {
		if given {
			attributes[name] = fmt.Sprint(value)
		}
	}
	set("FifoQueue", true, fifo)
	set("ContentBasedDeduplication", true, o.ContentBasedDeduplication)
	set("VisibilityTimeout", int(o.Visibility.Seconds()), o.Visibility != 0)
	set("DelaySeconds", int(o.Delay.Seconds()), o.Delay != 0)
	set("MessageRetentionPeriod", int(o.Retention.Seconds()), o.Retention != 0)
	if o.MaxReceives != 0 {
		dead := name + "-dlq"
		if fifo {
			dead = strings.TrimSuffix(name, ".fifo") + "-dlq.fifo"
		}
		var err error
		if q.dead, err = m.newQueue(dead, nil); err != nil {
			return nil, err
		}
		policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": q.dead.ARN(), "maxReceiveCount": o.MaxReceives})
		if err != nil {
			return nil, err
		}
		attributes["RedrivePolicy"] = string(policy)
	}
	made, err := m.sqs.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return nil, err
	}
	q.url = made.QueueUrl
	return q, nil
}

func (q *motoQueue) ARN() string {
	return "arn:aws:sqs:" + memcloud.Region + ":" + memcloud.Account + ":" + q.name
}

func (q *motoQueue) Dead() Queue { return q.dead }

func (q *motoQueue) Publisher() *pubsub.Topic {
	return awssnssqs.OpenSQSTopic(context.Background(), q.moto.sqs, *q.url, nil)
}

func (q *motoQueue) Subscription() *pubsub.Subscription {
	return awssnssqs.OpenSubscription(context.Background(), q.moto.sqs, *q.url, &awssnssqs.SubscriptionOptions{WaitTime: time.Second})
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (q *motoQueue) SendMessage(ctx context.Context, m memcloud.Message) (string, error) {
	input := &sqs.SendMessageInput{
		QueueUrl: q.url, MessageBody: &m.Body, DelaySeconds: int32(m.Delay / time.Second),
		MessageGroupId: optional(m.Group), MessageDeduplicationId: optional(m.DeduplicationID),
	}
	for name, a := range m.Attributes {
		if input.MessageAttributes == nil {
			input.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		input.MessageAttributes[name] = types.MessageAttributeValue{DataType: &a.Type, StringValue: optional(a.Value), BinaryValue: a.Binary}
	}
	if m.TraceHeader != "" {
		input.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &m.TraceHeader},
		}
	}
	sent, err := q.moto.sqs.SendMessage(ctx, input)
	if err != nil {
		return "", err
	}
	return *sent.MessageId, nil
}

func (q *motoQueue) SendMessageBatch(ctx context.Context, messages []memcloud.Message) ([]memcloud.SendResult, error) {
	input := &sqs.SendMessageBatchInput{QueueUrl: q.url}
	for i, m := range messages {
		input.Entries = append(input.Entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &m.Body, DelaySeconds: int32(m.Delay / time.Second),
			MessageGroupId: optional(m.Group), MessageDeduplicationId: optional(m.DeduplicationID),
		})
	}
	answer, err := q.moto.sqs.SendMessageBatch(ctx, input)
	if err != nil {
		return nil, err
	}
	results := make([]memcloud.SendResult, len(messages))
	for _, s := range answer.Successful {
		i, _ := strconv.Atoi(*s.Id)
		results[i].ID = *s.MessageId
	}
	for _, f := range answer.Failed {
		i, _ := strconv.Atoi(*f.Id)
		results[i].Err = &memcloud.Error{Resource: q.name, Code: *f.Code, Message: aws.ToString(f.Message)}
	}
	return results, nil
}

func (q *motoQueue) ReceiveMessage(ctx context.Context, limit int, wait time.Duration) ([]memcloud.Message, error) {
	received, err := q.moto.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: q.url, MaxNumberOfMessages: int32(limit), WaitTimeSeconds: int32(wait / time.Second),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, err
	}
	var messages []memcloud.Message
	for _, r := range received.Messages {
		m := memcloud.Message{
			Body: *r.Body, ID: *r.MessageId, Receipt: *r.ReceiptHandle,
			Group: r.Attributes["MessageGroupId"], DeduplicationID: r.Attributes["MessageDeduplicationId"],
			SequenceNumber: r.Attributes["SequenceNumber"], TraceHeader: r.Attributes["AWSTraceHeader"],
			Source: r.Attributes["DeadLetterQueueSourceArn"],
			Sent:   instant(r.Attributes["SentTimestamp"]), FirstReceived: instant(r.Attributes["ApproximateFirstReceiveTimestamp"]),
		}
		if m.Receives, err = strconv.Atoi(r.Attributes["ApproximateReceiveCount"]); err != nil {
			return nil, err
		}
		for name, a := range r.MessageAttributes {
			if m.Attributes == nil {
				m.Attributes = map[string]memcloud.Attribute{}
			}
			m.Attributes[name] = memcloud.Attribute{Type: aws.ToString(a.DataType), Value: aws.ToString(a.StringValue), Binary: a.BinaryValue}
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// instant reads a time in milliseconds.
func instant(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func (q *motoQueue) DeleteMessage(ctx context.Context, receipt string) error {
	_, err := q.moto.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: q.url, ReceiptHandle: &receipt})
	return err
}

func (q *motoQueue) DeleteMessageBatch(ctx context.Context, receipts ...string) []error {
	input := &sqs.DeleteMessageBatchInput{QueueUrl: q.url}
	for i, receipt := range receipts {
		input.Entries = append(input.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &receipt})
	}
	errs := make([]error, len(receipts))
	answer, err := q.moto.sqs.DeleteMessageBatch(ctx, input)
	for i := range errs {
		errs[i] = err
	}
	if err == nil {
		for _, f := range answer.Failed {
			i, _ := strconv.Atoi(*f.Id)
			errs[i] = &memcloud.Error{Resource: q.name, Code: *f.Code, Message: aws.ToString(f.Message)}
		}
	}
	return errs
}

func (q *motoQueue) ChangeMessageVisibility(ctx context.Context, receipt string, d time.Duration) error {
	_, err := q.moto.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: q.url, ReceiptHandle: &receipt, VisibilityTimeout: int32(d / time.Second),
	})
	return err
}

func (q *motoQueue) Count(ctx context.Context) (int, error) {
	got, err := q.moto.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: q.url, AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		},
	})
	if err != nil {
		return 0, err
	}
	sum := 0
	for s := range maps.Values(got.Attributes) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// motoTopic is a topic of SNS, as moto plays it.
type motoTopic struct {
	moto *moto
	arn  *string
}

func (m *moto) topic(name string) (Topic, error) {
	made, err := m.sns.CreateTopic(context.Background(), &sns.CreateTopicInput{Name: &name})
	if err != nil {
		return nil, err
	}
	return &motoTopic{m, made.TopicArn}, nil
}

func (t *motoTopic) ARN() string { return *t.arn }

func (t *motoTopic) Publish(ctx context.Context, n memcloud.Notice) (string, error) {
	input := &sns.PublishInput{TopicArn: t.arn, Message: &n.Message, Subject: optional(n.Subject)}
	for name, a := range n.Attributes {
		if input.MessageAttributes == nil {
			input.MessageAttributes = map[string]snstypes.MessageAttributeValue{}
		}
		input.MessageAttributes[name] = snstypes.MessageAttributeValue{DataType: &a.Type, StringValue: optional(a.Value), BinaryValue: a.Binary}
	}
	published, err := t.moto.sns.Publish(ctx, input)
	if err != nil {
		return "", err
	}
	return *published.MessageId, nil
}

func (t *motoTopic) Subscribe(q Queue, raw bool) error {
	_, err := t.moto.sns.Subscribe(context.Background(), &sns.SubscribeInput{
		TopicArn: t.arn, Protocol: aws.String("sqs"), Endpoint: aws.String(q.ARN()),
		Attributes: map[string]string{"RawMessageDelivery": strconv.FormatBool(raw)},
	})
	return err
}

func (t *motoTopic) Publisher() *pubsub.Topic {
	return awssnssqs.OpenSNSTopic(context.Background(), t.moto.sns, *t.arn, nil)
}
