package awspayload

import (
	"fmt"
	"strconv"
	"time"
)

// An Envelope is an EventBridge event.
type Envelope struct {
	ID         string
	DetailType string
	Source     string
	Account    string
	Time       time.Time // whole seconds in the payload
	Region     string
	Resources  []string
	Detail     []byte // JSON; nil is {}
	ReplayName string // set when an archive is replayed
}

// AppendEnvelope appends the event as targets get it.
func AppendEnvelope(dst []byte, e *Envelope) []byte {
	dst = append(dst, `{"version":"0"`...)
	dst = appendText(dst, "id", e.ID)
	dst = appendText(dst, "detail-type", e.DetailType)
	dst = appendText(dst, "source", e.Source)
	dst = appendText(dst, "account", e.Account)
	dst = appendTime(dst, "time", e.Time, seconds)
	dst = appendText(dst, "region", e.Region)
	dst = appendList(appendMember(dst, "resources"), e.Resources, AppendString)
	dst = appendOptional(dst, "replay-name", e.ReplayName)
	dst = appendMember(dst, "detail")
	if e.Detail == nil {
		dst = append(dst, "{}"...)
	}
	dst = append(dst, e.Detail...)
	return append(dst, '}')
}

// AppendScheduledEvent appends what a scheduled rule sends to a target
// without an input of its own.
func AppendScheduledEvent(dst []byte, id, account, region, rule string, t time.Time) []byte {
	return AppendEnvelope(dst, &Envelope{
		ID: id, DetailType: "Scheduled Event", Source: "aws.events", Account: account, Time: t, Region: region,
		Resources: []string{fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", region, account, rule)},
	})
}

// AppendSchedulerEvent appends what EventBridge Scheduler sends without an
// input: its detail is the string "{}", not an object.
func AppendSchedulerEvent(dst []byte, id, account, region, group, schedule string, t time.Time) []byte {
	return AppendEnvelope(dst, &Envelope{
		ID: id, DetailType: "Scheduled Event", Source: "aws.scheduler", Account: account, Time: t, Region: region,
		Resources: []string{fmt.Sprintf("arn:aws:scheduler:%s:%s:schedule/%s/%s", region, account, group, schedule)},
		Detail:    []byte(`"{}"`),
	})
}

// AppendSchedulerInput appends what EventBridge Scheduler sends when the
// target's input names the schedule by Scheduler's own variables, as package
// awsevents reads it: arn, time, execution and attempt, and the input proper.
// A nil input is left out.
func AppendSchedulerInput(dst []byte, arn string, t time.Time, execution string, attempt int, input []byte) []byte {
	dst = append(dst, `{"scheduler":{`...)
	dst = appendText(dst, "arn", arn)
	dst = appendTime(dst, "time", t, seconds)
	dst = appendText(dst, "execution", execution)
	dst = append(appendText(dst, "attempt", strconv.Itoa(attempt)), '}')
	if input != nil {
		dst = append(appendMember(dst, "input"), input...)
	}
	return append(dst, '}')
}
