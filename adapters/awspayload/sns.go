package awspayload

import (
	"encoding/base64"
	"time"
)

// An SNS is one notification of a topic on its way to one subscription.
type SNS struct {
	MessageID       string
	TopicARN        string
	SubscriptionARN string
	Region          string
	Subject         string // "": left out of the envelope, null to Lambda
	Message         string
	Time            time.Time
	Attributes      map[string]Attribute
	SequenceNumber  string // FIFO topics: then the signature is left out
}

// AppendSNSEnvelope appends the JSON that SNS sends over HTTP, or as the body
// of a queue's message unless the delivery is raw.
func AppendSNSEnvelope(dst []byte, n *SNS) []byte {
	dst = append(dst, '{')
	dst = appendText(dst, "Type", "Notification")
	dst = appendText(dst, "MessageId", n.MessageID)
	dst = appendOptional(dst, "SequenceNumber", n.SequenceNumber)
	dst = appendText(dst, "TopicArn", n.TopicARN)
	dst = appendOptional(dst, "Subject", n.Subject)
	dst = appendText(dst, "Message", n.Message)
	dst = appendTime(dst, "Timestamp", n.Time, milliseconds)
	if n.SequenceNumber == "" {
		dst = appendSNSSignature(dst, n, "SigningCertURL")
	}
	dst = appendText(dst, "UnsubscribeURL", unsubscribeURL(n))
	if len(n.Attributes) > 0 {
		dst = appendSNSAttributes(appendMember(dst, "MessageAttributes"), n.Attributes)
	}
	return append(dst, '}')
}

// AppendSNSEvent appends the event that SNS sends to a function: one record.
func AppendSNSEvent(dst []byte, n *SNS) []byte {
	dst = append(dst, `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0"`...)
	dst = appendText(dst, "EventSubscriptionArn", n.SubscriptionARN)
	dst = append(appendMember(dst, "Sns"), '{')
	dst = appendText(dst, "Type", "Notification")
	dst = appendText(dst, "MessageId", n.MessageID)
	dst = appendText(dst, "TopicArn", n.TopicARN)
	if n.Subject == "" {
		dst = append(appendMember(dst, "Subject"), "null"...)
	} else {
		dst = appendText(dst, "Subject", n.Subject)
	}
	dst = appendText(dst, "Message", n.Message)
	dst = appendTime(dst, "Timestamp", n.Time, milliseconds)
	dst = appendSNSSignature(dst, n, "SigningCertUrl")
	dst = appendText(dst, "UnsubscribeUrl", unsubscribeURL(n))
	dst = appendSNSAttributes(appendMember(dst, "MessageAttributes"), n.Attributes)
	return append(dst, `}}]}`...)
}

// appendSNSSignature appends signature members of the right shape. The
// signature itself proves nothing: no key of AWS's made it.
func appendSNSSignature(dst []byte, n *SNS, certificate string) []byte {
	dst = appendText(dst, "SignatureVersion", "1")
	dst = appendText(dst, "Signature", base64.StdEncoding.EncodeToString([]byte("no signature: "+n.MessageID)))
	return appendText(dst, certificate, "https://sns."+n.Region+".amazonaws.com/SimpleNotificationService-00000000000000000000000000000000.pem")
}

func unsubscribeURL(n *SNS) string {
	return "https://sns." + n.Region + ".amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + n.SubscriptionARN
}

func appendSNSAttributes(dst []byte, attributes map[string]Attribute) []byte {
	dst = append(dst, '{')
	for i, name := range sorted(attributes) {
		if i > 0 {
			dst = append(dst, ',')
		}
		a := attributes[name]
		dst = append(append(AppendString(dst, name), ':'), '{')
		dst = appendText(dst, "Type", a.Type)
		if a.IsBinary() {
			dst = appendBase64(appendMember(dst, "Value"), a.Binary)
		} else {
			dst = appendText(dst, "Value", a.Value)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}
