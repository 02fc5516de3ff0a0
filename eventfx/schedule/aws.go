package schedule

import (
	"strconv"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
)

// The types of AWS's ticks. Their source is the ARN of the rule
// (...:rule/NAME, ...:rule/BUS/NAME) or of the schedule
// (...:schedule/GROUP/NAME), their data the input.
const (
	ruleType      = "com.amazonaws.events.ScheduledEvent"
	schedulerType = "com.amazonaws.scheduler.ScheduledEvent"

	attemptExtension = "schedulerattempt"
)

func isTick(m *eventfx.Message, want string) bool {
	group, name, ok := nameOf(m)
	if !ok {
		return false
	}
	if want == "" || want == name {
		return true
	}
	wantGroup, wantName, ok := strings.Cut(want, "/")
	return ok && group != "" && wantGroup == group && wantName == name
}

// nameOf returns the names of the schedule that m is a tick of. It returns
// false if m is none: on a bus, anybody can send an event that is called
// ScheduledEvent, but its source is not a rule.
func nameOf(m *eventfx.Message) (group, name string, ok bool) {
	if m.Context == nil {
		return "", "", false
	}
	var path string
	switch m.Context.GetType() {
	case ruleType:
		_, path, ok = strings.Cut(source(m), ":rule/")
		name = path[strings.LastIndexByte(path, '/')+1:]
	case schedulerType:
		_, path, ok = strings.Cut(source(m), ":schedule/")
		if group, name, _ = strings.Cut(path, "/"); name == "" {
			group, name = "", group
		}
	}
	return group, name, ok && name != ""
}

// source returns the event's source, if that is an ARN, without writing it as
// text, which allocates.
func source(m *eventfx.Message) string {
	if ec, ok := m.Context.(*event.EventContextV1); ok {
		if ec.Source.Scheme != "arn" {
			return ""
		}
		return ec.Source.Opaque
	}
	arn, _ := strings.CutPrefix(m.Source(), "arn:")
	return arn
}

// attempt reads what Scheduler said, which an event that took another way may
// hold as text.
func attempt(m *eventfx.Message) int {
	var n int
	switch value := m.Extensions()[attemptExtension].(type) {
	case int32:
		n = int(value)
	case string:
		n, _ = strconv.Atoi(value)
	}
	return max(0, n)
}
