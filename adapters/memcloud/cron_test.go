package memcloud

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The twin of cron reads an expression from AWS's description and tries one
// minute after the other.
type cronTwin struct {
	fields [6]string
	zone   *time.Location
}

func newCronTwin(body string, zone *time.Location) *cronTwin {
	return &cronTwin{[6]string(strings.Fields(body)), zone}
}

// next looks at the minutes after t and before the limit.
func (c *cronTwin) next(t, limit time.Time) (time.Time, bool) {
	for at := t.Truncate(time.Minute).Add(time.Minute); at.Before(limit); at = at.Add(time.Minute) {
		if c.matches(at.In(c.zone)) && !c.shownBefore(at) {
			return at, true
		}
	}
	return time.Time{}, false
}

// shownBefore reports whether the clocks of the zone showed the same before.
func (c *cronTwin) shownBefore(at time.Time) bool {
	const layout = "2006-01-02 15:04"
	for m := 1; m <= 180; m++ {
		if at.Add(-time.Duration(m)*time.Minute).In(c.zone).Format(layout) == at.In(c.zone).Format(layout) {
			return true
		}
	}
	return false
}

func (c *cronTwin) matches(wall time.Time) bool {
	return twinField(c.fields[0], wall.Minute(), 0, 59, nil) &&
		twinField(c.fields[1], wall.Hour(), 0, 23, nil) &&
		twinField(c.fields[3], int(wall.Month()), 1, 12, twinMonths) &&
		twinField(c.fields[5], wall.Year(), 1970, 2199, nil) &&
		c.matchesDay(wall)
}

var (
	twinMonths   = strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
	twinWeekdays = strings.Fields("SUN MON TUE WED THU FRI SAT")
)

func (c *cronTwin) matchesDay(wall time.Time) bool {
	y, m, d := wall.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	weekday := int(day.Weekday()) + 1
	if c.fields[4] == "?" {
		number, near := strings.CutSuffix(c.fields[2], "W")
		switch {
		case c.fields[2] == "L":
			return day.AddDate(0, 0, 1).Month() != m
		case near:
			n, _ := strconv.Atoi(number)
			if time.Date(y, m, n, 0, 0, 0, 0, time.UTC).Month() != m {
				return false
			}
			for _, distance := range []int{0, -1, 1, -2, 2} {
				nearest := time.Date(y, m, n+distance, 0, 0, 0, 0, time.UTC)
				if w := nearest.Weekday(); nearest.Month() == m && w != time.Saturday && w != time.Sunday {
					return nearest.Equal(day)
				}
			}
		}
		return twinField(c.fields[2], d, 1, 31, nil)
	}
	of, nth, numbered := strings.Cut(c.fields[4], "#")
	of, last := strings.CutSuffix(of, "L")
	switch {
	case last && of == "":
		return weekday == 7
	case last:
		return twinField(of, weekday, 1, 7, twinWeekdays) && day.AddDate(0, 0, 7).Month() != m
	case numbered:
		count := 0
		for before := day; before.Month() == m; before = before.AddDate(0, 0, -7) {
			count++
		}
		return twinField(of, weekday, 1, 7, twinWeekdays) && strconv.Itoa(count) == nth
	}
	return twinField(of, weekday, 1, 7, twinWeekdays)
}

// twinField walks along the values of each part until it meets n.
func twinField(field string, n, low, high int, names []string) bool {
	value := func(s string) int {
		for i, name := range names {
			if strings.EqualFold(s, name) {
				return i + 1
			}
		}
		v, err := strconv.Atoi(s)
		if err != nil {
			panic(err)
		}
		return v
	}
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			step, _ = strconv.Atoi(stepText)
		}
		from, to := low, high
		if a, b, ranged := strings.Cut(span, "-"); ranged {
			from, to = value(a), value(b)
		} else if span != "*" {
			if from = value(span); !stepped {
				to = from
			}
		}
		for at, i := from, 0; ; i++ {
			if at == n && i%step == 0 {
				return true
			}
			if at == to {
				break
			}
			if at++; at > high {
				at = low
			}
		}
	}
	return false
}

// cronZones are of all kinds: none, an hour, half an hour, 45 minutes off, one
// that skipped a day (Apia, 2011-12-30), one that goes back in spring.
var cronZones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca",
}

// randomField makes a field, of names now and then.
func randomField(r *rand.Rand, low, high int, names []string) string {
	value := func() string {
		if len(names) > 0 && r.IntN(3) == 0 {
			return names[r.IntN(len(names))]
		}
		return strconv.Itoa(low + r.IntN(high-low+1))
	}
	step := func() string { return "/" + strconv.Itoa(1+r.IntN(high)) }
	var parts []string
	for range 1 + r.IntN(3) {
		switch r.IntN(6) {
		case 0:
			parts = append(parts, value()+"-"+value())
		case 1:
			parts = append(parts, value()+step())
		case 2:
			parts = append(parts, value()+"-"+value()+step())
		case 3:
			parts = append(parts, "*"+step())
		default:
			parts = append(parts, value())
		}
	}
	return strings.Join(parts, ",")
}

