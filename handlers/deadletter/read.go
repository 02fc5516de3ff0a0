package deadletter

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"

	"github.com/eventfx/eventfx-go/adapters/pubsubevents"
	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/deadstory"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

type reader struct{ ReadOptions }

func newReader(o *ReadOptions) *reader {
	r := &reader{}
	if o != nil {
		r.ReadOptions = *o
	}
	if r.Idle <= 0 {
		r.Idle = defaultIdle
	}
	return r
}

// object reads a letter from a bucket.
func (r *reader) object(ctx context.Context, b *blob.Bucket, key string) (*Letter, error) {
	fail := func(err error) (*Letter, error) { return nil, fmt.Errorf("deadletter: read %s: %w", key, err) }
	in, err := b.NewReader(ctx, key, nil)
	if err != nil {
		return fail(err)
	}
	defer in.Close()
	if in.Size() > maxObject {
		return fail(fmt.Errorf("it has %d bytes, more than a letter of %d", in.Size(), maxObject))
	}
	doc, err := io.ReadAll(io.LimitReader(in, maxObject))
	if err != nil {
		return fail(err)
	}
	if !utf8.Valid(doc) {
		return fail(errors.New("it is not UTF-8"))
	}
	ec := new(event.EventContextV1)
	data, binary, err := cloudevent.Decode(doc, ec)
	if err != nil {
		return fail(err)
	}
	l := fromEvent(event.Event{Context: ec, DataEncoded: data, DataBase64: binary})
	l.Key = key
	l.delete = func(ctx context.Context) error {
		if err := b.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return fmt.Errorf("deadletter: delete %s: %w", key, err)
		}
		return nil
	}
	if err := r.restore(ctx, l); err != nil {
		return fail(err)
	}
	return l, nil
}

// message reads a letter from a broker.
func (r *reader) message(ctx context.Context, m *pubsub.Message) (*Letter, error) {
	l := r.read(m)
	l.Key = m.LoggableID
	var once sync.Once // a second acknowledgement panics
	l.delete = func(context.Context) error {
		once.Do(m.Ack)
		return nil
	}
	if err := r.restore(ctx, l); err != nil {
		return nil, fmt.Errorf("deadletter: read %s: %w", m.LoggableID, err)
	}
	return l, nil
}

func (r *reader) read(m *pubsub.Message) *Letter {
	if doc, ok := deadstory.Decode(m.Metadata[deadstory.Attribute]); ok {
		if first, ok := deadstory.Event(doc); ok {
			return fromNative(m, doc, first)
		}
	}
	if found, err := pubsubevents.Decode(m); err == nil {
		return fromEvent(found.Event)
	}
	return r.unrecorded(m)
}

// fromEvent takes the story out of the event of a letter.
func fromEvent(e event.Event) *Letter {
	all := e.Extensions()
	text, _ := all[extStory].(string)
	var w wire
	if json.Unmarshal([]byte(text), &w) != nil {
		// Who has cut the story, or made the letter, had the other extensions.
		w = wire{Story: Story{
			Reason: textOf(all[extReason]), Route: textOf(all[extHandler]), Error: textOf(all[extError]), ErrorType: textOf(all[extErrorType]),
			Origin: Origin{Address: textOf(all[extSource])}, RequestID: textOf(all[extRequestID]),
			Runs: numberOf(all[extAttempts]), Receives: numberOf(all[extReceives]),
			FirstTime: timeOf(all[extFirstTime]), Time: timeOf(all[extTime]),
		}}
	}
	return &Letter{Event: withoutStory(e), Story: w.Story, claimed: w.Claimed}
}

func textOf(v any) string { s, _ := v.(string); return s }

func numberOf(v any) int {
	n, _ := types.ToInteger(v) // 0 for what is none
	return int(n)
}

func timeOf(v any) time.Time {
	t, _ := types.ToTime(v) // the zero time for what is none
	return t.UTC()
}

