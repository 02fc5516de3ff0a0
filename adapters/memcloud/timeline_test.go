package memcloud_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

func TestTimelineText(t *testing.T) {
	bubble(t, func(t *testing.T, cloud *memcloud.Cloud) {
		q := cloud.Queue("q", &memcloud.QueueOptions{Visibility: time.Hour})
		cloud.Topic("announcements").Send("two\nlines")
		q.Send(strings.Repeat("é", 130))
		for range 23 {
			q.Receive(1)
			cloud.Advance(time.Hour + 1500*time.Microsecond)
		}
		lines := strings.Split(cloud.Timeline(), "\n")
		for i, line := range map[int]string{
			0:  "00:00:00.000 announcements publish n-1 two lines",
			1:  "00:00:00.000 q             send    m-1 " + strings.Repeat("é", 120) + "…",
			2:  "00:00:00.000 q             receive m-1 (1st)",
			3:  "01:00:00.001 q             receive m-1 (2nd)",
			4:  "02:00:00.003 q             receive m-1 (3rd)",
			5:  "03:00:00.004 q             receive m-1 (4th)",
			12: "10:00:00.015 q             receive m-1 (11th)",
			22: "20:00:00.030 q             receive m-1 (21st)",
			24: "22:00:00.033 q             receive m-1 (23rd)",
		} {
			want(t, "line", lines[i], line)
		}
		cloud.Advance(100 * time.Hour)
		q.Receive(1)
		steps := cloud.Steps()
		last := steps[len(steps)-1]
		want(t, "text", last.String(), "96:00:00.000 q expire m-1 after 96h0m0s")
		if !strings.HasPrefix(steps[1].Text, strings.Repeat("é", 130)) {
			t.Error("a step has its whole text")
		}
	})
}

// A local program runs for ever; a test wants to see all that happened.
func TestTimelineOfALocalProgram(t *testing.T) {
	for _, test := range []struct {
		reason string
		t      memcloud.T
		least  int
		most   int
	}{
		{"without a T it forgets", nil, 10_000, 10_600},
		{"with one it does not", t, 25_000, 25_000},
	} {
		cloud := memcloud.Open(&memcloud.Options{T: test.t})
		q := cloud.Queue("orders", nil)
		messages := make([]memcloud.Message, 1000)
		for i := range 25 {
			for j := range messages {
				messages[j].Body = fmt.Sprint(1000*i + j)
			}
			q.SendBatch(messages...)
		}
		steps := cloud.Steps()
		if n := len(steps); n < test.least || n > test.most {
			t.Errorf("%s: %d steps, want %d to %d", test.reason, n, test.least, test.most)
		}
		want(t, test.reason, steps[len(steps)-1].Text, "24999")
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	}
}
