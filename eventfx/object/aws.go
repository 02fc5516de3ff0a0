package object

import (
	"net/url"
	"strings"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// s3Type stands before the event name of S3's own notifications
// (ObjectCreated:Put) and before the detail type, without spaces, of S3's
// events on EventBridge (ObjectCreated).
const s3Type = "com.amazonaws.s3."

// The data is one record of a notification. Its source is
// aws:s3.REGION.BUCKET; a compatible store has another eventSource.
var s3 = service{name: "s3", kind: s3Kind, bucket: s3Bucket, key: s3Key, data: s3Data}

// The data is the detail of the event. Its source is the bucket's ARN.
var s3EventBridge = service{name: "eventbridge", kind: s3EventBridgeKind, bucket: s3EventBridgeBucket, key: s3EventBridgeKey, data: s3EventBridgeData}

// serviceOfS3 tells the two apart: EventBridge's detail types all begin with
// Object and have no colon, what no event name of S3 does.
func serviceOfS3(event string) (*service, string) {
	// The record's event name has no such prefix, but some stores and many
	// recorded payloads have it.
	event, _ = strings.CutPrefix(event, "s3:")
	switch {
	case event == "":
		return nil, ""
	case strings.HasPrefix(event, "Object") && !strings.Contains(event, ":"):
		return &s3EventBridge, event
	}
	return &s3, event
}

func s3Kind(_ *eventfx.Message, event string) Kind {
	switch group, _, _ := strings.Cut(event, ":"); group {
	case "ObjectCreated":
		return Create
	case "ObjectRemoved", "LifecycleExpiration":
		return Remove
	}
	return Other
}

func s3Bucket(m *eventfx.Message) (string, bool) {
	// Another store's eventSource may have dots.
	region, ok := strings.CutPrefix(opaque(m, "aws"), "s3.")
	if !ok {
		return "", false
	}
	_, bucket, ok := strings.Cut(region, ".")
	return bucket, ok && bucket != ""
}

// s3Key reads the key off the subject. The subject is the decoded key, but the
// encoded one if CloudEvents forbids a character of it or if the event follows
// the published S3 adapter to the letter. Without escapes both are the same.
func s3Key(m *eventfx.Message) (string, bool) {
	subject := m.Subject()
	return subject, subject != "" && !strings.ContainsAny(subject, "%+")
}

func s3Data(data []byte, c *Change) error {
	s := jsonscan.New(data)
	var sizeErr error
	members(&s, func(name []byte) {
		if string(name) != "s3" {
			s.Skip()
			return
		}
		members(&s, func(name []byte) {
			switch string(name) {
			case "bucket":
				c.Bucket = bucketName(&s)
			case "object":
				members(&s, func(name []byte) {
					switch string(name) {
					case "key":
						c.Key, c.KeyEncoded = decodeKey(text(&s))
					case "size":
						c.Size, sizeErr = size(&s)
					case "eTag":
						c.ETag = text(&s)
					case "versionId":
						c.Version = text(&s)
					case "sequencer":
						c.Sequencer = text(&s)
					default:
						s.Skip()
					}
				})
			default:
				s.Skip()
			}
		})
	})
	c.Marker = strings.HasSuffix(c.Event, ":DeleteMarkerCreated")
	return end(&s, sizeErr)
}

// decodeKey undoes the form encoding of a key in a notification, where a plus
// is a space. A key with an invalid escape is kept as it is.
func decodeKey(raw string) (key string, encoded bool) {
	key, err := url.QueryUnescape(raw)
	if err != nil {
		return raw, true
	}
	return key, false
}

func bucketName(s *jsonscan.Scanner) (bucket string) {
	members(s, func(name []byte) {
		if string(name) == "name" {
			bucket = text(s)
		} else {
			s.Skip()
		}
	})
	return bucket
}

func s3EventBridgeKind(_ *eventfx.Message, event string) Kind {
	switch event {
	case "ObjectCreated":
		return Create
	case "ObjectDeleted":
		return Remove
	}
	return Other
}

func s3EventBridgeBucket(m *eventfx.Message) (string, bool) {
	_, bucket, ok := strings.Cut(opaque(m, "arn"), ":s3:::")
	return bucket, ok && bucket != ""
}

// s3EventBridgeKey reads the key off the subject. Keys come as they are here,
// so a plus is a plus; only a percent sign leaves open whether the subject had
// to be encoded.
func s3EventBridgeKey(m *eventfx.Message) (string, bool) {
	subject := m.Subject()
	return subject, subject != "" && !strings.Contains(subject, "%")
}

func s3EventBridgeData(data []byte, c *Change) error {
	s := jsonscan.New(data)
	var sizeErr error
	members(&s, func(name []byte) {
		switch string(name) {
		case "bucket":
			c.Bucket = bucketName(&s)
		case "deletion-type":
			c.Marker = text(&s) == "Delete Marker Created"
		case "object":
			members(&s, func(name []byte) {
				switch string(name) {
				case "key":
					c.Key = text(&s)
				case "size":
					c.Size, sizeErr = size(&s)
				case "etag", "eTag": // documented as etag; emulators send eTag
					c.ETag = text(&s)
				case "version-id":
					c.Version = text(&s)
				case "sequencer":
					c.Sequencer = text(&s)
				default:
					s.Skip()
				}
			})
		default:
			s.Skip()
		}
	})
	return end(&s, sizeErr)
}