// randomCron makes an expression that AWS takes.
func randomCron(r *rand.Rand) string {
	often := func(s string) string { // every second time it is *
		if r.IntN(2) == 0 {
			return "*"
		}
		return s
	}
	day, weekday := "?", "?"
	one := strconv.Itoa(1 + r.IntN(7))
	if r.IntN(2) == 0 {
		one = twinWeekdays[r.IntN(7)]
	}
	switch r.IntN(8) {
	case 0:
		day = "L"
	case 1:
		day = strconv.Itoa(1+r.IntN(31)) + "W"
	case 2, 3:
		day = often(randomField(r, 1, 31, nil))
	case 4:
		weekday = one + "L"
	case 5:
		weekday = one + "#" + strconv.Itoa(1+r.IntN(5))
	case 6:
		weekday = "L"
	default:
		weekday = often(randomField(r, 1, 7, twinWeekdays))
	}
	return strings.Join([]string{
		randomField(r, 0, 59, nil), often(randomField(r, 0, 23, nil)), day,
		often(randomField(r, 1, 12, twinMonths)), weekday, often(randomField(r, 1998, 2015, nil)),
	}, " ")
}

func TestCronTwin(t *testing.T) {
	// Rules E2.3, E2.5, E2.6, E2.8, E2.10, E3.5 and E3.6
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	runs, found := 250, 0
	if testing.Short() {
		runs = 50
	}
	for range runs {
		name, body := cronZones[r.IntN(len(cronZones))], randomCron(r)
		zone, err := loadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCron(body, zone)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		twin := newCronTwin(body, zone)
		start := time.Date(2000+r.IntN(14), time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), 0, time.UTC)
		if _, end := start.In(zone).ZoneBounds(); r.IntN(2) == 0 && !end.IsZero() {
			start = end.Add(-time.Duration(r.IntN(40*60)) * time.Minute) // the clocks are about to change
		}
		limit := start.AddDate(0, 0, 33)
		for at, n := start, 0; n < 40; n++ {
			got, ok := c.next(at)
			want, wanted := twin.next(at, limit)
			if ok && !got.Before(limit) {
				ok = false
			}
			if ok != wanted || ok && !got.Equal(want) {
				t.Fatalf("seed %d: cron(%s) in %s after %v: %v, %v, want %v, %v", seed, body, name, at, got, ok, want, wanted)
			}
			if !ok {
				break
			}
			at = got
			found++
		}
	}
	if found < runs {
		t.Errorf("%d ticks only", found)
	}
}

func TestSparseCron(t *testing.T) {
	// Rules E2.3 and E2.5
	tests := []struct{ reason, zone, body, want string }{
		{"a leap day that is a Monday", "UTC", "0 12 ? 2 2#5 *", "2044-02-29 Mon"},
		{"the same in a zone", "Europe/Berlin", "0 12 ? 2 2#5 *", "2044-02-29 Mon"},
		{"a day that no month has", "UTC", "0 0 30 2 ? *", ""},
		{"the same in a zone", "Europe/Berlin", "0 0 30 2 ? *", ""},
		{"the working day next to a day that no month has", "UTC", "0 0 31W 4,6,9,11 ? *", ""},
		{"the last minute of all", "UTC", "59 23 31 12 ? 2199", "2199-12-31 Tue"},
		{"years that are past", "UTC", "0 0 1 1 ? 1970-1999", ""},
		{"a time that is skipped each year", "Europe/Berlin", "30 2 ? 3 1L *", ""},
	}
	from := time.Date(2016, 3, 1, 0, 0, 0, 0, time.UTC)
	begun := time.Now()
	for _, test := range tests {
		zone, err := loadZone(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCron(test.body, zone)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if at, ok := c.next(from); ok {
			got = at.In(zone).Format("2006-01-02 Mon")
		}
		if got != test.want {
			t.Errorf("%s in %s: %q, want %q", test.reason, zone, got, test.want)
		}
	}
	// By the minute it would take minutes. It takes a few milliseconds.
	if took := time.Since(begun); took > time.Second {
		t.Errorf("%v", took)
	}
}

func FuzzExpression(f *testing.F) {
	// Rules E2.1, E2.2, E2.4, E2.7 and E2.9
	for _, expression := range []string{"rate(5 minutes)", "cron(0 20-2 ? * MON-FRI *)", "cron(15 10 ? * 6L 2022-2023)", "cron(0 0 31W 2 ? *)", "cron(0 0 ? * SAT#5)", "at(2022-11-20T13:00:00)"} {
		f.Add(expression, uint8(1), int64(1_000_000_000))
	}
	f.Fuzz(func(t *testing.T, expression string, zoneNumber uint8, unix int64) {
		zone, err := loadZone(cronZones[int(zoneNumber)%len(cronZones)])
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(unix%(1<<33), 0)
		_, ruleErr := parseRule(expression)
		p, err := parseScheduler(expression, zone)
		if ruleErr == nil && err != nil {
			t.Fatalf("a rule takes %q, Scheduler does not: %v", expression, err)
		}
		if err != nil {
			return
		}
		next, ok := p.next(at)
		if ok && !next.After(at) {
			t.Fatalf("%q: %v is not after %v", expression, next, at)
		}
		if c, isCron := p.(*cron); isCron && ok {
			body := strings.TrimSuffix(strings.TrimPrefix(expression, "cron("), ")")
			if strings.Count(body, " ") == 4 {
				body += " *"
			}
			if !newCronTwin(strings.ToUpper(body), c.zone).matches(next.In(c.zone)) {
				t.Fatalf("%q: %v does not match", expression, next.In(c.zone))
			}
		}
		if again := fmt.Sprint(p.next(at)); again != fmt.Sprint(next, ok) {
			t.Fatalf("%q: %s, then %v", expression, again, next)
		}
	})
}
