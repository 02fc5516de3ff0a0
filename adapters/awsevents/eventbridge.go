package awsevents

import (
	"bytes"
	"strings"

	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// raw fills an event for bytes that could not be read.
func (it *item) raw(data []byte, id string, source types.URIRef) {
	it.ctx.Type = TypeRaw
	it.ctx.Source = source
	it.msg.DataEncoded = data[:len(data):len(data)]
	it.msg.DataBase64 = true
	it.nameRaw(id)
}

// nameRaw names such an event by its record's identifier, if it has one.
func (it *item) nameRaw(id string) {
	if !attributeText(id) {
		it.ctx.ID, it.subject = hash(it.msg.DataEncoded), ""
		return
	}
	it.ctx.ID, it.subject = id, id
}

// wrong is what is wrong with the one event of a document, "" if nothing is.
type wrong struct{ field, msg string }

func (w *wrong) bad(field, msg string) {
	if w.msg == "" {
		w.field, w.msg = field, msg
	}
}

// id is the attribute id of an event, from a member that must be there.
func (w *wrong) id(field string, t text) string {
	s := t.String()
	if s == "" {
		w.bad(field, "is not there")
	}
	return clean(s)
}

// instant sets the event's time from a member that may be missing.
func (w *wrong) instant(it *item, field string, raw []byte) {
	if raw == nil || string(raw) == "null" {
		return
	}
	t, ok := parseTime(textOf(raw).String())
	if !ok {
		w.bad(field, "is no time")
		return
	}
	it.time.Time = t
}

// failed makes the item a message with Err, if something is wrong.
func (o *opener) failed(it *item, w *wrong, doc document, s shape) {
	if w.msg == "" {
		return
	}
	*it = item{record: it.record}
	it.raw(bytes.Clone(doc.pristine), "", o.uri("aws:lambda"))
	it.msg.Err = &RecordError{Source: s.String(), Index: it.record, Field: w.field, Msg: w.msg}
	it.msg.Origin.Address = "aws:lambda"
}

// firstResource returns the first of the envelope's resources, or "".
func firstResource(t *top) string {
	if !t.is(memberResources, '[') {
		return ""
	}
	s := jsonscan.New(t.at[memberResources])
	if s.Array(); !s.Elem() || s.Kind() != '"' {
		return ""
	}
	raw, escaped := s.String()
	return text{raw: raw, escaped: escaped, ok: true}.String()
}

// allResources returns the envelope's resources as compact JSON, or "" when
// there are fewer than two, or one that is no text.
func allResources(t *top) string {
	if !t.is(memberResources, '[') {
		return ""
	}
	s := jsonscan.New(t.at[memberResources])
	s.Array()
	list, n := []byte{'['}, 0
	for ; s.Elem(); n++ {
		resource := textOf(s.Skip())
		if !resource.ok {
			return ""
		}
		if n > 0 {
			list = append(list, ',')
		}
		list = appendString(list, []byte(resource.String()))
	}
	if n < 2 {
		return ""
	}
	return string(append(list, ']'))
}

// openEventBridge opens an event of a bus.
func (o *opener) openEventBridge(t *top, doc document) {
	it := o.add()
	var w wrong
	source, detailType := t.text(memberSource).String(), t.text(memberDetailType).String()
	if source == "" {
		w.bad("source", "is empty")
	}
	if detailType == "" {
		w.bad("detail-type", "is empty")
	}
	it.ctx.ID = w.id("id", t.text(memberID))
	it.ctx.Source = o.uri(source)
	it.ctx.Type = "com.amazonaws.events." + clean(detailType)
	it.subject = clean(firstResource(t))
	w.instant(it, "time", t.at[memberTime])
	it.contentType = "application/json"
	it.msg.DataEncoded = t.at[memberDetail]
	it.extendText("awsaccount", t.text(memberAccount))
	it.extendText("awsregion", t.text(memberRegion))
	it.extend("awsdetailtype", clean(detailType))
	it.extendText("awsreplayname", t.text(memberReplayName))
	if all := allResources(t); all != "" {
		it.extend("awsresources", all) // the subject is the first alone
	}
	it.msg.Origin.ID = it.ctx.ID
	it.msg.Origin.Address = source
	it.msg.Origin.Name = source
	it.carriers(t.at[memberDetail])
	o.failed(it, &w, doc, shapeEventBridge)
}

// openS3EventBridge opens what S3 tells EventBridge. Its keys are not encoded.
func (o *opener) openS3EventBridge(t *top, doc document) {
	it := o.add()
	var w wrong
	detail := object(t.at[memberDetail], "bucket", "object")
	bucket := textOf(object(detail[0], "name")[0]).String()
	inner := object(detail[1], "key", "sequencer")
	key := textOf(inner[0]).String()
	arn := firstResource(t)
	if arn == "" {
		arn = "arn:aws:s3:::" + bucket
	}
	switch {
	case bucket == "":
		w.bad("detail.bucket.name", "is not there")
	case key == "":
		w.bad("detail.object.key", "is not there")
	}
	it.ctx.ID = w.id("id", t.text(memberID))
	it.ctx.Source = o.uri(arn)
	it.ctx.Type = "com.amazonaws.s3." + strings.ReplaceAll(clean(t.text(memberDetailType).String()), " ", "")
	it.subject = clean(key)
	w.instant(it, "time", t.at[memberTime])
	it.contentType = "application/json"
	it.msg.DataEncoded = t.at[memberDetail]
	it.extendText("awsaccount", t.text(memberAccount))
	it.extendText("awsregion", t.text(memberRegion))
	o.orderS3(it, textOf(inner[1]).String())
	it.msg.Origin.ID = it.ctx.ID
	it.msg.Origin.Address = arn
	it.msg.Origin.Name = bucket
	o.failed(it, &w, doc, shapeS3EventBridge)
}

// extendText sets an extension from a member, unless that is empty.
func (it *item) extendText(name string, t text) {
	if !t.empty() {
		it.extend(name, clean(t.String()))
	}
}

// carriers keeps what tracers put into the detail of an event, under the name
// that they gave it.
func (it *item) carriers(detail []byte) {
	if len(detail) == 0 || detail[0] != '{' {
		return
	}
	s := jsonscan.New(detail)
	s.Object()
	for key, ok := s.Key(); ok; key, ok = s.Key() {
		if !isCarrier(key) {
			s.Skip()
			continue
		}
		name := string(key)
		value := s.Skip()
		if t := textOf(value); t.ok {
			it.attribute(name, t.String())
		} else if len(value) > 0 && value[0] == '{' {
			it.attribute(name, compact(value))
		}
	}
}

// isCarrier knows the names of W3C, X-Ray, B3, Jaeger, Datadog, New Relic,
// Elastic and Sentry.
func isCarrier(key []byte) bool {
	switch string(key) {
	case "traceparent", "tracestate", "baggage", "AWSTraceHeader", "X-Amzn-Trace-Id", "b3", "uber-trace-id",
		"_datadog", "newrelic", "elastic-apm-traceparent", "sentry-trace":
		return true
	}
	return len(key) > 5 && (string(key[:5]) == "x-b3-" || string(key[:5]) == "X-B3-") ||
		len(key) > 10 && string(key[:10]) == "x-datadog-"
}
