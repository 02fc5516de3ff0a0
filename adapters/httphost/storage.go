package httphost

import (
	"encoding/json"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// storageWords are the event types of Cloud Storage's notifications to
// Pub/Sub, and Eventarc's words for them. See
// https://cloud.google.com/storage/docs/pubsub-notifications.
var storageWords = map[string]string{
	"OBJECT_FINALIZE":        "finalized",
	"OBJECT_DELETE":          "deleted",
	"OBJECT_ARCHIVE":         "archived",
	"OBJECT_METADATA_UPDATE": "metadataUpdated",
}

// storage is the event of a notification by Cloud Storage, as Eventarc would
// send it. It is to be skipped when it tells of a generation that ended because
// its object was overwritten: the new generation has a notification of its own.
// The error is cloudevent.ErrNone for another message.
func (p *pushed) storage() (e event.Event, skip bool, err error) {
	word := storageWords[p.attributes["eventType"]]
	bucket, object := p.attributes["bucketId"], p.attributes["objectId"]
	if word == "" || bucket == "" || object == "" || p.attributes["payloadFormat"] == "" {
		return e, false, cloudevent.ErrNone
	}
	if (word == "deleted" || word == "archived") && p.attributes["overwrittenByGeneration"] != "" {
		return e, true, nil
	}
	ec := new(event.EventContextV1)
	e.Context = ec
	if err := cloudevent.Set(ec, "id", p.id); err != nil {
		return e, false, err
	}
	if err := cloudevent.Set(ec, "source", "//storage.googleapis.com/projects/_/buckets/"+bucket); err != nil {
		return e, false, err
	}
	if err := cloudevent.Set(ec, "type", "google.cloud.storage.object.v1."+word); err != nil {
		return e, false, err
	}
	// A name may have characters that a subject may not: the data has it, too.
	_ = cloudevent.Set(ec, "subject", "objects/"+object)
	if at := or(p.attributes["eventTime"], p.time); at != "" {
		if err := cloudevent.Set(ec, "time", at); err != nil {
			return e, false, err
		}
	}
	contentType := event.ApplicationJSON
	ec.DataContentType = &contentType
	if e.DataEncoded = p.data; !isObject(p.data) {
		// The payload format is NONE: the attributes name the object.
		resource := map[string]string{"kind": "storage#object", "bucket": bucket, "name": object}
		if generation := p.attributes["objectGeneration"]; generation != "" && strings.Trim(generation, "0123456789") == "" {
			resource["generation"] = generation
		}
		if e.DataEncoded, err = json.Marshal(resource); err != nil {
			return e, false, err
		}
	}
	return e, false, nil
}

func isObject(data []byte) bool {
	s := jsonscan.New(data)
	return s.Kind() == '{' && cloudevent.IsText(event.ApplicationJSON, data)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
