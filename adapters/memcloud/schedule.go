package memcloud

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A Schedule is an EventBridge rule that ticks, in UTC; those of EventBridge
// Scheduler are Schedulers. Its ticks are no reason for Settle to wait:
// Advance plays them.
type Schedule struct {
	cloud   *Cloud
	name    string
	plan    plan
	targets []*scheduleTarget
	ticking bool
}

// A Target configures what a target of a schedule gets, and what happens when
// it does not take it. That a function fails is nothing of this kind: it has
// taken the event, and retries of its own.
type Target struct {
	// Input is sent in place of EventBridge's event. "" sends the event.
	//
	// A Schedule takes JSON of at most 8,192 characters. A Scheduler takes any
	// text, for a function JSON, and puts what they stand for in the place of
	// <aws.scheduler.schedule-arn>, <aws.scheduler.scheduled-time>,
	// <aws.scheduler.execution-id> and <aws.scheduler.attempt-number>.
	Input string

	// Group is the message group of a FIFO queue, which needs one, and
	// content-based deduplication.
	Group string

	// Retries is how often a delivery that failed is tried again, 0-185. 0
	// means 185, -1 none.
	Retries int

	// MaxAge is the age at which a delivery is given up, 1 minute to 24 h. 0
	// means 24 h.
	MaxAge time.Duration

	// DeadLetter is a standard queue that gets what could not be delivered,
	// with the reason in its attributes. nil: it is lost.
	DeadLetter *Queue
}

// scheduleTarget is a Target with its recipient.
type scheduleTarget struct {
	Target
	recipient Recipient
	policy    retryPolicy
}

func (c *Cloud) newScheduleTarget(schedule string, recipient Recipient, o *Target) (*scheduleTarget, error) {
	if err := c.checkTarget(schedule, recipient, o.Group); err != nil {
		return nil, err
	}
	policy, err := c.newRetryPolicy(schedule, o.Retries, o.MaxAge, o.DeadLetter)
	return &scheduleTarget{*o, recipient, policy}, err
}

// Schedule makes a rule with an expression: "rate(5 minutes)", whose first
// tick is when it gets its first target, or "cron(0 3 * * ? *)", with minute,
// hour, day of month, month, day of week (1 is Sunday) and year.
func (c *Cloud) Schedule(name, expression string) *Schedule {
	s := &Schedule{cloud: c, name: name}
	c.wire(func() (err error) {
		if s.plan, err = parseRule(expression); err != nil {
			return &Error{name, "ValidationException", fmt.Sprintf("Parameter ScheduleExpression is not valid. %q: %v", clip(expression, 256), err)}
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
	t, err := s.cloud.newScheduleTarget(s.name, recipient, o)
	if err != nil {
		return err
	}
	if o.Input != "" && (!json.Valid([]byte(o.Input)) || len(o.Input) > 8192) {
		return &Error{s.name, "ValidationException", "JSON syntax error in input for target " + recipient.Name()}
	}
	s.targets = append(s.targets, t)
	if s.ticking {
		return nil
	}
	s.ticking = true
	c := s.cloud
	if _, ok := s.plan.(rate); ok {
		now := c.instant()
		c.at(c.now, false, func() { s.tick(now) })
		return nil
	}
	s.plant(c.instant())
	return nil
}

// plant sets the tick after t.
func (s *Schedule) plant(t time.Time) {
	c := s.cloud
	if next, ok := s.plan.next(t); ok {
		c.at(next.Sub(c.start), false, func() { s.tick(next) })
	}
}

// tick is executed at the time of a tick. What a fault does to it stays within
// the minute.
func (s *Schedule) tick(nominal time.Time) {
	s.cloud.unluckyTick(s.name, s.fire)
	s.plant(nominal)
}

// unluckyTick has fire executed now, or later in the minute, or twice, and
// returns how often.
func (c *Cloud) unluckyTick(schedule string, fire func()) (times int) {
	now := c.instant()
	room := now.Truncate(time.Minute).Add(time.Minute).Sub(now)
	if c.fault(Delay, schedule, "tick") {
		c.at(c.now+room*time.Duration(1+c.pick(59))/60, true, fire)
	} else {
		fire()
	}
	if c.fault(Duplicate, schedule, "tick") {
		c.at(c.now+room*time.Duration(c.pick(60))/60, true, fire)
		return 2
	}
	return 1
}

// fire sends an event to all targets.
func (s *Schedule) fire() {
	c := s.cloud
	event := awspayload.AppendScheduledEvent(nil, c.uuid("tick", c.number("tick")), Account, Region, s.name, c.instant())
	c.note(s.name, "tick", entity{}, timestamp(c.instant()))
	for _, t := range s.targets {
		d := &targetDelivery{
			cloud: c, sender: s.name, target: t.recipient, group: t.Group, policy: t.policy, cause: s.name + " tick",
			payload: func(int) []byte {
				if t.Input != "" {
					return []byte(t.Input)
				}
				return event
			},
			letter: func(f *undelivered) Message { return ruleLetter(event, s.ARN(), t.recipient.ARN(), f) },
		}
		d.start()
	}
}

// timestamp formats a time as EventBridge does.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
