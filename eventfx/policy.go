package eventfx

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"
)

// A policy is how the messages of one route are delivered: once( dead letter(
// retry( timeout( recover( middleware( decode, handler )))))).
type policy struct {
	once       Handler // around runPolicy; nil without a Once
	deadLetter DeadLetter
	retry      Retry
	timeout    Timeout
	handler    Handler // middleware, decode and the user's handler
}

// deadLetterLimit is how long a dead letter may take. It has a context of its
// own, for the message's context may be done.
const deadLetterLimit = 5 * time.Second

var errForeignContext = errors.New("eventfx: a Once must call its next handler with the context that it got, or one derived from it")
var errForeignMessage = errors.New("eventfx: a Once must call its next handler with messages of the delivery that it got, or clones of them")

// apply runs the handler for records until they are done, cannot succeed, or
// the deadline leaves no room for another run; then it buries the dead.
func (t *turn) apply(ctx context.Context, records []*record) {
	p := &t.route.policy
	for left, n := records, 1; ; n++ {
		if ctx.Err() != nil || t.batch.isClosed() {
			break // nothing new starts
		}
		end, err := t.attempt(ctx, n, left)
		if t.batch.isClosed() {
			// Nobody waits for the result: it must not be committed.
			for _, rec := range records {
				rec.fail(Failure{Err: ErrUnfinished})
			}
			observeAttempt(end, err, -1)
			return
		}
		left = t.losers(ctx, p, left)
		delay, again := p.next(ctx, n, left)
		if !again {
			if len(left) > 0 && n >= p.retry.Attempts && ctx.Err() == nil {
				for _, rec := range left {
					rec.exhausted = rec.hadItsRun()
				}
			}
			observeAttempt(end, err, -1)
			break
		}
		observeAttempt(end, err, delay)
		if !t.batch.wait(ctx, delay) {
			break
		}
	}
	for _, rec := range records {
		rec.ran = true
		if rec.state == waiting && rec.err == nil {
			rec.err = ErrUnfinished
		}
	}
	t.bury(ctx, p, records)
}

// losers returns the records that failed and are worth another run. In a group
// they are the first that failed, and all after it.
func (t *turn) losers(ctx context.Context, p *policy, records []*record) []*record {
	var left []*record
	for i, rec := range records {
		if rec.state == handled {
			continue
		}
		again := !isPermanent(rec.err)
		if again && p.retry.If != nil && !p.retry.If(rec.err) {
			again = false
			rec.exhausted = ctx.Err() == nil && rec.hadItsRun()
		}
		if t.ordered {
			if again {
				left = records[i:]
			}
			return left
		}
		if again {
			left = append(left, rec)
		}
	}
	return left
}

// hadItsRun reports whether a run of this delivery speaks against the message.
// Middleware that turned it away (a limit, an open breaker) says ErrUnfinished:
// a message is not dead of that, whatever its count of receives.
func (r *result) hadItsRun() bool {
	for _, a := range r.attempts {
		if !errors.Is(a.Err, ErrUnfinished) {
			return true
		}
	}
	return false
}

// next returns the delay before run n+1 of left, and whether there is one.
func (p *policy) next(ctx context.Context, n int, left []*record) (time.Duration, bool) {
	if len(left) == 0 || n >= p.retry.Attempts || ctx.Err() != nil {
		return 0, false
	}
	var delay time.Duration
	for _, rec := range left {
		if rec.err != errBlocked {
			delay = max(delay, p.retry.delay(n, rec))
		}
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return 0, false
	}
	return delay, true
}

// delay is computed once for each failed run. What is random in it is drawn
// from the event's identity, so that a run can be repeated exactly while
// messages that failed together still come back apart.
func (r *Retry) delay(n int, rec *record) time.Duration {
	if _, asked := delayAsked(rec.err); asked || rec.after > 0 {
		return max(0, rec.after)
	}
	if r.Delay != nil {
		return max(0, r.Delay(n, rec.err))
	}
	base, most := r.Base, r.Max
	if base <= 0 {
		base = 100 * time.Millisecond
	}
	if most <= 0 {
		most = 20 * time.Second
	}
	ceiling := most
	if shift := n - 1; shift < 62 && base < most>>shift {
		ceiling = base << shift
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\n%s\n%d\n%d", rec.message.Source(), rec.message.ID(), rec.message.Origin.Receives, n)
	part := float64(h.Sum64()>>11) / (1 << 53)
	return time.Duration(part * float64(ceiling))
}

// bury writes the records that cannot succeed to the dead letter. In a group
// only the first that failed can be dead: those after it have not had their turn.
func (t *turn) bury(ctx context.Context, p *policy, records []*record) {
	for _, rec := range records {
		if rec.state != waiting {
			continue
		}
		if reason := p.retry.reason(rec); reason != "" && p.deadLetter != nil {
			d := &Dead{Message: rec.message, Route: t.routeName(), Reason: reason, Err: rec.err, Attempts: rec.attempts}
			err := t.keep(&turnContext{Context: ctx, turn: t, message: rec.message}, p.deadLetter, d)
			if err == nil {
				rec.state, rec.found = dead, d
			} else {
				rec.err = &unkeptError{rec.err, err}
			}
		}
		if t.ordered {
			return
		}
	}
}

// keep writes one dead letter. It is refused when Deliver has returned.
func (t *turn) keep(ctx context.Context, write DeadLetter, d *Dead) (err error) {
	if t.batch.isClosed() {
		return ErrUnfinished
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadLetterLimit)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			err = newPanicError(value)
		}
	}()
	return write(ctx, d)
}

// reason says why rec is dead; "" means that it is not.
func (r *Retry) reason(rec *record) string {
	if isPermanent(rec.err) {
		if _, ok := errors.AsType[*decodeError](rec.err); ok {
			return "decode"
		}
		return "permanent"
	}
	last := rec.message.Origin.Last
	if r.Deliveries < 0 || !rec.exhausted && (!last || len(rec.attempts) == 0) {
		return "" // one that will not come again is dead for want of time, too
	}
	deliveries := r.Deliveries
	if deliveries == 0 {
		deliveries = 5
	}
	if deliveries > 1 && rec.message.Origin.Receives < deliveries && !last {
		return ""
	}
	if _, ok := errors.AsType[*PanicError](rec.err); ok {
		return "panic"
	}
	return "retriesexhausted"
}

func (t *turn) routeName() string {
	if t.route == nil {
		return ""
	}
	return t.route.name
}
