package main

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
)

// A document is a payload that a queue or a topic can carry, too.
type document struct {
	name, about string
	flags       []string
	build       func(s *sampler, i int) ([]byte, error) // the i-th of a batch, from 0
}

var (
	s3Flags   = []string{"bucket", "key", "event", "size", "version-id"}
	bodyFlags = []string{"body", "body-file"}
	sqsFlags  = []string{"queue", "attribute", "receives", "dead-letter-of", "count"}
	snsFlags  = []string{"topic", "subject", "attribute"}
	fifoFlags = append([]string{"group", "deduplication"}, sqsFlags...)
	itemFlags = []string{"table", "item", "keys", "count"}
)

var documents = []document{
	{"s3", "a notification of a bucket", append([]string{"count"}, s3Flags...), (*sampler).s3},
	{"s3-test", "what S3 sends when a notification is set up", []string{"bucket"}, (*sampler).s3Test},
	{"s3-eventbridge", "what a bucket tells EventBridge", s3Flags, (*sampler).s3EventBridge},
	{"eventbridge", "an event of a bus, its detail the body", append([]string{"source", "type"}, bodyFlags...), (*sampler).eventBridge},
	{"schedule", "a tick of a rule", []string{"name"}, (*sampler).schedule},
	{"scheduler", "a tick of EventBridge Scheduler, without an input", []string{"name"}, (*sampler).scheduler},
	{"scheduler-input", "one whose input names the schedule, and has the body", append([]string{"name"}, bodyFlags...), (*sampler).schedulerInput},
	{"sns-envelope", "a notification as a topic posts it over HTTP", append(snsFlags, bodyFlags...), (*sampler).snsEnvelope},
	{"cloudevent", "a CloudEvent, its data the body", append([]string{"source", "type", "subject"}, bodyFlags...), (*sampler).cloudEvent},
	{"lambda-destination", "an event that a function failed to handle: a bucket's, or the body", append(append([]string{"function"}, s3Flags...), bodyFlags...), (*sampler).destination},
}

func (d document) kind() kind {
	return kind{d.name, d.about, d.flags, func(s *sampler) ([]byte, error) {
		if d.name == "s3" {
			return s.s3Records(0, s.count)
		}
		return d.build(s, 0)
	}}
}

// carriers are what can be around a document.
var carriers = []string{"-in-sqs", "-in-sqs-fifo", "-in-sns", "-in-sns-in-sqs"}

// carriedBy returns the kind of the document in a carrier.
func (d document) carriedBy(carrier string) kind {
	flags := slices.DeleteFunc(slices.Clone(d.flags), func(f string) bool { return f == "count" })
	k := kind{name: d.name + carrier}
	switch carrier {
	case "-in-sqs", "-in-sqs-fifo":
		k.about = d.about + ", in a queue"
		k.flags = append(flags, sqsFlags...)
		if carrier == "-in-sqs-fifo" {
			k.flags = append(flags, fifoFlags...)
		}
		k.build = func(s *sampler) ([]byte, error) {
			return s.messages(carrier == "-in-sqs-fifo", s.userAttributes, d.build)
		}
	case "-in-sns":
		k.about = d.about + ", in a topic"
		k.flags = append(flags, snsFlags...)
		k.build = func(s *sampler) ([]byte, error) {
			n, err := s.notification(d.build, 0)
			return awspayload.AppendSNSEvent(nil, n), err
		}
	case "-in-sns-in-sqs":
		k.about = d.about + ", in a topic, in a queue"
		k.flags = append(append(flags, snsFlags...), sqsFlags...)
		k.build = func(s *sampler) ([]byte, error) {
			// The envelope has the attributes: the message has none.
			return s.messages(false, nil, func(s *sampler, i int) ([]byte, error) {
				n, err := s.notification(d.build, i)
				return awspayload.AppendSNSEnvelope(nil, n), err
			})
		}
	}
	slices.Sort(k.flags)
	k.flags = slices.Compact(k.flags)
	return k
}

func (k kind) kind() kind { return k }

var batches = []kind{
	{"sqs", "messages of a queue", append(sqsFlags, bodyFlags...), func(s *sampler) ([]byte, error) { return s.messages(false, s.userAttributes, (*sampler).text) }},
	{"sqs-fifo", "messages of a FIFO queue", append(fifoFlags, bodyFlags...), func(s *sampler) ([]byte, error) { return s.messages(true, s.userAttributes, (*sampler).text) }},
	{"sns", "a topic's notification; there is one in each payload", append(snsFlags, bodyFlags...), func(s *sampler) ([]byte, error) {
		n, err := s.notification((*sampler).text, 0)
		return awspayload.AppendSNSEvent(nil, n), err
	}},
	{"dynamodb-insert", "new items of a table", itemFlags, func(s *sampler) ([]byte, error) { return s.changes("INSERT", false) }},
	{"dynamodb-modify", "changed items", append([]string{"old-item"}, itemFlags...), func(s *sampler) ([]byte, error) { return s.changes("MODIFY", false) }},
	{"dynamodb-remove", "deleted items", itemFlags, func(s *sampler) ([]byte, error) { return s.changes("REMOVE", false) }},
	{"dynamodb-ttl", "items that time to live deleted", itemFlags, func(s *sampler) ([]byte, error) { return s.changes("REMOVE", true) }},
	{"dynamodb-window", "new items, for a mapping with tumbling windows", itemFlags, (*sampler).window},
	{"cloudevents", "a batch of CloudEvents", append([]string{"source", "type", "subject", "count"}, bodyFlags...), (*sampler).cloudEvents},
}

