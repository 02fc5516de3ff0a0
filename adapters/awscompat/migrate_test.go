package awscompat_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/eventfx/eventfx-go/adapters/awscompat/internal/after"
	"github.com/eventfx/eventfx-go/adapters/awscompat/internal/before"
	"github.com/eventfx/eventfx-go/adapters/awscompat/internal/shop"
	"github.com/eventfx/eventfx-go/adapters/awspayload"
	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/eventfx"
)

// A pair is one of docs/migrate.md.
type pair struct {
	name    string
	before  any
	after   *eventfx.Router
	partial bool // the mapping has ReportBatchItemFailures
	// side says that the router runs what the loop left out after a failure:
	// the source repeats the whole batch either way.
	side    bool
	payload func(*rand.Rand) (payload []byte, ids []string)
}

func pairs() []pair {
	return []pair{
		{name: "orders", before: before.Orders, after: after.Orders(), partial: true, payload: orderBatch},
		{name: "audit", before: before.Audit, after: after.Audit(), partial: true, payload: auditBatch},
		{name: "uploads", before: before.Uploads, after: after.Uploads(), side: true, payload: uploadBatch},
		{name: "users", before: before.Users, after: after.Users(), payload: userBatch},
		{name: "events", before: before.Events, after: after.Events(), payload: busEvent},
		{name: "news", before: before.News, after: after.News(), payload: newsEvent},
	}
}

// TestMigrateEqualAnswers runs both sides of each pair on the same batches.
func TestMigrateEqualAnswers(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, p := range pairs() {
		t.Run(p.name, func(t *testing.T) {
			// Rule C5, Rule D3.3, Rule B7.6
			rng := rand.New(rand.NewPCG(seed, 0))
			p.after.Observer = quiet
			old := lambda.NewHandler(p.before)
			router := lambdahost.Handler(p.after, &lambdahost.Options{PartialBatch: p.partial})
			outcomes := make(map[bool]int) // whether all was done
			for range 500 {
				payload, ids := p.payload(rng)
				oldBack, oldCalls := outcome(t, old, payload, ids)
				newBack, newCalls := outcome(t, router, payload, ids)
				if diff := cmp.Diff(oldBack, newBack); diff != "" {
					t.Fatalf("what comes back for %s (-before +after):\n%s", payload, diff)
				}
				if len(oldBack) > 0 && p.side && len(newCalls) > len(oldCalls) {
					newCalls = newCalls[:len(oldCalls)]
				}
				if diff := cmp.Diff(oldCalls, newCalls); diff != "" {
					t.Fatalf("calls for %s (-before +after):\n%s", payload, diff)
				}
				outcomes[len(oldBack) == 0]++
			}
			if outcomes[true] == 0 || outcomes[false] == 0 {
				t.Errorf("outcomes %v: the batches are all alike", outcomes)
			}
		})
	}
}

// outcome returns the identifiers of what the source delivers again, and the
// calls of the program's own functions.
func outcome(t *testing.T, h lambda.Handler, payload []byte, ids []string) (back, calls []string) {
	t.Helper()
	ctx, watched := shop.Watch(t.Context())
	answer, err := h.Invoke(ctx, payload)
	if err != nil {
		return ids, watched.Lines()
	}
	var list struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		t.Fatalf("answer %s: %v", answer, err)
	}
	for _, f := range list.BatchItemFailures {
		back = append(back, f.ItemIdentifier)
	}
	return back, watched.Lines()
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func queueBatch(rng *rand.Rand, queue string, fill func(*awspayload.SQSRecord)) ([]byte, []string) {
	records := make([]awspayload.SQSRecord, 1+rng.IntN(10))
	ids := make([]string, len(records))
	for i := range records {
		ids[i] = fmt.Sprintf("m-%d", i)
		records[i] = awspayload.SQSRecord{
			MessageID: ids[i], ReceiptHandle: "AQEB", ReceiveCount: 1 + rng.IntN(3), Sent: began, FirstReceived: began, SenderID: "AIDA",
			QueueARN: "arn:aws:sqs:eu-west-1:123456789012:" + queue, Region: "eu-west-1",
		}
		fill(&records[i])
	}
	return awspayload.AppendSQSEvent(nil, records), ids
}

// order is one that can be shipped, mostly.
func order(rng *rand.Rand) string {
	switch rng.IntN(12) {
	case 0:
		return `{"id":"empty","total":0}`
	case 1:
		return `{"id":7}`
	case 2:
		return "no JSON"
	case 3:
		return `{"id":"cut`
	}
	return fmt.Sprintf(`{"id": "o-%d \u00e4", "total": %d}`, rng.IntN(100), 1+rng.IntN(9))
}

func orderBatch(rng *rand.Rand) ([]byte, []string) {
	return queueBatch(rng, "orders", func(r *awspayload.SQSRecord) { r.Body = order(rng) })
}

