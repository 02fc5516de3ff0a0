package memcloud

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/adapters/awspayload"
)

// A Scheduler is a schedule of EventBridge Scheduler. Unlike a Schedule, which
// is a rule, it has a time zone, may tick once, and has one target. Its ticks
// are no reason for Settle to wait: Advance plays them.
type Scheduler struct {
	cloud  *Cloud
	name   string
	group  string
	plan   plan
	window time.Duration

	start, end time.Time // zero: none
	deletes    bool

	target  *scheduleTarget
	ticks   int  // so far
	pending int  // firings that are not over
	last    bool // there are no further ticks
}

// SchedulerOptions configure a schedule of EventBridge Scheduler. For each
// field the zero value is AWS's default.
type SchedulerOptions struct {
	// Group is the name of the schedule's group. "" means "default".
	Group string

	// TimeZone is the zone of cron and at, such as "Europe/Berlin". "" means
	// UTC. A local time that the zone skips is skipped, one that it has twice
	// ticks once, the first time.
	TimeZone string

	// FlexibleWindow is the time after each tick within which the target gets
	// it, whole minutes from 1 to 1440. When, is computed from the seed. 0
	// means at once.
	FlexibleWindow time.Duration

	// Start and End bound the ticks of rate and cron; a tick at the very
	// bound happens. A rate begins at Start. Start may not be more than five
	// minutes ago. Zero means that there is no bound.
	Start, End time.Time

	// DeleteAfterCompletion deletes the schedule when its last tick is over.
	// Without it the name stays taken.
	DeleteAfterCompletion bool
}

// Scheduler makes a schedule of EventBridge Scheduler with an expression:
// "rate(5 minutes)", whose first tick is when it gets its target,
// "cron(0 3 * * ? *)", where the year may be left out, or
// "at(2006-01-02T15:04:05)", which ticks once. nil options mean the defaults.
func (c *Cloud) Scheduler(name, expression string, o *SchedulerOptions) *Scheduler {
	if o == nil {
		o = &SchedulerOptions{}
	}
	s := &Scheduler{
		cloud: c, name: name, group: cmp.Or(o.Group, "default"), window: o.FlexibleWindow,
		start: o.Start, end: o.End, deletes: o.DeleteAfterCompletion,
	}
	zone, err := loadZone(cmp.Or(o.TimeZone, "UTC")) // reads files: not in the loop
	c.wire(func() error {
		if err != nil {
			return s.refuse("Invalid Schedule Expression Timezone %s: %v", clip(o.TimeZone, 60), err)
		}
		if err := s.check(expression, zone); err != nil {
			return err
		}
		return register(c.schedulers, "schedule", s.key(), s)
	})
	return s
}

// Name returns the name that was given.
func (s *Scheduler) Name() string { return s.name }

// ARN returns the schedule's ARN, in which its group is.
func (s *Scheduler) ARN() string {
	return "arn:aws:scheduler:" + Region + ":" + Account + ":schedule/" + s.key()
}

func (s *Scheduler) key() string { return s.group + "/" + s.name }

// label is its name in the timeline and at sites of faults.
func (s *Scheduler) label() string { return strings.TrimPrefix(s.key(), "default/") }

// Target has the schedule send its ticks to a function, a queue or a topic.
// There can be one only.
func (s *Scheduler) Target(recipient Recipient, o *Target) {
	if o == nil {
		o = &Target{}
	}
	s.cloud.wire(func() error { return s.aim(recipient, o) })
}

func (s *Scheduler) trigger(f *Function, o *Target) error { return s.aim(f, o) }

func (s *Scheduler) refuse(format string, args ...any) error {
	return &Error{s.name, "ValidationException", fmt.Sprintf(format, args...)}
}

