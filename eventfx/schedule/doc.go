// Package schedule is the kind of events that a clock sends.
//
// A source names the schedule. [Tick] gives the handler the time that it was
// for, [With] what the schedule was told to send:
//
//	eventfx.On(r, schedule.Tick{Name: "nightly-cleanup"}, cleanup)
//	eventfx.On(r, schedule.With[Report]{Name: "weekly-report"}, report)
//
//	func cleanup(ctx context.Context, e eventfx.Event[schedule.Time]) error {
//		return db.DeleteOlderThan(ctx, e.Data.At.AddDate(0, -1, 0))
//	}
//
// # Where events come from
//
// The sources know the scheduled rules of EventBridge (of type
// com.amazonaws.events.ScheduledEvent) and EventBridge Scheduler
// (com.amazonaws.scheduler.ScheduledEvent), directly or by way of a queue.
//
// A rule sends no input; where it is given one, it sends that alone, and
// nothing tells that a schedule sent it. Scheduler sends an input, too, and can
// put into it by which schedule and for which time. Package awsevents documents
// the form of input that it recognises.
//
// # Names
//
// Name is the name of the rule or of the schedule. Schedules of one name in
// several groups are told apart by "group/name".
//
// # Ticks come more than once
//
// Both services deliver a tick at least once. The event's id is the same each
// time, so an idempotency key of source and id is right; Time.Attempt is for the
// logs. A handler that makes use of Time.At, and not of the time by the clock,
// does the same work again and not other work.
//
// # Local testing
//
// A source needs nothing but the CloudEvent: Match and Decode can be called on
// any [eventfx.Message] made by hand, as in the examples.
package schedule