func auditBatch(rng *rand.Rand) ([]byte, []string) {
	return queueBatch(rng, "audit", func(r *awspayload.SQSRecord) {
		r.Body = []string{"in", " { \"json\": [1, 2] }\n", `"text"`, "42"}[rng.IntN(4)]
		if rng.IntN(10) > 0 {
			r.Attributes = map[string]awspayload.Attribute{
				"actor": {Type: "String", Value: "Ada \u0080 \"Lovelace\""},
				"key":   {Type: "Binary", Binary: []byte{0, 1, 255}},
			}
		}
	})
}

func uploadBatch(rng *rand.Rand) ([]byte, []string) {
	records := make([]awspayload.S3Record, 1+rng.IntN(3))
	for i := range records {
		size := int64(rng.IntN(5))
		records[i] = awspayload.S3Record{
			Region: "eu-west-1", Time: began, Name: "ObjectCreated:Put", RequestID: fmt.Sprint("R", i), HostID: "H",
			Bucket: "uploads", Key: fmt.Sprintf("a b+c/%d%%ä.jpg", i), Size: &size, ETag: "e", Sequencer: fmt.Sprintf("%018X", i),
		}
	}
	return awspayload.AppendS3Event(nil, records), []string{"the event"}
}

func userBatch(rng *rand.Rand) ([]byte, []string) {
	records := make([]awspayload.StreamRecord, 1+rng.IntN(10))
	ids := make([]string, len(records))
	for i := range records {
		id := fmt.Sprint("u-", i)
		ids[i] = fmt.Sprint(98 + i)
		r := awspayload.StreamRecord{
			EventID: id, Region: "eu-west-1", StreamARN: "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-01-01T00:00:00.000",
			Created: began, Keys: awspayload.Item{"id": id}, SequenceNumber: ids[i], ViewType: "NEW_AND_OLD_IMAGES",
		}
		email := "ada@example.com"
		if rng.IntN(10) == 0 {
			email = ""
		}
		image := awspayload.Item{"id": id, "email": email, "age": json.Number("36")}
		switch rng.IntN(4) {
		case 0:
			r.Name, r.Old = "REMOVE", image
		case 1:
			r.Name, r.New, r.Old = "MODIFY", image, image
		default:
			r.Name, r.New = "INSERT", image
		}
		records[i] = r
	}
	return awspayload.AppendStreamEvent(nil, records), ids
}

func busEvent(rng *rand.Rand) ([]byte, []string) {
	e := awspayload.Envelope{
		ID: fmt.Sprint("e-", rng.IntN(100)), Source: "my shop", Account: "123456789012", Region: "eu-west-1",
		Time: began.Add(time.Duration(rng.IntN(5)*56) * time.Minute), DetailType: "Order Placed",
		Resources: []string{"arn:shop:order/1", "arn:shop:order/2"}[:rng.IntN(3)],
	}
	switch rng.IntN(4) {
	case 0:
		return awspayload.AppendScheduledEvent(nil, e.ID, e.Account, e.Region, "nightly", e.Time), []string{"the event"}
	case 1:
		e.DetailType = "Order Cancelled"
	case 2:
		e.Detail = []byte(`{"id":"o-1","lines":[1,2]}`)
	}
	return awspayload.AppendEnvelope(nil, &e), []string{"the event"}
}

func newsEvent(rng *rand.Rand) ([]byte, []string) {
	return awspayload.AppendSNSEvent(nil, &awspayload.SNS{
		MessageID: "n-1", TopicARN: "arn:aws:sns:eu-west-1:123456789012:news", SubscriptionARN: "arn:aws:sns:eu-west-1:123456789012:news:1",
		Region: "eu-west-1", Message: order(rng), Time: began,
	}), []string{"the event"}
}

// TestMigrateIsShort counts what docs/migrate.md promises: at most ten changed
// lines for each pair, the one in main among them.
func TestMigrateIsShort(t *testing.T) {
	for _, p := range pairs() {
		old, changed := part(t, "internal/before/before.go", p.name), part(t, "internal/after/after.go", p.name)
		if n := changedLines(old, changed) + 1; n > 10 {
			t.Errorf("%s: %d lines are changed, want at most 10", p.name, n)
		}
	}
}

// part returns the lines between the marks of a part of a file.
func part(t *testing.T, file, name string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, text, begins := strings.Cut(string(data), "// ["+name+"]\n")
	text, _, ends := strings.Cut(text, "// [/"+name+"]\n")
	if !begins || !ends {
		t.Fatalf("%s has no part %s", file, name)
	}
	return strings.Split(strings.TrimSpace(text), "\n")
}

// changedLines is the least number of lines to replace, remove or add.
func changedLines(a, b []string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func TestChangedLines(t *testing.T) {
	tests := []struct {
		a, b   string
		want   int
		reason string
	}{
		{"x y z", "x y z", 0, "nothing"},
		{"x y z", "x w z", 1, "one is replaced"},
		{"x y z", "z", 2, "two are removed"},
		{"y", "x y z", 2, "two are added"},
	}
	for _, tt := range tests {
		if got := changedLines(strings.Fields(tt.a), strings.Fields(tt.b)); got != tt.want {
			t.Errorf("%q to %q: %d, want %d: %s", tt.a, tt.b, got, tt.want, tt.reason)
		}
	}
}
