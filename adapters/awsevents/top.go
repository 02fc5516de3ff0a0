package awsevents

import "github.com/eventfx/eventfx-go/internal/jsonscan"

// A document is JSON text that is opened: the payload, or what is nested in a
// record of it.
type document struct {
	text     []byte // the data of the events are parts of it
	pristine []byte // the same, before anything is unescaped in place
}

// A member is one that detection looks at. Names are compared exactly: Records
// and records belong to different sources.
type member uint8

const (
	memberRecords member = iota
	memberLowerRecords
	memberEventSource
	memberUpperEventSource
	memberSpecVersion
	memberID
	memberSource
	memberType
	memberVersion
	memberDetailType
	memberDetail
	memberTime
	memberRegion
	memberAccount
	memberResources
	memberReplayName
	memberService
	memberEvent
	memberUpperType
	memberTopicARN
	memberMessageID
	memberMessage
	memberSubject
	memberTimestamp
	memberUnsubscribeURL
	memberMessageAttributes
	memberRequestContext
	memberRequestPayload
	memberStreamInfo
	memberWindow
	memberState
	memberShardID
	memberEventSourceARN
	memberFinalInvoke
	memberScheduler
	memberInput
	memberDeliveryStreamARN
	memberMessages
	memberRabbitMessages
	memberMethodARN
	memberRouteARN
	memberHTTPMethod
	memberLogs
	members
)

func memberOf(key []byte) (member, bool) {
	switch string(key) {
	case "Records":
		return memberRecords, true
	case "records":
		return memberLowerRecords, true
	case "eventSource":
		return memberEventSource, true
	case "EventSource":
		return memberUpperEventSource, true
	case "specversion":
		return memberSpecVersion, true
	case "id":
		return memberID, true
	case "source":
		return memberSource, true
	case "type":
		return memberType, true
	case "version":
		return memberVersion, true
	case "detail-type":
		return memberDetailType, true
	case "detail":
		return memberDetail, true
	case "time":
		return memberTime, true
	case "region":
		return memberRegion, true
	case "account":
		return memberAccount, true
	case "resources":
		return memberResources, true
	case "replay-name":
		return memberReplayName, true
	case "Service":
		return memberService, true
	case "Event":
		return memberEvent, true
	case "Type":
		return memberUpperType, true
	case "TopicArn":
		return memberTopicARN, true
	case "MessageId":
		return memberMessageID, true
	case "Message":
		return memberMessage, true
	case "Subject":
		return memberSubject, true
	case "Timestamp":
		return memberTimestamp, true
	case "UnsubscribeURL", "UnsubscribeUrl":
		return memberUnsubscribeURL, true
	case "MessageAttributes":
		return memberMessageAttributes, true
	case "requestContext":
		return memberRequestContext, true
	case "requestPayload":
		return memberRequestPayload, true
	case "DDBStreamBatchInfo", "KinesisBatchInfo", "KafkaBatchInfo":
		return memberStreamInfo, true
	case "window":
		return memberWindow, true
	case "state":
		return memberState, true
	case "shardId":
		return memberShardID, true
	case "eventSourceARN":
		return memberEventSourceARN, true
	case "isFinalInvokeForWindow":
		return memberFinalInvoke, true
	case "scheduler":
		return memberScheduler, true
	case "input":
		return memberInput, true
	case "deliveryStreamArn":
		return memberDeliveryStreamARN, true
	case "messages":
		return memberMessages, true
	case "rmqMessagesByQueue":
		return memberRabbitMessages, true
	case "methodArn":
		return memberMethodARN, true
	case "routeArn":
		return memberRouteARN, true
	case "httpMethod":
		return memberHTTPMethod, true
	case "awslogs":
		return memberLogs, true
	}
	return 0, false
}

// A top is the outermost object of a document: its members as raw values.
type top struct {
	at    [members][]byte
	twice string // a member that is there twice
	batch batch  // what the scan of Records found
}

// readTop reads the outermost object. Records are opened while they are
// scanned: at depth 0 whichever they are, deeper S3's only, at depth -1 none.
func (o *opener) readTop(s *jsonscan.Scanner, t *top, doc document, depth int) {
	if !s.Object() {
		return
	}
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		m, known := memberOf(key)
		if !known {
			s.Skip()
			continue
		}
		if t.at[m] != nil {
			t.twice = string(key)
			s.Skip()
			continue
		}
		if m == memberRecords && depth >= 0 && s.Kind() == '[' {
			from := s.Pos()
			t.batch = o.openRecords(s, doc, depth)
			t.at[m] = doc.text[from:s.Pos():s.Pos()]
			continue
		}
		t.at[m] = s.Skip()
	}
}

// text returns a member that is a string.
func (t *top) text(m member) text { return textOf(t.at[m]) }

// is reports whether a member is there and begins with c, as '"', '{', '['.
func (t *top) is(m member, c byte) bool { return len(t.at[m]) > 0 && t.at[m][0] == c }

// strings reports whether all of the members are strings.
func (t *top) strings(all ...member) bool {
	for _, m := range all {
		if !t.is(m, '"') {
			return false
		}
	}
	return true
}

// object returns the raw values of the named members of raw, an object; nil
// for those that are not there.
func object(raw []byte, names ...string) (values [6][]byte) {
	if len(raw) == 0 || raw[0] != '{' {
		return values
	}
	s := jsonscan.New(raw)
	s.Object()
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		value := s.Skip()
		for i, name := range names {
			if string(key) == name {
				values[i] = value
			}
		}
	}
	return values
}
