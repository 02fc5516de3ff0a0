package enginetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
)

var busScripts = []script{
	{"bus", bus},
	{"buspatterns", busPatterns},
	{"busbucket", busBucket},
}

func bus(r *Run) {
	q, fixed := r.Queue("orders", nil), r.Queue("fixed", nil)
	source := r.name("shop") // moto has one bus for all scripts
	r.See("rule", r.engine.rule(q, memcloud.Rule{Pattern: fmt.Sprintf(`{"source": [%q], "detail-type": ["order"]}`, source)}))
	r.See("rule with an input", r.engine.rule(fixed, memcloud.Rule{Pattern: fmt.Sprintf(`{"source": [%q]}`, source), Input: `{"fixed": true}`}))
	r.See("a rule without sense", r.engine.rule(r.Queue("none", nil), memcloud.Rule{Pattern: `{"source": "x"}`}))
	put := func(step string, events ...memcloud.BusEvent) {
		results, err := r.engine.putEvents(r.ctx, events...)
		r.See(step, err)
		for i, result := range results {
			r.Name(result.EventID, "id-of-event")
			r.See(fmt.Sprintf("%s: entry %d", step, i+1), fmt.Sprint(result.EventID != "", result.ErrorCode))
		}
	}
	put("put", memcloud.BusEvent{Source: source, DetailType: "order", Detail: `{"id":1,"to":"ä"}`, Resources: []string{"arn:a", "b"}})
	m := r.One(q)
	d := parse(m.Body)
	r.SeeMembers("members of the envelope", d)
	r.SeeDocument("envelope", d, "version", "id", "detail-type", "source", "region", "resources", "detail.id", "detail.to")
	_, err := time.Parse(time.RFC3339, d.text("time"))
	r.See("envelope: the time is RFC 3339", err == nil)
	r.See("envelope: attributes", Attributes(m.Attributes))
	instead := parse(r.One(fixed).Body)
	r.SeeDocument("the input in its place", instead, "fixed")

	put("put three",
		memcloud.BusEvent{Source: source, DetailType: "order", Detail: `{"id":2}`},
		memcloud.BusEvent{Source: source, DetailType: "order", Detail: `no JSON`},
		memcloud.BusEvent{Source: source, DetailType: "refund", Detail: `{"id":3}`})
	r.See("of another type", len(r.Receive(q, 10)))
	r.See("for the other rule", len(r.Receive(fixed, 10)))
	put("without a source", memcloud.BusEvent{DetailType: "order", Detail: `{}`})
	put("without a detail type", memcloud.BusEvent{Source: source, Detail: `{}`})
	put("without a detail", memcloud.BusEvent{Source: source, DetailType: "order"})
	put("eleven", slices.Repeat([]memcloud.BusEvent{{Source: source, DetailType: "x", Detail: `{}`}}, 11)...)
}

func busPatterns(r *Run) {
	source := r.name("shop")
	patterns := []string{
		`{"id": [1]}`, `{"id": [1, "one"]}`, `{"id": [{"numeric": [">", 1, "<=", 5]}]}`, `{"name": [{"prefix": "an"}]}`, `{"name": [{"suffix": "na"}]}`,
		`{"name": [{"anything-but": ["anna", "bob"]}]}`, `{"name": [{"exists": false}]}`, `{"tags": ["a"]}`, `{"name": [null]}`,
		`{"to": {"city": ["Bonn"]}}`, `{"name": [{"anything-but": {"prefix": "an"}}]}`, `{"name": [{"equals-ignore-case": "ANNA"}]}`, `{"name": [{"wildcard": "a*a"}]}`,
		`{"$or": [{"id": [3]}, {"name": ["bob"]}]}`, `{"id": [1], "name": ["bob"]}`,
	}
	queues, counts := make([]Queue, len(patterns)), make([]int, len(patterns))
	for i, p := range patterns {
		queues[i] = r.Queue(fmt.Sprint("q", i), nil)
		r.See("accepted: "+p, r.engine.rule(queues[i], memcloud.Rule{Pattern: fmt.Sprintf(`{"source": [%q], "detail": %s}`, source, p)}))
	}
	for _, detail := range []string{
		`{"id": 1, "name": "anna"}`, `{"id": 1.0, "name": "bob"}`, `{"id": "one"}`, `{"id": 5, "name": null}`, `{"id": 3, "tags": ["a", "b"]}`,
		`{"name": "carl", "to": {"city": "Bonn"}}`, `{"name": "Anna", "to": {"city": ["Rome", "Bonn"]}}`,
	} {
		_, err := r.engine.putEvents(r.ctx, memcloud.BusEvent{Source: source, DetailType: "x", Detail: detail})
		r.Must(err)
		for i, q := range queues {
			n := r.Count(q)
			r.See(detail+" and "+patterns[i], n > counts[i])
			counts[i] = n
		}
	}
}

// busBucket sends a bucket's events through the bus.
func busBucket(r *Run) {
	b := r.Bucket("uploads", &memcloud.BucketOptions{EventBridge: true})
	q := r.Queue("changes", nil)
	r.See("rule", r.engine.rule(q, memcloud.Rule{Pattern: fmt.Sprintf(
		`{"source": ["aws.s3"], "detail": {"bucket": {"name": [%q]}}}`, r.name("uploads"))}))
	events := func() []document {
		var list []document
		for _, m := range r.Receive(q, 10) {
			list = append(list, parse(m.Body))
			r.Must(q.DeleteMessage(r.ctx, m.Receipt))
		}
		return list
	}
	summary := func(list []document) string {
		var texts []string
		for _, d := range list {
			texts = append(texts, d.text("detail-type")+" "+d.text("detail.object.key"))
		}
		slices.Sort(texts)
		return strings.Join(texts, ", ")
	}
	first := func(list []document) document {
		for _, d := range list {
			return d
		}
		return nil
	}
	r.See("no test event", summary(events()))
	_, err := b.PutObject(r.ctx, memcloud.Object{Key: "in/a b+c.txt", Data: []byte("hello"), ContentType: "text/plain"}, memcloud.Condition{})
	r.Must(err)
	created := events()
	r.See("put", summary(created))
	r.SeeMembers("members of what was created", first(created))
	r.SeeDocument("created", first(created), "version", "source", "account", "region", "resources", "detail.version", "detail.bucket.name",
		"detail.object.key", "detail.object.size", "detail.object.etag", "detail.reason")
	_, err = time.Parse(time.RFC3339, first(created).text("time"))
	r.See("created: the time is RFC 3339", err == nil)
	_, err = b.CopyObject(r.ctx, "copy", "in/a b+c.txt")
	r.Must(err)
	copied := events()
	r.See("copy", summary(copied))
	r.SeeDocument("copied", first(copied), "detail.object.size", "detail.reason")
	r.Must(b.DeleteObject(r.ctx, "copy", ""))
	deleted := events()
	r.See("delete", summary(deleted))
	r.SeeMembers("members of what was deleted", first(deleted))
	r.SeeDocument("deleted", first(deleted), "detail.object.size", "detail.object.etag", "detail.reason", "detail.deletion-type")
}
