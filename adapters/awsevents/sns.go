package awsevents

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// openSNSRecord opens a notification that SNS sends to a function.
func (o *opener) openSNSRecord(r *record, doc document) {
	var t top
	s := jsonscan.New(r.sns)
	o.readTop(&s, &t, document{text: r.sns}, -1)
	if t.twice != "" {
		r.bad("Sns."+t.twice, "is there twice")
	}
	id := t.text(memberMessageID).String()
	o.records[len(o.records)-1] = id
	if r.arn.empty() {
		r.bad("EventSubscriptionArn", "is not there")
	}
	if id == "" {
		r.bad("Sns.MessageId", "is not there")
	}
	if r.msg != "" {
		o.unreadable(r, doc, shapeSNS, 0)
		return
	}
	mark := len(o.items)
	o.openNotification(&t, r.arn.String(), r.sns, document{text: doc.text[r.from:r.to], pristine: doc.pristine[r.from:r.to]}, 0)
	if len(o.items) == mark { // a test event
		topic := t.text(memberTopicARN).String()
		o.acknowledge(eventfx.Origin{ID: id, Address: topic, Name: lastPart(topic, ":")}, "")
	}
}

// openSNSEnvelope opens what SNS posts to queues and over HTTP.
func (o *opener) openSNSEnvelope(t *top, doc document, depth int) {
	kind := t.text(memberUpperType)
	source := t.text(memberTopicARN).String()
	if !kind.is("SubscriptionConfirmation") {
		// The subscription is only named in the link that ends it.
		if _, query, ok := strings.Cut(t.text(memberUnsubscribeURL).String(), "SubscriptionArn="); ok {
			query, _, _ = strings.Cut(query, "&")
			if arn, err := url.QueryUnescape(query); err == nil && arn != "" && attributeText(arn) {
				source = arn
			}
		}
	}
	i := firstByte(doc.text)
	o.openNotification(t, source, bytes.TrimRight(doc.text[i:], " \t\r\n"), doc, depth)
}

// openNotification opens the events inside the message of a notification, or
// else makes one of the notification, data.
func (o *opener) openNotification(t *top, source string, data []byte, doc document, depth int) {
	kind := t.text(memberUpperType).String()
	if kind == "" {
		kind = "Notification"
	}
	topic := t.text(memberTopicARN).String()
	name := lastPart(topic, ":")
	user := readAttributes(t.at[memberMessageAttributes], nil, "", "Type", "Value", "Value")
	mark := len(o.items)
	id := clean(t.text(memberMessageID).String())
	unwrap, set := o.format.Unwrap[name]
	if kind == "Notification" && (unwrap || !set) && o.nestedText(t.text(memberMessage), depth+1) {
		for i := mark; i < len(o.items); i++ {
			o.deliveredBySNS(&o.items[i], id, topic, name, user)
		}
		return
	}
	it := o.add()
	var w wrong
	it.ctx.ID = w.id("MessageId", t.text(memberMessageID))
	if source == "" {
		w.bad("TopicArn", "is empty")
	}
	it.ctx.Source = o.uri(source)
	it.ctx.Type = "com.amazonaws.sns." + clean(kind)
	if kind == "Notification" {
		it.subject = clean(t.text(memberSubject).String())
	}
	w.instant(it, "Timestamp", t.at[memberTimestamp])
	if !t.text(memberMessage).ok {
		w.bad("Message", "is no string")
	}
	it.contentType = "application/json"
	it.msg.DataEncoded = data[:len(data):len(data)]
	o.failed(it, &w, doc, shapeSNS)
	o.deliveredBySNS(it, id, topic, name, user)
}

func (o *opener) deliveredBySNS(it *item, id, topic, name string, user userAttributes) {
	it.msg.Origin.ID = id
	it.msg.Origin.Address = topic
	it.msg.Origin.Name = name
	for _, a := range user {
		it.attribute(a.name, a.value)
	}
}