// fromNative makes the letter of a message with a story.
func fromNative(m *pubsub.Message, doc []byte, first *event.EventContextV1) *Letter {
	var w struct {
		wire
		Replayed time.Time `json:"replayed"`
	}
	if json.Unmarshal(doc, &w) != nil {
		w.Story = Story{} // the event alone is known
	}
	body := bytes.Clone(m.Body)
	sent, _ := sentMetadata(event.Event{Context: first})
	if _, ok := sent[base64Attribute]; ok {
		// gocloud's drivers take this attribute, which its senders set for
		// binary bodies, and give the bytes. The event had the text.
		if _, there := m.Metadata[base64Attribute]; !there {
			body = base64.StdEncoding.AppendEncode(nil, body)
		}
	}
	e := event.Event{Context: first, DataEncoded: body}
	e.DataBase64 = cloudevent.Check(e) != nil // a body that is not what its story says is bytes
	return &Letter{Event: e, Story: w.Story, replayed: w.Replayed}
}

const base64Attribute = "base64encoded"

// unrecorded makes the letter of a message that its queue gave up: nothing
// says why. Its event is the one that awsevents makes of such a message.
func (r *reader) unrecorded(m *pubsub.Message) *Letter {
	source := r.Source
	if source == "" || types.ParseURIRef(source) == nil {
		source = unknownQueue
	}
	e := event.New()
	e.SetType(deadstory.MessageType)
	e.SetSource(source)
	e.SetID(m.LoggableID)
	if strings.TrimSpace(oneLine(m.LoggableID)) == "" || oneLine(m.LoggableID) != m.LoggableID {
		e.SetID(digest(string(m.Body)))
	}
	e.DataEncoded = bytes.Clone(m.Body)
	e.DataBase64 = !utf8.Valid(m.Body)
	e.SetDataContentType(contentType(m))
	if sent := sentExtension(m.Metadata); sent != "" {
		e.SetExtension(deadstory.SentAttributes, sent)
	}
	return &Letter{Event: e}
}

// sentExtension writes metadata as awsevents writes a message's attributes. Of
// their types nothing is known but that they are text.
func sentExtension(metadata map[string]string) string {
	type attribute struct {
		DataType    string `json:"dataType"`
		StringValue string `json:"stringValue"`
	}
	sent := map[string]attribute{}
	for name, value := range metadata {
		if name != deadstory.Attribute {
			sent[name] = attribute{"String", value}
		}
	}
	if len(sent) == 0 {
		return ""
	}
	return string(marshal(sent))
}

// contentType is that of a queue's message: what its sender says, else JSON
// for an object or array that all parsers read alike, else text.
func contentType(m *pubsub.Message) string {
	body := bytes.TrimLeft(m.Body, " \t\r\n")
	_, unique := jsonscan.Unique(m.Body, nil)
	isJSON := len(body) > 0 && (body[0] == '{' || body[0] == '[') && unique
	for name, value := range m.Metadata {
		if !strings.EqualFold(name, "content-type") && !strings.EqualFold(name, "contentType") {
			continue
		}
		if media, _, err := mime.ParseMediaType(value); err == nil && strings.Contains(media, "/") && oneLine(value) == value && (unique || !cloudevent.IsJSON(value)) {
			return value
		}
	}
	if isJSON {
		return event.ApplicationJSON
	}
	return event.TextPlain
}

// restore brings back data that Topic has deposited.
func (r *reader) restore(ctx context.Context, l *Letter) error {
	if !l.claimed || r.Claims == nil {
		return nil
	}
	fetch := r.Claims.Fetch(func(_ context.Context, d *eventfx.Delivery) error {
		whole := d.Messages[0].Event
		ec := *whole.Context.(*event.EventContextV1)
		delete(ec.Extensions, "dataref") // Fetch has made a copy
		whole.Context = &ec
		l.Event, l.claimed = whole, false
		return nil
	})
	return fetch(ctx, &eventfx.Delivery{Messages: []*eventfx.Message{{Event: l.Event}}})
}

// marshal writes what always can be, as text that any attribute may hold.
func marshal(v any) []byte {
	b, _ := json.Marshal(v)
	return safeJSON(b)
}
