package claimcheck

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"gocloud.dev/blob"

	"github.com/eventfx/eventfx-go/eventfx"
)

// A reference says where data is.
type reference struct{ bucket, key string }

// String is the reference as a dataref: the bucket's URL, and the key as a path.
func (r reference) String() string {
	return strings.TrimSuffix(r.bucket, "/") + "/" + (&url.URL{Path: r.key}).EscapedPath()
}

// referenceOf returns where the data of m is, if it is elsewhere. pointer is
// true for one of the SQS Extended Client, whose message has the pointer as its
// data.
func (c *Claims) referenceOf(m *eventfx.Message) (r reference, pointer, ok bool, err error) {
	if ref, is := m.Extensions()[refExtension]; is {
		r, err = c.parse(fmt.Sprint(ref))
		return r, false, true, err
	}
	if !extended(m) {
		return r, false, false, nil
	}
	r, err = parsePointer(m.DataEncoded)
	return r, true, true, err
}

// parse reads a dataref to a bucket that is allowed.
func (c *Claims) parse(ref string) (reference, error) {
	for u := range c.Allow {
		rest, ok := strings.CutPrefix(ref, strings.TrimSuffix(u, "/")+"/")
		if !ok {
			continue
		}
		if key, err := url.PathUnescape(rest); err == nil && key != "" {
			return reference{u, key}, nil
		}
	}
	return reference{}, eventfx.Permanent(fmt.Errorf("%w: dataref %q", ErrNotAllowed, clip(ref)))
}

// bucketOf returns the bucket that may be read under this name.
func (c *Claims) bucketOf(r reference) (*blob.Bucket, error) {
	for u, b := range c.Allow {
		if strings.TrimSuffix(u, "/") == strings.TrimSuffix(r.bucket, "/") && b != nil {
			return b, nil
		}
	}
	return nil, eventfx.Permanent(fmt.Errorf("%w: %q", ErrNotAllowed, clip(r.String())))
}

// The attributes by which the SQS Extended Client Libraries tell that a body is
// a pointer, and the Java classes that they name in it.
var (
	pointerAttributes = []string{"ExtendedPayloadSize", "SQSLargePayloadSize"}
	pointerClasses    = map[string]bool{
		"software.amazon.payloadoffloading.PayloadS3Pointer": true,
		"com.amazon.sqs.javamessaging.MessageS3Pointer":      true,
	}
)

// extended reports whether the body of m is a pointer.
func extended(m *eventfx.Message) bool {
	var attributes map[string]json.RawMessage
	if text, ok := m.Extensions()["sqsattributes"].(string); ok {
		_ = json.Unmarshal([]byte(text), &attributes) // what is no JSON has no attributes
	}
	for _, name := range pointerAttributes {
		if _, ok := attributes[name]; ok {
			return true
		}
		if _, ok := m.Origin.Attributes[name]; ok {
			return true
		}
	}
	return false
}

// parsePointer reads ["class", {"s3BucketName": ..., "s3Key": ...}].
func parsePointer(body []byte) (reference, error) {
	var class string
	var where struct {
		Bucket string `json:"s3BucketName"`
		Key    string `json:"s3Key"`
	}
	parts := []any{&class, &where}
	if err := json.Unmarshal(body, &parts); err != nil || len(parts) != 2 || !pointerClasses[class] || where.Bucket == "" || where.Key == "" {
		return reference{}, eventfx.Permanent(fmt.Errorf("claimcheck: the message has the attribute %s, but its body is no pointer to S3", pointerAttributes[0]))
	}
	return reference{"s3://" + where.Bucket, where.Key}, nil
}

func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "..."
	}
	return s
}
