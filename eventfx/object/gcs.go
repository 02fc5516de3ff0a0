package object

import (
	"strings"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// gcsType stands before the event of Cloud Storage's CloudEvents, as Eventarc
// delivers them: source //storage.googleapis.com/projects/_/buckets/BUCKET,
// subject objects/KEY, and the object's resource as data. See
// https://cloud.google.com/eventarc/docs/cloudevents-format and
// https://github.com/googleapis/google-cloudevents, StorageObjectData.
const gcsType = "google.cloud.storage.object.v1."

var gcs = service{name: "gcs", kind: gcsKind, bucket: gcsBucket, key: gcsKey, data: gcsData}

func gcsKind(_ *eventfx.Message, event string) Kind {
	switch event {
	case "finalized":
		return Create
	case "deleted", "archived":
		return Remove
	}
	return Other
}

func gcsBucket(m *eventfx.Message) (string, bool) {
	u := sourceOf(m)
	_, bucket, ok := strings.Cut(u.Path, "/buckets/")
	return bucket, ok && bucket != "" && u.Host == "storage.googleapis.com" && !strings.Contains(bucket, "/")
}

// gcsKey reads the key off the subject, unless that may be encoded.
func gcsKey(m *eventfx.Message) (string, bool) {
	key, ok := strings.CutPrefix(m.Subject(), "objects/")
	return key, ok && key != "" && !strings.Contains(key, "%")
}

func gcsData(data []byte, c *Change) error {
	s := jsonscan.New(data)
	var sizeErr error
	members(&s, func(name []byte) {
		switch string(name) {
		case "bucket":
			c.Bucket = text(&s)
		case "name":
			c.Key = text(&s)
		case "generation":
			c.Version = digits(&s)
		case "size":
			c.Size, sizeErr = size(&s)
		case "etag":
			c.ETag = text(&s)
		default:
			s.Skip()
		}
	})
	// A generation is of one object name only, and grows with each.
	c.Sequencer = c.Version
	c.Marker = c.Event == "archived"
	return end(&s, sizeErr)
}

// digits reads an int64 of protobuf's JSON: a string, though a number is
// allowed as well.
func digits(s *jsonscan.Scanner) string {
	if s.Kind() == '0' {
		return string(s.Number())
	}
	return text(s)
}
