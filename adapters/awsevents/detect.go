package awsevents

import (
	"bytes"
	"strings"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// A shape is what a payload was detected to be.
type shape uint8

const (
	shapeOpaque shape = iota
	shapeCloudEvent
	shapeCloudEvents
	shapeEmpty
	shapeSQS
	shapeS3
	shapeDynamoDB
	shapeSNS
	shapeKinesis
	shapeSES
	shapeCodeCommit
	shapeKafka
	shapeFirehose
	shapeActiveMQ
	shapeRabbitMQ
	shapeS3Test
	shapeSchedule
	shapeScheduler
	shapeS3EventBridge
	shapeEventBridge
	shapeSNSEnvelope
	shapeDestination
	shapeStreamFailure
	shapeSchedulerInput
	shapeAuthorizer
	shapeALB
	shapeWebSocket
	shapeFunctionURL
	shapeHTTPAPI
	shapeRESTAPI
	shapeLogs
)

var shapeNames = [...]string{
	shapeOpaque:         "opaque",
	shapeCloudEvent:     "cloudevent",
	shapeCloudEvents:    "cloudevents",
	shapeEmpty:          "empty",
	shapeSQS:            "sqs",
	shapeS3:             "s3",
	shapeDynamoDB:       "dynamodb",
	shapeSNS:            "sns",
	shapeKinesis:        "kinesis",
	shapeSES:            "ses",
	shapeCodeCommit:     "codecommit",
	shapeKafka:          "kafka",
	shapeFirehose:       "firehose",
	shapeActiveMQ:       "activemq",
	shapeRabbitMQ:       "rabbitmq",
	shapeS3Test:         "s3-test",
	shapeSchedule:       "schedule",
	shapeScheduler:      "scheduler",
	shapeSchedulerInput: "scheduler",
	shapeS3EventBridge:  "s3-eventbridge",
	shapeEventBridge:    "eventbridge",
	shapeSNSEnvelope:    "sns-envelope",
	shapeDestination:    "lambda-destination",
	shapeStreamFailure:  "stream-failure",
	shapeAuthorizer:     "authorizer",
	shapeALB:            "alb",
	shapeWebSocket:      "websocket",
	shapeFunctionURL:    "function-url",
	shapeHTTPAPI:        "http-api",
	shapeRESTAPI:        "rest-api",
	shapeLogs:           "logs",
}

func (s shape) String() string { return shapeNames[s] }

// detection is the order in which shapes are looked for: the first that
// matches is it. A nested one is also looked for inside a record; the others
// are only ever payloads.
var detection = []struct {
	shape  shape
	nested bool
	match  func(*top) bool
}{
	{shapeCloudEvent, true, func(t *top) bool {
		return t.strings(memberSpecVersion, memberID, memberSource, memberType)
	}},
	// Before empty Records: the last call of a window has none.
	{shapeDynamoDB, false, func(t *top) bool {
		return t.at[memberWindow] != nil && t.at[memberFinalInvoke] != nil && t.windowOf("aws:dynamodb", "dynamodb", shapeDynamoDB)
	}},
	{shapeKinesis, false, func(t *top) bool {
		return t.at[memberWindow] != nil && t.at[memberFinalInvoke] != nil && t.windowOf("aws:kinesis", "kinesis", shapeKinesis)
	}},
	{shapeS3, true, records(shapeS3)},
	{shapeSQS, false, records(shapeSQS)},
	{shapeDynamoDB, false, records(shapeDynamoDB)},
	{shapeKinesis, false, records(shapeKinesis)},
	{shapeSNS, false, records(shapeSNS)},
	{shapeSES, false, records(shapeSES)},
	{shapeCodeCommit, false, records(shapeCodeCommit)},
	{shapeEmpty, false, func(t *top) bool { return t.is(memberRecords, '[') && t.batch.count == 0 }},
	{shapeKafka, false, func(t *top) bool {
		source := t.text(memberEventSource)
		return t.is(memberLowerRecords, '{') &&
			(source.is("aws:kafka") || source.is("aws:SelfManagedKafka") || source.is("SelfManagedKafka"))
	}},
	{shapeFirehose, false, func(t *top) bool {
		return t.is(memberLowerRecords, '[') && t.at[memberDeliveryStreamARN] != nil
	}},
	{shapeActiveMQ, false, func(t *top) bool {
		source := t.text(memberEventSource)
		return t.is(memberMessages, '[') && (source.is("aws:mq") || source.is("aws:amq"))
	}},
	{shapeRabbitMQ, false, func(t *top) bool {
		return t.is(memberRabbitMessages, '{') && t.text(memberEventSource).is("aws:rmq")
	}},
	{shapeS3Test, true, func(t *top) bool {
		return t.text(memberService).is("Amazon S3") && t.text(memberEvent).is("s3:TestEvent")
	}},
	{shapeSchedule, true, func(t *top) bool {
		return envelope(t) && t.text(memberSource).is("aws.events") && t.text(memberDetailType).is("Scheduled Event")
	}},
	{shapeScheduler, true, func(t *top) bool {
		return envelope(t) && t.text(memberSource).is("aws.scheduler") && t.text(memberDetailType).is("Scheduled Event")
	}},
	// Calls of S3's API that CloudTrail saw have its source, too.
	{shapeS3EventBridge, true, func(t *top) bool {
		return envelope(t) && t.text(memberSource).is("aws.s3") && strings.HasPrefix(t.text(memberDetailType).String(), "Object ")
	}},
	{shapeEventBridge, true, envelope},
	{shapeSNSEnvelope, true, func(t *top) bool {
		kind := t.text(memberUpperType)
		return (kind.is("Notification") || kind.is("SubscriptionConfirmation") || kind.is("UnsubscribeConfirmation")) &&
			t.strings(memberTopicARN, memberMessageID)
	}},
	// Before API Gateway: both carry a requestContext.
	{shapeDestination, true, func(t *top) bool {
		return t.at[memberRequestPayload] != nil && t.context("condition") != nil
	}},
	{shapeStreamFailure, false, func(t *top) bool {
		return t.is(memberStreamInfo, '{') && t.is(memberRequestContext, '{')
	}},
	{shapeSchedulerInput, true, func(t *top) bool {
		v := object(t.at[memberScheduler], "arn", "time")
		return bytes.Contains(v[0], []byte(":scheduler:")) && textOf(v[0]).ok && textOf(v[1]).ok
	}},
	{shapeAuthorizer, false, func(t *top) bool {
		kind := t.text(memberType)
		return (kind.is("REQUEST") || kind.is("TOKEN")) && (t.at[memberMethodARN] != nil || t.at[memberRouteARN] != nil)
	}},
	{shapeALB, false, func(t *top) bool { return t.context("elb") != nil }},
	// Before REST: it has an httpMethod, too.
	{shapeWebSocket, false, func(t *top) bool { return t.context("connectionId") != nil }},
	{shapeFunctionURL, false, func(t *top) bool {
		return t.context("http") != nil && t.text(memberVersion).is("2.0") &&
			bytes.Contains(t.context("domainName"), []byte(".lambda-url."))
	}},
	{shapeHTTPAPI, false, func(t *top) bool { return t.context("http") != nil && t.text(memberVersion).is("2.0") }},
	{shapeRESTAPI, false, func(t *top) bool { return t.is(memberHTTPMethod, '"') && t.is(memberRequestContext, '{') }},
	{shapeLogs, false, func(t *top) bool { return object(t.at[memberLogs], "data")[0] != nil }},
}

// detect returns the shape of a payload; what matches nothing is opaque.
func detect(t *top) shape {
	for i := range detection {
		if detection[i].match(t) {
			return detection[i].shape
		}
	}
	return shapeOpaque
}

// detectNested returns the shape of text inside a record.
func detectNested(t *top) shape {
	for i := range detection {
		if detection[i].nested && detection[i].match(t) {
			return detection[i].shape
		}
	}
	return shapeOpaque
}

// records matches Records of one source.
func records(s shape) func(*top) bool {
	return func(t *top) bool { return t.batch.shape == s && t.batch.count > 0 }
}

// envelope matches EventBridge's.
func envelope(t *top) bool {
	return t.strings(memberDetailType, memberSource) && t.at[memberDetail] != nil
}

// context returns a member of requestContext.
func (t *top) context(name string) []byte {
	return object(t.at[memberRequestContext], name)[0]
}

// windowOf matches a tumbling window by its records, else by its ARN.
func (t *top) windowOf(source, service string, s shape) bool {
	if t.batch.shape != shapeOpaque {
		return t.batch.shape == s
	}
	arn := t.text(memberEventSourceARN)
	return t.text(memberEventSource).is(source) || arn.ok && bytes.Contains(arn.raw, []byte(":"+service+":"))
}

// hasRecords reports whether the events are those of Records, which were
// opened while they were scanned.
func (s shape) hasRecords() bool {
	return s == shapeSQS || s == shapeS3 || s == shapeDynamoDB || s == shapeSNS
}

// needsEvent reports whether a payload of this shape without an event is
// opaque, and not simply done.
func (s shape) needsEvent(t *top) bool {
	lastOfWindow := s == shapeKinesis && t.batch.count == 0
	return !s.hasRecords() && s != shapeEmpty && s != shapeS3Test && !lastOfWindow
}

// unusable returns an error for what is of a known shape but for its Records:
// no event would be found, and the invocation would look like a success.
func unusable(t *top, s shape) error {
	if t.twice != "" && s != shapeOpaque && s != shapeCloudEvent {
		return &ShapeError{Source: s.String(), Member: t.twice, Msg: "is there twice"}
	}
	records := t.at[memberRecords]
	switch s {
	case shapeSQS, shapeS3, shapeDynamoDB, shapeSNS, shapeKinesis, shapeSES, shapeCodeCommit:
		if t.at[memberWindow] != nil && (records == nil || records[0] != '[') {
			if string(t.at[memberFinalInvoke]) == "true" && (records == nil || string(records) == "null") {
				return nil
			}
			return &ShapeError{Source: s.String(), Member: "Records", Msg: "is not there, and the window is not at its end"}
		}
		if t.batch.mixed != "" {
			return &ShapeError{Source: s.String(), Member: "Records", Msg: "has records of several sources: " + t.batch.mixed}
		}
		if t.batch.count > maxRecords {
			return &ShapeError{Source: s.String(), Member: "Records", Msg: "has more than 10000 records, which no mapping sends"}
		}
	case shapeOpaque:
		return unusableOpaque(t)
	}
	return nil
}

// sourceShape returns the name of the shape whose records have the source.
func sourceShape(source text) string {
	for _, s := range []struct{ source, name string }{
		{"aws:sqs", "sqs"}, {"aws:s3", "s3"}, {"aws:dynamodb", "dynamodb"}, {"aws:kinesis", "kinesis"}, {"aws:sns", "sns"},
	} {
		if source.is(s.source) {
			return s.name
		}
	}
	return ""
}

// lowerRecords returns the source of what could be Records but for its name.
func lowerRecords(raw []byte) string {
	if len(raw) == 0 || raw[0] != '[' {
		return ""
	}
	s := jsonscan.New(raw)
	if s.Array(); !s.Elem() {
		return ""
	}
	v := object(s.Skip(), "eventSource", "EventSource")
	return sourceShape(textOf(v[0])) + sourceShape(textOf(v[1]))
}

func unusableOpaque(t *top) error {
	if raw := t.at[memberRecords]; raw != nil && raw[0] != '[' {
		what := "is no array"
		if string(raw) == "null" {
			what = "is null"
		}
		return &ShapeError{Source: sourceShape(t.text(memberEventSource)), Member: "Records", Msg: what + ": want an array"}
	}
	if t.at[memberRecords] != nil {
		return nil
	}
	if name := sourceShape(t.text(memberEventSource)); name != "" {
		return &ShapeError{Source: name, Member: "Records", Msg: "is not there"}
	}
	if name := sourceShape(t.text(memberUpperEventSource)); name != "" {
		return &ShapeError{Source: name, Member: "Records", Msg: "is not there"}
	}
	if name := lowerRecords(t.at[memberLowerRecords]); name != "" {
		return &ShapeError{Source: name, Member: "Records", Msg: "is not there, only records: the name has a capital"}
	}
	return nil
}