// schedulerName is the form of names of schedules and of their groups.
var schedulerName = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`)

func loadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fmt.Errorf("the zone of this machine has another name")
	}
	if name == "UTC" {
		return time.UTC, nil
	}
	return time.LoadLocation(name)
}

// check reads the expression and returns what is wrong with the schedule.
func (s *Scheduler) check(expression string, zone *time.Location) (err error) {
	for _, name := range []string{s.name, s.group} {
		if !schedulerName.MatchString(name) {
			return s.refuse("%q: a name has 1 to 64 letters, digits, dots, hyphens and underscores", clip(name, 80))
		}
	}
	if s.plan, err = parseScheduler(expression, zone); err != nil {
		return s.refuse("Invalid Schedule Expression %s: %v.", clip(expression, 256), err)
	}
	if s.window < 0 || s.window > 24*time.Hour || s.window%time.Minute != 0 {
		return s.refuse("FlexibleTimeWindow %v: must be 1 to 1440 whole minutes", s.window)
	}
	now := s.cloud.instant()
	if once, ok := s.plan.(at); ok {
		s.start, s.end = time.Time{}, time.Time{} // at ignores them
		if t := time.Time(once); !t.IsZero() && !t.After(now) {
			return s.refuse("Invalid Schedule Expression %s: the time is past.", expression)
		}
		return nil
	}
	switch {
	case !s.start.IsZero() && s.start.Before(now.Add(-5*time.Minute)):
		return s.refuse("The StartDate you specify cannot be earlier than 5 minutes ago.")
	case !s.end.IsZero() && !s.end.After(now):
		return s.refuse("The EndDate you specify cannot be in the past.")
	case !s.end.IsZero() && !s.end.After(s.start):
		return s.refuse("The EndDate you specify must come after the StartDate.")
	}
	return nil
}

// aim sets the target, and with it the schedule begins.
func (s *Scheduler) aim(recipient Recipient, o *Target) error {
	t, err := s.cloud.newScheduleTarget(s.name, recipient, o)
	if err != nil {
		return err
	}
	if s.target != nil {
		return s.refuse("a schedule has one target; this one has %s", s.target.recipient.Name())
	}
	if _, ok := recipient.(*Function); ok && o.Input != "" && !json.Valid(s.input(o.Input, time.Time{}, "0", 1)) {
		return s.refuse("Invalid RequestJson provided. Reason The Input for %s must be well-formed JSON.", recipient.Name())
	}
	if len(o.Input) > 256<<10 {
		return s.refuse("the Input for %s has %d bytes, and may have 262144", recipient.Name(), len(o.Input))
	}
	s.target = t
	now := s.cloud.instant()
	_, periodic := s.plan.(rate)
	switch early := s.start.After(now); {
	case periodic && early:
		s.plant(s.start, true)
	case periodic:
		s.plant(now, true)
	case early:
		s.plant(s.plan.next(s.start.Add(-1))) // at the very start, too
	default:
		s.plant(s.plan.next(now))
	}
	return nil
}

// plant sets the tick at next. Without one the schedule ends.
func (s *Scheduler) plant(next time.Time, ok bool) {
	c := s.cloud
	if !ok || !s.end.IsZero() && next.After(s.end) {
		s.last = true
		s.complete()
		return
	}
	c.at(next.Sub(c.start), false, func() { s.tick(next) })
}

// tick is executed at the nominal time of a tick. It stays that of the payload,
// wherever in the window the target gets it.
func (s *Scheduler) tick(nominal time.Time) {
	c := s.cloud
	s.ticks++
	s.pending += 2 // as many as a fault can make of it
	release := func() {
		s.pending -= 2 - c.unluckyTick(s.label(), func() { s.fire(nominal) })
		s.complete()
	}
	if s.window > 0 {
		within := c.hash("window "+s.key(), s.ticks) % uint64(s.window/time.Second)
		c.at(c.now+time.Duration(within)*time.Second, false, release)
	} else {
		release()
	}
	s.plant(s.plan.next(nominal))
}

func (s *Scheduler) fire(nominal time.Time) {
	c, t := s.cloud, s.target
	c.note(s.label(), "tick", entity{}, timestamp(nominal))
	id := c.uuid("tick", c.number("tick"))
	var execution string // that of the last try, and what it sent
	var sent []byte
	d := &targetDelivery{
		cloud: c, sender: s.label(), target: t.recipient, group: t.Group, policy: t.policy, cause: s.label() + " tick",
		payload: func(try int) []byte {
			execution = fmt.Sprintf("%016x", c.hash("scheduler execution", c.number("scheduler execution")))
			if t.Input == "" {
				sent = awspayload.AppendSchedulerEvent(nil, id, Account, Region, s.group, s.name, nominal)
			} else {
				sent = s.input(t.Input, nominal, execution, try)
			}
			return sent
		},
		letter: func(f *undelivered) Message { return s.letter(sent, nominal, execution, f) },
		over: func() {
			s.pending--
			s.complete()
		},
	}
	d.start()
}

// input puts the values into the input.
func (s *Scheduler) input(text string, nominal time.Time, execution string, try int) []byte {
	return []byte(strings.NewReplacer(
		"<aws.scheduler.schedule-arn>", s.ARN(),
		"<aws.scheduler.scheduled-time>", timestamp(nominal),
		"<aws.scheduler.execution-id>", execution,
		"<aws.scheduler.attempt-number>", strconv.Itoa(try),
	).Replace(text))
}

// letter makes the dead letter: what was sent to the target at last, as much
// of it as fits into a message beside the attributes.
func (s *Scheduler) letter(sent []byte, nominal time.Time, execution string, f *undelivered) Message {
	code := "AWS.Scheduler.InternalServerError"
	if f.permanent {
		code = f.err.Code
	}
	const room = maxMessageSize - 4<<10
	truncated := len(sent) > room
	if truncated {
		sent = bytes.ToValidUTF8(sent[:room], nil)
	}
	m := Message{Body: string(sent), Attributes: map[string]Attribute{}}
	addTexts(m.Attributes, "SCHEDULE_ARN", s.ARN(), "TARGET_ARN", actionARN(s.target.recipient), "SCHEDULED_TIME", timestamp(nominal),
		"EXECUTION_ID", execution, "ERROR_CODE", code, "ERROR_MESSAGE", f.err.Message,
		"EXHAUSTED_RETRY_CONDITION", f.condition, "RETRY_ATTEMPTS", strconv.Itoa(f.retries), "IS_PAYLOAD_TRUNCATED", strconv.FormatBool(truncated))
	return m
}

// actionARN names the call that Scheduler makes to a target.
func actionARN(target Recipient) string {
	action := "lambda:invoke"
	switch target.(type) {
	case *Queue:
		action = "sqs:sendMessage"
	case *Topic:
		action = "sns:publish"
	}
	return "arn:aws:scheduler:::aws-sdk:" + action
}

// complete deletes the schedule after its last tick, if it is to be.
func (s *Scheduler) complete() {
	if s.pending > 0 || !s.last || !s.deletes {
		return
	}
	s.deletes = false
	delete(s.cloud.schedulers, s.key())
	s.cloud.note(s.label(), "delete", entity{}, "after its completion")
}
