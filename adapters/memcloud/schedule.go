package memcloud

import (
	"fmt"
	"strings"
	"time"

	"encoding/json"

	"github.com/eventfx/eventfx-go/internal/awspayload"
)

// A Schedule is an EventBridge rule that ticks, in UTC. Its ticks are no
// reason for Settle to wait: Advance plays them.
type Schedule struct {
	cloud   *Cloud
	name    string
	plan    plan
	targets []*scheduleTarget
	ticking bool
}

// A Target configures what a target of a schedule gets.
type Target struct {
	// Input is JSON that is sent in place of EventBridge's event, of at most
	// 8,192 characters. "" sends the event.
	Input string
}

type scheduleTarget struct {
	Target
	recipient Recipient
}

// A plan says when a schedule ticks.
type plan interface {
	// next returns the first tick after t; false: there is none.
	next(t time.Time) (time.Time, bool)
}

// Schedule makes a rule with an expression: "rate(5 minutes)", whose first
// tick is when it gets its first target, or "cron(0 3 * * ? *)", with minute,
// hour, day of month, month, day of week (1 is Sunday) and year.
func (c *Cloud) Schedule(name, expression string) *Schedule {
	s := &Schedule{cloud: c, name: name}
	c.wire(func() (err error) {
		if s.plan, err = parseExpression(expression); err != nil {
			return &Error{name, "ValidationException", fmt.Sprintf("Parameter ScheduleExpression is not valid. %q: %v", expression, err)}
		}
		return register(c.schedules, "schedule", name, s)
	})
	return s
}

// Name returns the name that was given.
func (s *Schedule) Name() string { return s.name }

// ARN returns the rule's ARN.
func (s *Schedule) ARN() string {
	return "arn:aws:events:" + Region + ":" + Account + ":rule/" + s.name
}

// Target has the schedule send its ticks to a function, a queue or a topic.
func (s *Schedule) Target(recipient Recipient, o *Target) {
	if o == nil {
		o = &Target{}
	}
	s.cloud.wire(func() error { return s.target(recipient, o) })
}

func (s *Schedule) trigger(f *Function, o *Target) error { return s.target(f, o) }

func (s *Schedule) target(recipient Recipient, o *Target) error {
	if o.Input != "" && (!json.Valid([]byte(o.Input)) || len(o.Input) > 8192) {
		return &Error{s.name, "ValidationException", "JSON syntax error in input for target " + recipient.Name()}
	}
	s.targets = append(s.targets, &scheduleTarget{*o, recipient})
	if s.ticking {
		return nil
	}
	s.ticking = true
	c := s.cloud
	if _, ok := s.plan.(rate); ok {
		c.at(c.now, false, s.tick)
		return nil
	}
	s.plant()
	return nil
}

// plant sets the next tick.
func (s *Schedule) plant() {
	c := s.cloud
	if next, ok := s.plan.next(c.instant()); ok {
		c.at(next.Sub(c.start), false, s.tick)
	}
}

func (s *Schedule) tick() {
	c := s.cloud
	c.note(s.name, "tick", entity{}, c.instant().UTC().Format("2006-01-02T15:04:05Z"))
	for _, t := range s.targets {
		payload := []byte(t.Input)
		if t.Input == "" {
			payload = awspayload.AppendScheduledEvent(nil, c.uuid("tick", c.number("tick")), Account, Region, s.name, c.instant())
		}
		t.recipient.deliver(payload, s.name+" tick", "")
	}
	s.plant()
}

// rate is a plan with a period, counted from the first tick.
type rate time.Duration

func (r rate) next(t time.Time) (time.Time, bool) { return t.Add(time.Duration(r)), true }

// parseExpression reads a rule's expression.
func parseExpression(s string) (plan, error) {
	kind, rest, ok := strings.Cut(s, "(")
	body, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return nil, fmt.Errorf("must be rate(value unit) or cron(six fields)")
	}
	switch kind {
	case "rate":
		return parseRate(body)
	case "cron":
		return parseCron(body)
	case "at":
		return nil, fmt.Errorf("at() is for EventBridge Scheduler; a rule takes rate() or cron()")
	}
	return nil, fmt.Errorf("%q is neither rate nor cron", kind)
}
