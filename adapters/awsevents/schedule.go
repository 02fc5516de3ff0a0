package awsevents

import (
	"strconv"
	"strings"
	"time"
)

const schedulerType = "com.amazonaws.scheduler.ScheduledEvent"

// openSchedule opens the tick of a rule. One firing may be delivered by
// several envelopes, so its identity is the rule and the minute.
func (o *opener) openSchedule(t *top, doc document) {
	it := o.add()
	var w wrong
	o.tick(it, t, &w)
	it.ctx.Type = "com.amazonaws.events.ScheduledEvent"
	it.msg.DataEncoded = t.at[memberDetail]
	it.extendText("awseventid", t.text(memberID))
	o.failed(it, &w, doc, shapeSchedule)
}

// openScheduler opens what EventBridge Scheduler sends by default.
func (o *opener) openScheduler(t *top, doc document) {
	it := o.add()
	var w wrong
	o.tick(it, t, &w)
	it.ctx.Type = schedulerType
	it.msg.DataEncoded = t.at[memberDetail]
	// The detail is an object inside a string.
	if s := t.text(memberDetail); s.ok {
		inner := []byte(s.String())
		if i := firstByte(inner); i < len(inner) && inner[i] == '{' && unique(inner) {
			it.msg.DataEncoded = inner[:len(inner):len(inner)]
		}
	}
	o.failed(it, &w, doc, shapeScheduler)
}

// tick sets what both schedulers' envelopes have.
func (o *opener) tick(it *item, t *top, w *wrong) {
	arn := firstResource(t)
	if arn == "" {
		w.bad("resources", "does not name the schedule")
	}
	if !t.is(memberTime, '"') {
		w.bad("time", "is not there")
	}
	w.instant(it, "time", t.at[memberTime])
	it.ctx.ID = it.time.Truncate(time.Minute).Format(time.RFC3339)
	o.scheduled(it, arn)
}

func (o *opener) scheduled(it *item, arn string) {
	it.ctx.Source = o.uri(arn)
	it.subject = clean(lastPart(arn, "/"))
	it.contentType = "application/json"
	it.msg.Origin.ID = it.ctx.ID
	it.msg.Origin.Address = arn
	it.msg.Origin.Name = it.subject
}

// openSchedulerInput opens the input template that the package documents.
func (o *opener) openSchedulerInput(t *top, doc document) {
	it := o.add()
	var w wrong
	v := object(t.at[memberScheduler], "arn", "time", "execution", "attempt")
	arn, when := textOf(v[0]).String(), textOf(v[1]).String()
	at, ok := parseTime(when)
	if !ok {
		w.bad("scheduler.time", "is no time: is the input a template with <aws.scheduler.scheduled-time>?")
	}
	it.time.Time = at
	it.ctx.ID = clean(when)
	it.ctx.Type = schedulerType
	o.scheduled(it, arn)
	it.msg.DataEncoded = t.at[memberInput]
	if it.msg.DataEncoded == nil {
		it.msg.DataEncoded = []byte("{}")
	}
	it.extendText("schedulerexecutionid", textOf(v[2]))
	attempt := strings.Trim(string(v[3]), `"`)
	if n, err := strconv.ParseInt(attempt, 10, 32); err == nil {
		it.extend("schedulerattempt", int32(n))
	}
	it.carriers(t.at[memberInput])
	o.failed(it, &w, doc, shapeSchedulerInput)
}