// id returns a UUID, or another identifier of hexadecimal digits, that is the
// same for equal flags.
func (s *sampler) id(what string, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %+v", what, i, s.at.UnixNano(), []string{s.bucket, s.key, s.event, s.queue, s.topic, s.table, s.item, s.name, s.body}))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (s *sampler) digits(what string, i int) string {
	return strings.ToUpper(strings.ReplaceAll(s.id(what, i), "-", "")[:16])
}

func (s *sampler) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + s.region + ":" + s.account + ":" + resource
}

// text is the body, or an order of a shop.
func (s *sampler) text(i int) ([]byte, error) {
	if !s.bodySet {
		return fmt.Appendf(nil, `{"id":"order-%d","total":19.90}`, i+1), nil
	}
	if !utf8.ValidString(s.body) {
		return nil, errors.New("the body is not UTF-8, and AWS carries text alone")
	}
	return []byte(s.body), nil
}

// json is the body where it must be JSON.
func (s *sampler) json(i int) ([]byte, error) {
	body, err := s.text(i)
	if err == nil && !json.Valid(body) {
		err = errors.New("the body must be JSON here: text needs its quotes")
	}
	return body, err
}

func (s *sampler) object(i int) *awspayload.S3Record {
	key := s.key
	if i > 0 {
		ext := path.Ext(key)
		key = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(key, ext), i+1, ext)
	}
	etag := md5.Sum([]byte(key))
	r := &awspayload.S3Record{
		Region: s.region, Time: s.at, Name: s.event, ConfigurationID: "eventfx", RequestID: s.digits("request", i),
		HostID: s.digits("host", i) + "/" + s.digits("host2", i) + "=", Principal: "AWS:AIDAEXAMPLE", SourceIP: "192.0.2.7", Owner: "A3NL1KOZZKEXAMPLE",
		Bucket: s.bucket, Key: key, Size: &s.size, ETag: hex.EncodeToString(etag[:]), VersionID: s.version,
		Sequencer: fmt.Sprintf("%018X", s.at.UnixNano()+int64(i)),
	}
	switch name, rest, _ := strings.Cut(s.event, ":"); {
	case rest == "CompleteMultipartUpload":
		r.ETag += "-2"
	case rest == "DeleteMarkerCreated":
		r.Size, r.ETag = nil, "d41d8cd98f00b204e9800998ecf8427e" // of nothing
		if r.VersionID == "" {
			r.VersionID = s.digits("version", i)
		}
	case name == "ObjectRemoved", name == "LifecycleExpiration":
		r.Size, r.ETag = nil, ""
	case name == "ObjectTagging", name == "ObjectAcl":
		r.Size, r.Sequencer = nil, ""
	case name == "LifecycleTransition":
		r.StorageClass, r.Sequencer = "GLACIER", ""
	case name == "IntelligentTiering":
		r.AccessTier, r.Sequencer = "ARCHIVE_ACCESS", ""
	case s.event == "ObjectRestore:Completed":
		r.StorageClass, r.RestoreExpiry = "GLACIER", s.at.Add(24*time.Hour)
	}
	return r
}

func (s *sampler) s3(i int) ([]byte, error) { return s.s3Records(i, 1) }

func (s *sampler) s3Records(first, count int) ([]byte, error) {
	records := make([]awspayload.S3Record, count)
	for i := range records {
		records[i] = *s.object(first + i)
	}
	return awspayload.AppendS3Event(nil, records), s.checkSize()
}

// checkSize refuses a size for an event that tells none.
func (s *sampler) checkSize() error {
	if s.sizeSet && s.object(0).Size == nil {
		return fmt.Errorf("-size: %s tells no size", s.event)
	}
	return nil
}

func (s *sampler) s3Test(i int) ([]byte, error) {
	return awspayload.AppendS3TestEvent(nil, s.at, s.bucket, s.digits("request", i), s.digits("host", i)), nil
}

func (s *sampler) s3EventBridge(i int) ([]byte, error) {
	return awspayload.AppendS3EventBridge(nil, s.id("envelope", i), s.account, s.object(i)), s.checkSize()
}

func (s *sampler) eventBridge(i int) ([]byte, error) {
	detail, err := s.json(i)
	return awspayload.AppendEnvelope(nil, &awspayload.Envelope{
		ID: s.id("envelope", i), DetailType: s.kind, Source: s.source, Account: s.account, Time: s.at, Region: s.region, Detail: detail,
	}), err
}

