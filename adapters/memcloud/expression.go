package memcloud

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A plan says when a schedule ticks.
type plan interface {
	// next returns the first tick after t; false: there is none.
	next(t time.Time) (time.Time, bool)
}

// rate is a plan with a period, counted from the first tick, in time that
// passes: a day is 24 h, whatever the clocks on the wall do.
type rate time.Duration

func (r rate) next(t time.Time) (time.Time, bool) { return t.Add(time.Duration(r)), true }

// at is a plan with one tick. The zero at has none: it names a local time that
// is skipped.
type at time.Time

func (a at) next(t time.Time) (time.Time, bool) {
	once := time.Time(a)
	return once, !once.IsZero() && once.After(t)
}

// parseRule reads a rule's expression, which is in UTC.
func parseRule(s string) (plan, error) {
	kind, body, err := cutExpression(s)
	switch {
	case err != nil:
		return nil, err
	case kind == "rate":
		return parseRate(body)
	case kind == "cron":
		return parseCron(body, time.UTC)
	case kind == "at":
		return nil, errors.New("at() is for EventBridge Scheduler; a rule takes rate() or cron()")
	}
	return nil, fmt.Errorf("%q is neither rate nor cron", kind)
}

// parseScheduler reads an expression of EventBridge Scheduler. cron may lack
// the year: its guide calls it optional, its API reference does not.
func parseScheduler(s string, zone *time.Location) (plan, error) {
	kind, body, err := cutExpression(s)
	switch {
	case err != nil:
		return nil, err
	case kind == "rate":
		return parseRate(body)
	case kind == "cron":
		if strings.Count(body, " ") == 4 {
			body += " *"
		}
		return parseCron(body, zone)
	case kind == "at":
		return parseAt(body, zone)
	}
	return nil, fmt.Errorf("%q is none of rate, cron and at", kind)
}

// cutExpression cuts "kind(body)".
func cutExpression(s string) (kind, body string, err error) {
	if len(s) > 256 {
		return "", "", errors.New("longer than 256 characters")
	}
	for _, b := range []byte(s) {
		if b < ' ' || b > '~' {
			return "", "", errors.New("only printable ASCII characters are allowed")
		}
	}
	kind, rest, ok := strings.Cut(s, "(")
	body, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return "", "", errors.New("must be rate(value unit) or cron(fields)")
	}
	return kind, body, nil
}

// rates are positive numbers without a sign; a period of 1 needs the
// singular, a longer one the plural.
var rates = regexp.MustCompile(`^([1-9][0-9]*) (minute|hour|day)(s?)$`)

func parseRate(body string) (plan, error) {
	m := rates.FindStringSubmatch(body)
	if m == nil {
		return nil, errors.New("a rate is a positive number, a space, and minute(s), hour(s) or day(s)")
	}
	n, err := strconv.Atoi(m[1])
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
	switch {
	case err != nil || time.Duration(n) > 100*365*24*time.Hour/unit:
		return nil, fmt.Errorf("the rate %s is too long", m[1])
	case (n == 1) != (m[3] == ""):
		return nil, fmt.Errorf("write \"1 %s\", but \"2 %ss\"", m[2], m[2])
	}
	return rate(time.Duration(n) * unit), nil
}

func parseAt(body string, zone *time.Location) (plan, error) {
	const layout = "2006-01-02T15:04:05"
	wall, err := time.Parse(layout, body)
	if err != nil || len(body) != len(layout) { // Parse takes fractions of a second
		return nil, errors.New("at takes yyyy-mm-ddThh:mm:ss, without a zone")
	}
	once, _ := onClock(wall, zone)
	return at(once), nil
}
