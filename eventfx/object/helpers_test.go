package object_test

import (
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// message makes an event as a host would deliver it.
func message(typ, source, subject, data string) *eventfx.Message {
	e := event.New()
	e.SetID("1")
	e.SetType(typ)
	e.SetSource(source)
	if subject != "" {
		e.SetSubject(subject)
	}
	e.SetTime(noon)
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(data)
	return &eventfx.Message{Event: e, Origin: eventfx.Origin{Name: "elsewhere"}}
}

// s3 makes S3's own notification. The subject is what an adapter puts there.
func s3(eventName, subject, object string) *eventfx.Message {
	return message("com.amazonaws.s3."+eventName, "aws:s3.eu-west-1.my.bucket", subject,
		`{"eventVersion":"2.6","eventName":"`+eventName+`","s3":{"s3SchemaVersion":"1.0",
		"bucket":{"name":"my.bucket","ownerIdentity":{"principalId":"A1"},"arn":"arn:aws:s3:::my.bucket"},
		"object":`+object+`}}`)
}

// s3EventBridge makes S3's event on EventBridge.
func s3EventBridge(detailType, subject, object, more string) *eventfx.Message {
	return message("com.amazonaws.s3."+detailType, "arn:aws:s3:::my.bucket", subject,
		`{"version":"0","bucket":{"name":"my.bucket"},"object":`+object+`,"request-id":"N4N7GDK58NMKJ12R"`+more+`}`)
}

// gcs makes Google's event. The resource is that of StorageObjectData, whose
// 64-bit numbers are strings: https://github.com/googleapis/google-cloudevents.
func gcs(word, name string) *eventfx.Message {
	return message("google.cloud.storage.object.v1."+word, "//storage.googleapis.com/projects/_/buckets/my.bucket", "objects/"+name,
		`{"kind":"storage#object","bucket":"my.bucket","name":"`+name+`","generation":"1587627537231057",
		"metageneration":"1","contentType":"image/jpeg","size":"352","etag":"CNHZkbuF/ugCEAE=","md5Hash":"kF8MuJ5+CTJxvyhHS1xzRg=="}`)
}

// azure makes Azure's event, of the fields that
// https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage names.
func azure(word, subject, api string) *eventfx.Message {
	return message("Microsoft.Storage."+word,
		"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/account",
		subject, `{"api":"`+api+`","contentType":"image/jpeg","contentLength":352,"blobType":"BlockBlob",
		"eTag":"0x8D4BCC2E4835CD0","url":"https://account.blob.core.windows.net/photos/a.jpg",
		"sequencer":"00000000000004420000000000028963"}`)
}
