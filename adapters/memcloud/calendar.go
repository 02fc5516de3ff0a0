package memcloud

import (
	"math/bits"
	"time"
)

// next returns the first tick after t. It walks over the clock on the wall of
// its zone, not over time: years and months that match, then days, hours and
// minutes. A time that the wall's clock never shows is skipped, and of two
// times that it shows alike the first one counts, so ticks are in the same
// order on the wall and in time.
func (c *cron) next(t time.Time) (time.Time, bool) {
	local := t.In(c.zone)
	// from is what the wall shows at t, written as if it were UTC.
	from := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
	for year := max(from.Year(), firstYear); year <= lastYear; year++ {
		if !c.year[year-firstYear] {
			continue
		}
		for month := c.month; month != 0; month &= month - 1 {
			first := time.Date(year, time.Month(month.min()), 1, 0, 0, 0, 0, time.UTC)
			if first.AddDate(0, 1, 0).Before(from) {
				continue
			}
			for days := c.days(first); days != 0; days &= days - 1 {
				day := first.AddDate(0, 0, days.min()-1)
				if at, ok := c.within(day, from, t); ok {
					return at, true
				}
			}
		}
	}
	return time.Time{}, false
}

// within returns the first tick of the wall's day that is after t.
func (c *cron) within(day, from, t time.Time) (time.Time, bool) {
	if day.AddDate(0, 0, 1).Before(from) {
		return time.Time{}, false
	}
	for hour := c.hour; hour != 0; hour &= hour - 1 {
		for minute := c.minute; minute != 0; minute &= minute - 1 {
			wall := day.Add(time.Duration(hour.min()*60+minute.min()) * time.Minute)
			if wall.Before(from) {
				continue
			}
			if at, ok := onClock(wall, c.zone); ok && at.After(t) {
				return at, true
			}
		}
	}
	return time.Time{}, false
}

// min returns the least member of a set that has one.
func (s set) min() int { return bits.TrailingZeros64(uint64(s)) }

// onClock returns the first instant at which the clocks of the zone show what
// wall shows in UTC; false: they never do, because they are put forward.
func onClock(wall time.Time, zone *time.Location) (time.Time, bool) {
	if zone == time.UTC {
		return wall, true
	}
	// Near is right but for the hours around a transition, and there it uses
	// the offset of one of the sides.
	near := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	start, end := near.ZoneBounds()
	_, offset := near.Zone()
	offsets := []int{offset}
	if !start.IsZero() {
		_, before := start.Add(-1).Zone()
		offsets = append(offsets, before)
	}
	if !end.IsZero() {
		_, after := end.Zone()
		offsets = append(offsets, after)
	}
	var first time.Time
	for _, offset := range offsets {
		at := wall.Add(-time.Duration(offset) * time.Second)
		if _, o := at.In(zone).Zone(); o == offset && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first, !first.IsZero()
}

// days returns the days of the month that match.
func (c *cron) days(first time.Time) set {
	n := first.AddDate(0, 1, -1).Day()
	all := set(1)<<(n+1) - 2
	weekday := func(day int) int { return (int(first.Weekday())+day-1)%7 + 1 }
	switch {
	case c.lastDay:
		return 1 << n
	case c.nearWeekday > n:
		return 0
	case c.nearWeekday > 0:
		return 1 << workingDay(c.nearWeekday, n, weekday(c.nearWeekday))
	case !c.byWeekday:
		return c.day & all
	}
	var days set
	for day := 1; day <= n; day++ {
		w := weekday(day)
		switch {
		case c.lastOf > 0 && (w != c.lastOf || day <= n-7):
		case c.nth > 0 && (w != c.nthOf || (day+6)/7 != c.nth):
		case c.lastOf == 0 && c.nth == 0 && !c.weekday.has(w):
		default:
			days |= 1 << day
		}
	}
	return days
}

// workingDay returns the day from Monday to Friday that is next to a day, of
// which the weekday is given, in its month of n days.
func workingDay(day, n, weekday int) int {
	switch {
	case weekday == 7 && day == 1:
		return 3
	case weekday == 7:
		return day - 1
	case weekday == 1 && day == n:
		return n - 2
	case weekday == 1:
		return day + 1
	}
	return day
}
