package deadletter_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/adapters/lambdahost"
	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"github.com/eventfx/eventfx-go/adapters/memcloud/portable"
	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/handlers/claimcheck"
	"github.com/eventfx/eventfx-go/handlers/deadletter"
	"github.com/eventfx/eventfx-go/handlers/redact"
)

// Values that are planted in messages, and must be nowhere behind a redactor.
// Each contains "planted" in a way that survives the encodings that are undone
// by everywhere.
var planted = struct{ card, token, key, password, nested string }{
	card: "4111-planted-1111", token: `tok "planted" <ü>`, key: "sk_live_planted", password: "pl\tplanted\\n", nested: "planted in a string",
}

type payment struct {
	Card  string `json:"card" redact:"true"`
	Token string `json:"token" redact:"true"`
	Note  string `json:"note"`
}

// everywhere undoes what a sink may have encoded, several times over.
func everywhere(text string) string {
	all := text
	for range 4 {
		if u, err := url.PathUnescape(text); err == nil {
			text = u
		}
		text = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\u003c`, "<", `\u003e`, ">").Replace(text)
		all += text
	}
	for word := range strings.FieldsFuncSeq(all, func(r rune) bool { return strings.ContainsRune("\" \n,:{}[]", r) }) {
		if b, err := base64.StdEncoding.DecodeString(word); err == nil && len(b) > 8 {
			all += string(b)
		}
	}
	return all
}

// TestRedaction plants secrets in keys, values, nested JSON, the subject,
// attributes, error texts and stacks, has messages die in every way, and
// searches every byte that sinks and the log have seen.
func TestRedaction(t *testing.T) {
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	inner := fmt.Sprintf(`{"body":%s}`, quote(fmt.Sprintf(`{"deep":%s,"secret":%s}`, quote(planted.nested), quote(planted.password))))
	body := fmt.Sprintf(`{"payment":{"card":%s,"token":%s,"note":%s},"by":{%s:1},"envelope":%s,"refs":[%s,%s]}`,
		quote(planted.card), quote(planted.token), quote("card "+planted.card), quote(planted.key), quote(inner), quote(planted.nested), quote("for "+planted.password))
	redactor := &redact.Redactor{
		Pointers: []string{"/envelope/body/*"},
		Types:    []any{payment{}},
		Func:     func(_, value string) bool { return strings.HasPrefix(value, "sk_live_") },
	}
	failures := map[string]func() error{
		"permanent": func() error { return eventfx.Permanent(fmt.Errorf("refused %s and %q", body, planted.token)) },
		"panic":     func() error { panic("payment " + planted.card + " by " + planted.key) },
		"panic with an error": func() error {
			panic(fmt.Errorf("payment %s: %w", planted.token, errors.New(planted.password)))
		},
		"exhausted": func() error { return errors.New(planted.nested + planted.card) },
		"a stack of its own": func() error {
			return eventfx.Permanent(&eventfx.PanicError{Value: "x", Stack: []byte("goroutine 1\n\t" + planted.card)})
		},
	}
	for name, fail := range failures {
		for _, form := range []string{"native", "cloudevent", "bucket", "claims"} {
			t.Run(name+" "+form, func(t *testing.T) {
				log := captureLog(t)
				synctest.Test(t, func(t *testing.T) {
					cloud := memcloud.New(t)
					letters, objects := cloud.Queue("letters", nil), cloud.Bucket("objects", nil)
					bucket := portable.Bucket(objects)
					o := &deadletter.TopicOptions{Redact: redactor, CloudEvents: form == "cloudevent"}
					if form == "claims" {
						o.Limit = 1
						o.Claims = &claimcheck.Claims{Bucket: bucket, URL: "s3://objects", Allow: map[string]*blob.Bucket{"s3://objects": bucket}}
					}
					keep := deadletter.Topic(portable.Topic(letters), o)
					if form == "bucket" {
						keep = deadletter.Bucket(bucket, &deadletter.BucketOptions{Redact: redactor})
					}
					r := &eventfx.Router{
						DeadLetter: keep, Use: []eventfx.Middleware{redactor.Errors},
						Retry: eventfx.Retry{Attempts: 3, Deliveries: 1, Delay: func(int, error) time.Duration { return 0 }},
					}
					eventfx.On(r, whatever{}, func(context.Context, eventfx.Event[string]) error { return fail() })
					orders := cloud.Queue("orders", nil)
					cloud.Function("pay", lambdahost.Handler(r, &lambdahost.Options{PartialBatch: true}), memcloud.Trigger(orders, &memcloud.Mapping{ReportBatchItemFailures: true}))
					orders.SendBatch(memcloud.Message{Body: body, Attributes: map[string]memcloud.Attribute{
						"note": {Type: "String", Value: "card " + planted.card}, "t": {Type: "String", Value: planted.token},
					}})
					e := placed()
					e.DataEncoded = []byte(body)
					e.SetSubject("by " + planted.key)
					e.SetExtension("partitionkey", planted.card)
					m, err := pubsubevents.Encode(e, pubsubevents.Structured)
					must(t, err)
					must(t, portable.Topic(orders).Send(t.Context(), m))
					time.Sleep(time.Minute)

					var seen strings.Builder
					seen.WriteString(log.String())
					kept := 0
					for _, m := range letters.Messages() {
						kept++
						fmt.Fprintf(&seen, "%s\n%s %s\n", m.Body, m.Group, m.DeduplicationID)
						for name, a := range m.Attributes {
							fmt.Fprintf(&seen, "%s %s %s\n", name, a.Value, a.Binary)
						}
					}
					for _, key := range objects.Keys() {
						if form == "bucket" {
							kept++
						}
						data, _ := objects.Get(key)
						fmt.Fprintf(&seen, "%s\n%s\n", key, data)
					}
					if kept != 2 || !strings.Contains(seen.String(), "[redacted]") || !strings.Contains(log.String(), "dead letter: ") {
						t.Errorf("%d letters, log %s", kept, log)
					}
					if text := everywhere(seen.String()); strings.Contains(text, "planted") {
						at := strings.Index(text, "planted")
						t.Errorf("a secret was seen: ...%q...", text[max(0, at-300):min(len(text), at+50)])
					}
				})
			})
		}
	}
}

// TestRedactedLetters: what lost values is not sent again, unless asked.
func TestRedactedLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := memcloud.New(t)
		p := inBucket(cloud, "letters", &deadletter.BucketOptions{Redact: &redact.Redactor{Pointers: []string{"/card"}}})
		for i, data := range []string{`{"card":"4111"}`, `{"cash":1}`} {
			d := dead(placed())
			d.Message.SetID(fmt.Sprint(i))
			d.Message.DataEncoded = []byte(data)
			must(t, p.keep(t.Context(), d))
		}
		time.Sleep(time.Second)
		var got []string
		to := func(_ context.Context, l *deadletter.Letter) error {
			got = append(got, string(l.Event.DataEncoded))
			return nil
		}
		n, err := deadletter.Replay(t.Context(), p.read(), to, nil)
		if !errors.Is(err, deadletter.ErrRedacted) || n != (deadletter.Progress{Read: 2, Sent: 1, Failed: 1}) {
			t.Errorf("%+v %v", n, err)
		}
		_, err = deadletter.Replay(t.Context(), p.read(), to, &deadletter.ReplayOptions{Redacted: true})
		must(t, err)
		want(t, "sent", got, []string{`{"cash":1}`, `{"card":"[redacted]"}`})
	})
}

// TestWrongRedactor: one that would remove nothing is told of at once.
func TestWrongRedactor(t *testing.T) {
	wrong := &redact.Redactor{Pointers: []string{"card"}}
	for _, f := range []func(){
		func() { deadletter.Topic(nil, &deadletter.TopicOptions{Redact: wrong}) },
		func() { deadletter.Bucket(nil, &deadletter.BucketOptions{Redact: wrong}) },
	} {
		func() {
			defer func() {
				if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), `"card" is no JSON pointer`) {
					t.Errorf("panic %v", v)
				}
			}()
			f()
		}()
	}
}
