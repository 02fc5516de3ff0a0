package awsevents

import (
	"strings"
	"testing"
)

func TestSNSEnvelopes(t *testing.T) {
	const topic = "arn:aws:sns:r:1:topic"
	envelope := func(kind, rest string) string {
		return ` {"Type":"` + kind + `","MessageId":"1","TopicArn":"` + topic + `","Message":"x","Subject":"s","Timestamp":"2026-11-23T09:15:43.101Z"` + rest + "} \n"
	}
	const link = `,"UnsubscribeURL":"https://sns.r.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn%3Aaws%3Asns:r:1:topic:sub&x=y"`
	for _, tt := range []struct {
		rule, reason          string
		payload               string
		kind, source, subject string
	}{
		{rule: "A7.3", reason: "a notification is the subscription's", payload: envelope("Notification", link), kind: "com.amazonaws.sns.Notification", source: topic + ":sub", subject: "s"},
		{rule: "A7.3", reason: "or the topic's, if no link names that", payload: envelope("Notification", ""), kind: "com.amazonaws.sns.Notification", source: topic, subject: "s"},
		{rule: "A7.3", reason: "a subscription is not yet one", payload: envelope("SubscriptionConfirmation", link), kind: "com.amazonaws.sns.SubscriptionConfirmation", source: topic},
		{rule: "A7.3", reason: "the end of one", payload: envelope("UnsubscribeConfirmation", link), kind: "com.amazonaws.sns.UnsubscribeConfirmation", source: topic + ":sub"},
	} {
		m := open(t, tt.payload).Messages[0]
		if m.Err != nil || m.ID() != "1" || m.Type() != tt.kind || m.Source() != tt.source || m.Subject() != tt.subject {
			t.Errorf("%s, %s: %v, %v", tt.rule, tt.reason, m, m.Err)
		}
		if string(m.DataEncoded) != strings.TrimSpace(tt.payload) || m.Origin.Name != "topic" {
			t.Errorf("%s, %s: data %q, origin %+v", tt.rule, tt.reason, m.DataEncoded, m.Origin)
		}
	}
}