func (s *sampler) schedule(i int) ([]byte, error) {
	return awspayload.AppendScheduledEvent(nil, s.id("envelope", i), s.account, s.region, s.name, s.tick(i)), nil
}

func (s *sampler) scheduler(i int) ([]byte, error) {
	return awspayload.AppendSchedulerEvent(nil, s.id("envelope", i), s.account, s.region, "default", s.name, s.tick(i)), nil
}

func (s *sampler) schedulerInput(i int) ([]byte, error) {
	input, err := s.json(i)
	return awspayload.AppendSchedulerInput(nil, s.arn("scheduler", "schedule/default/"+s.name), s.tick(i), s.id("execution", i), 1, input), err
}

// tick is the full minute of the i-th tick, a day after the one before.
func (s *sampler) tick(i int) time.Time {
	return s.at.Truncate(time.Minute).AddDate(0, 0, i)
}

// notification is a topic's, around what inside makes.
func (s *sampler) notification(inside func(*sampler, int) ([]byte, error), i int) (*awspayload.SNS, error) {
	message, err := inside(s, i)
	topic := s.arn("sns", s.topic)
	return &awspayload.SNS{
		MessageID: s.id("notification", i), TopicARN: topic, SubscriptionARN: topic + ":" + s.id("subscription", 0), Region: s.region,
		Subject: s.subject, Message: string(message), Time: s.at, Attributes: s.userAttributes,
	}, err
}

func (s *sampler) snsEnvelope(i int) ([]byte, error) {
	n, err := s.notification((*sampler).text, i)
	return awspayload.AppendSNSEnvelope(nil, n), err
}

func (s *sampler) destination(i int) ([]byte, error) {
	inside := (*sampler).s3
	if s.bodySet {
		inside = (*sampler).json
	}
	request, err := inside(s, i)
	return awspayload.AppendInvocationRecord(nil, &awspayload.InvocationRecord{
		Time: s.at, RequestID: s.id("request", i), FunctionARN: s.arn("lambda", "function:"+s.function), Condition: "RetriesExhausted", Invocations: 3,
		Request: request, Response: awspayload.AppendFunctionError(nil, "no such order", "errorString", nil), FunctionError: "Unhandled",
	}), err
}

// messages is a batch of a queue, around what inside makes.
func (s *sampler) messages(fifo bool, attributes map[string]awspayload.Attribute, inside func(*sampler, int) ([]byte, error)) ([]byte, error) {
	queue := s.queue
	if fifo && !strings.HasSuffix(queue, ".fifo") {
		queue += ".fifo"
	}
	if !fifo && strings.HasSuffix(queue, ".fifo") {
		return nil, fmt.Errorf("-queue %s: a FIFO queue's message is sqs-fifo, or ends in -in-sqs-fifo", queue)
	}
	records := make([]awspayload.SQSRecord, s.count)
	for i := range records {
		body, err := inside(s, i)
		if err != nil {
			return nil, err
		}
		r := awspayload.SQSRecord{
			MessageID: s.id("message", i), ReceiptHandle: "AQEB" + s.digits("receipt", i), Body: string(body), Attributes: attributes,
			ReceiveCount: s.receives, Sent: s.at, FirstReceived: s.at.Add(time.Millisecond), SenderID: "AIDAEXAMPLE",
			QueueARN: s.arn("sqs", queue), Region: s.region,
		}
		if s.deadLetterOf != "" {
			r.DeadLetterSource = s.arn("sqs", s.deadLetterOf)
		}
		if fifo {
			sum := sha256.Sum256(body)
			r.GroupID, r.DeduplicationID, r.SequenceNumber = s.group, hex.EncodeToString(sum[:]), fmt.Sprintf("188%017d", s.at.UnixMilli()*1000+int64(i))
			if s.deduplication != "" {
				r.DeduplicationID = s.deduplication
			}
		}
		records[i] = r
	}
	return awspayload.AppendSQSEvent(nil, records), nil
}

// cloudEvent makes one whose id is the order's.
func (s *sampler) cloudEvent(i int) ([]byte, error) {
	e := event.New()
	source := s.source
	if !s.sourceSet {
		source = "/" + source // "shop" is EventBridge's way to name one
	}
	e.SetID(s.id("event", i))
	e.SetSource(source)
	e.SetType(s.kind)
	e.SetTime(s.at)
	if s.subject != "" {
		e.SetSubject(s.subject)
	}
	data := []byte(s.body)
	if !s.bodySet {
		data, _ = s.text(i) // it is ours
	}
	switch {
	case json.Valid(data):
		e.SetDataContentType("application/json")
	case utf8.Valid(data):
		e.SetDataContentType("text/plain")
	default:
		e.SetDataContentType("application/octet-stream")
		e.DataBase64 = true
	}
	e.DataEncoded = data
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("no CloudEvent: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	return cloudevent.Append(nil, e)
}

func (s *sampler) cloudEvents() ([]byte, error) {
	batch := []byte{'['}
	for i := range s.count {
		e, err := s.cloudEvent(i)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			batch = append(batch, ',')
		}
		batch = append(batch, e...)
	}
	return append(batch, ']'), nil
}
