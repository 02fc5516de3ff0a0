package memcloud

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// cron is a plan of six fields. Each is a set of values, those of the days
// with what depends on the month beside them.
type cron struct {
	zone *time.Location

	minute, hour, day, month, weekday set // weekday: 1 is Sunday
	year                              []bool

	byWeekday   bool // the day of the month is "?"
	lastDay     bool // L
	nearWeekday int  // 15W: the working day next to the 15th; 0: none
	lastOf      int  // 6L: the last Friday; 0: none
	nthOf, nth  int  // 3#2: the second Tuesday
}

// set has bit n for the value n, up to 63.
type set uint64

func (s set) has(n int) bool { return s>>n&1 == 1 }

const firstYear, lastYear = 1970, 2199

var (
	monthNames   = names("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
	weekdayNames = names("SUN MON TUE WED THU FRI SAT")
)

func names(list string) map[string]int {
	m := map[string]int{}
	for i, name := range strings.Fields(list) {
		m[name] = i + 1
	}
	return m
}

func parseCron(body string, zone *time.Location) (plan, error) {
	fields := strings.Fields(body)
	if len(fields) != 6 || strings.Join(fields, " ") != body {
		return nil, fmt.Errorf("a cron expression has six fields, with one space between: minute hour day-of-month month day-of-week year")
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return nil, fmt.Errorf("exactly one of day-of-month and day-of-week must be ?")
	}
	c := &cron{zone: zone, byWeekday: fields[2] == "?"}
	var err error
	read := func(into *set, name, field string, low, high int, names map[string]int) {
		if err == nil {
			err = parseField(field, low, high, names, func(n int) { *into |= 1 << n })
			if err != nil {
				err = fmt.Errorf("%s %q: %w", name, field, err)
			}
		}
	}
	read(&c.minute, "minute", fields[0], 0, 59, nil)
	read(&c.hour, "hour", fields[1], 0, 23, nil)
	read(&c.month, "month", fields[3], 1, 12, monthNames)
	switch special, e := c.special(fields[2], fields[4]); {
	case e != nil:
		return nil, e
	case special:
	case c.byWeekday:
		read(&c.weekday, "day-of-week", fields[4], 1, 7, weekdayNames)
	default:
		read(&c.day, "day-of-month", fields[2], 1, 31, nil)
	}
	if err != nil {
		return nil, err
	}
	c.year = make([]bool, lastYear-firstYear+1)
	if err := parseField(fields[5], firstYear, lastYear, nil, func(n int) { c.year[n-firstYear] = true }); err != nil {
		return nil, fmt.Errorf("year %q: %w", fields[5], err)
	}
	return c, nil
}

var (
	nearDay     = regexp.MustCompile(`^([0-9]+)W$`)
	lastWeekday = regexp.MustCompile(`^([0-9A-Z]+)L$`)
	nthWeekday  = regexp.MustCompile(`^([0-9A-Z]+)#([1-5])$`)
)

// special reads the day fields that are no plain sets.
func (c *cron) special(day, weekday string) (bool, error) {
	weekday = strings.ToUpper(weekday)
	number := func(s string) int {
		if n, ok := weekdayNames[s]; ok {
			return n
		}
		n, _ := strconv.Atoi(s)
		return n
	}
	if !c.byWeekday {
		switch m := nearDay.FindStringSubmatch(day); {
		case day == "L":
			c.lastDay = true
		case m != nil:
			if c.nearWeekday = number(m[1]); c.nearWeekday < 1 || c.nearWeekday > 31 {
				return false, fmt.Errorf("day-of-month %q: must be 1W to 31W", day)
			}
		case strings.ContainsAny(day, "LW"):
			return false, fmt.Errorf("day-of-month %q: L and a number with W stand alone", day)
		default:
			return false, nil
		}
		return true, nil
	}
	switch last, nth := lastWeekday.FindStringSubmatch(weekday), nthWeekday.FindStringSubmatch(weekday); {
	case nth != nil:
		c.nthOf, c.nth = number(nth[1]), int(nth[2][0]-'0')
		if c.nthOf < 1 || c.nthOf > 7 {
			return false, fmt.Errorf("day-of-week %q: the day must be 1 (Sunday) to 7", weekday)
		}
	case last != nil:
		if c.lastOf = number(last[1]); c.lastOf < 1 || c.lastOf > 7 {
			return false, fmt.Errorf("day-of-week %q: the day must be 1 (Sunday) to 7", weekday)
		}
	case weekday == "L": // the last day of the week
		c.weekday = 1 << 7
	case strings.Contains(weekday, "#"):
		return false, fmt.Errorf("day-of-week %q: one day with # and a number, or a day with L, stands alone", weekday)
	default:
		return false, nil
	}
	return true, nil
}

// parseField reads lists, ranges (which may wrap: 20-2) and steps.
func parseField(field string, low, high int, names map[string]int, add func(int)) error {
	value := func(s string) (int, error) {
		if n, ok := names[strings.ToUpper(s)]; ok {
			return n, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > high || strings.ContainsAny(s, "+-") {
			return 0, fmt.Errorf("%q is not a value from %d to %d", s, low, high)
		}
		return n, nil
	}
	for _, part := range strings.Split(field, ",") {
		span, step, stepped := strings.Cut(part, "/")
		by := 1
		if stepped {
			var err error
			if by, err = strconv.Atoi(step); err != nil || by < 1 || by > high {
				return fmt.Errorf("%q is no step", step)
			}
		}
		first, last, ranged := strings.Cut(span, "-")
		from, to := low, high
		if span != "*" {
			var err error
			if from, err = value(first); err != nil {
				return err
			}
			switch {
			case ranged:
				if to, err = value(last); err != nil {
					return err
				}
			case !stepped:
				to = from
			}
		}
		if to < from {
			to += high - low + 1 // around the end
		}
		for n := from; n <= to; n += by {
			add(low + (n-low)%(high-low+1))
		}
	}
	return nil
}
