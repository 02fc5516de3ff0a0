package awscompat

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/eventfx/eventfx-go/eventfx"
)

// EventBridge matches the events of an event bus: of any source, of scheduled
// rules and schedules, and of S3. The fields are compared with the envelope's
// source and detail-type.
type EventBridge struct {
	Source     string // "aws.events"; "" matches any
	DetailType string // "Scheduled Event"; "" matches any
}

const (
	eventBridgeType = "com.amazonaws.events."
	ruleType        = "com.amazonaws.events.ScheduledEvent"
	schedulerType   = "com.amazonaws.scheduler.ScheduledEvent"
)

// s3DetailTypes are the types of S3's events with the spaces that a type lacks.
var s3DetailTypes = map[string]string{
	"ObjectCreated":             "Object Created",
	"ObjectDeleted":             "Object Deleted",
	"ObjectRestoreInitiated":    "Object Restore Initiated",
	"ObjectRestoreCompleted":    "Object Restore Completed",
	"ObjectRestoreExpired":      "Object Restore Expired",
	"ObjectStorageClassChanged": "Object Storage Class Changed",
	"ObjectAccessTierChanged":   "Object Access Tier Changed",
	"ObjectACLUpdated":          "Object ACL Updated",
	"ObjectTagsAdded":           "Object Tags Added",
	"ObjectTagsDeleted":         "Object Tags Deleted",
}

// Match reports whether m is an event of the source and the detail type.
func (s EventBridge) Match(m *eventfx.Message) bool {
	source, detailType, ok := envelopeOf(m)
	return ok && (s.Source == "" || s.Source == source) && (s.DetailType == "" || s.DetailType == detailType)
}

// envelopeOf returns what the envelope of m had as its source and detail-type.
func envelopeOf(m *eventfx.Message) (source, detailType string, ok bool) {
	kind := m.Type()
	if name, ok := strings.CutPrefix(kind, s3Type); ok {
		if !isDetailType(name) {
			return "", "", false
		}
		if spaced, ok := s3DetailTypes[name]; ok {
			name = spaced
		}
		return "aws.s3", name, true
	}
	switch {
	case kind == ruleType:
		return "aws.events", "Scheduled Event", true
	case kind == schedulerType:
		return "aws.scheduler", "Scheduled Event", true
	case !strings.HasPrefix(kind, eventBridgeType):
		return "", "", false
	}
	source, err := url.PathUnescape(m.Source())
	if err != nil {
		source = m.Source()
	}
	detailType = kind[len(eventBridgeType):]
	if exact := extension(m, "awsdetailtype"); exact != "" {
		detailType = exact
	}
	return source, detailType, true
}

// Decode returns the envelope with the data of m as its detail. Its version is
// "0", as in all envelopes.
func (s EventBridge) Decode(m *eventfx.Message) (events.EventBridgeEvent, error) {
	source, detailType, ok := envelopeOf(m)
	if !ok {
		return events.EventBridgeEvent{}, fmt.Errorf("awscompat: an event of type %s is not EventBridge's", m.Type())
	}
	e := events.EventBridgeEvent{
		Version:    "0",
		ID:         m.ID(),
		DetailType: detailType,
		Source:     source,
		AccountID:  extension(m, "awsaccount"),
		Region:     extension(m, "awsregion"),
		Time:       m.Time(),
		Resources:  resourcesOf(m),
		Detail:     slices.Clone(m.DataEncoded),
	}
	if id := extension(m, "awseventid"); id != "" {
		e.ID = id // that of a schedule's event is made of its time
	}
	if !json.Valid(e.Detail) {
		return events.EventBridgeEvent{}, fmt.Errorf("awscompat: the detail of event %s is not JSON", m.ID())
	}
	if len(e.Resources) > 0 {
		// arn:PARTITION:SERVICE:REGION:ACCOUNT:...
		if parts := strings.SplitN(e.Resources[0], ":", 6); len(parts) == 6 {
			e.Region = orElse(e.Region, parts[3])
			e.AccountID = orElse(e.AccountID, parts[4])
		}
	}
	return e, nil
}

// resourcesOf returns the envelope's resources: all of them if the event has
// the list, else the first, which it always has.
func resourcesOf(m *eventfx.Message) []string {
	if list := extension(m, "awsresources"); list != "" {
		var resources []string
		if json.Unmarshal([]byte(list), &resources) == nil {
			return resources
		}
	}
	first := m.Subject()
	switch kind := m.Type(); {
	case kind == ruleType, kind == schedulerType, strings.HasPrefix(kind, s3Type):
		first = m.Source()
	}
	if first == "" {
		return []string{} // the envelope has the member, also when it is empty
	}
	return []string{first}
}

// String returns the source as it is written in Go.
func (s EventBridge) String() string {
	switch {
	case s.DetailType == "":
		return literal("EventBridge", "Source", s.Source)
	case s.Source == "":
		return literal("EventBridge", "DetailType", s.DetailType)
	}
	return fmt.Sprintf("awscompat.EventBridge{Source: %q, DetailType: %q}", s.Source, s.DetailType)
}
