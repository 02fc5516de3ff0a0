package object

import (
	"strings"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// azureType stands before the event of Blob Storage's CloudEvents, as Event
// Grid delivers them: subject
// /blobServices/default/containers/CONTAINER/blobs/KEY. See
// https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage.
const azureType = "Microsoft.Storage."

var azure = service{name: "azure", kind: azureKind, bucket: azureContainer, key: azureKey, data: azureData}

// isBlobEvent leaves out what Azure tells of directories and accounts.
func isBlobEvent(m *eventfx.Message, event string) bool {
	_, _, ok := azureBlob(m)
	return ok && strings.HasPrefix(event, "Blob")
}

// azureBlob reads container and key off the subject, whose leading slash not
// every sender keeps.
func azureBlob(m *eventfx.Message) (container, key string, ok bool) {
	subject, _ := strings.CutPrefix(m.Subject(), "/")
	path, ok := strings.CutPrefix(subject, "blobServices/default/containers/")
	if !ok {
		return "", "", false
	}
	container, key, ok = strings.Cut(path, "/blobs/")
	return container, key, ok && container != "" && key != ""
}

func azureContainer(m *eventfx.Message) (string, bool) {
	container, _, ok := azureBlob(m)
	return container, ok
}

func azureKey(m *eventfx.Message) (string, bool) {
	_, key, ok := azureBlob(m)
	return key, ok
}

// azureKind takes a BlobCreated for new content only if the operation has
// completed the blob: one that Data Lake tells of by CreateFile is still empty,
// and its content is told by FlushWithClose.
func azureKind(m *eventfx.Message, event string) Kind {
	switch event {
	case "BlobCreated":
		switch azureAPI(m.DataEncoded) {
		case "PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit":
			return Create
		}
	case "BlobDeleted":
		return Remove
	}
	return Other
}

func azureAPI(data []byte) (api string) {
	s := jsonscan.New(data)
	members(&s, func(name []byte) {
		if string(name) == "api" {
			api = text(&s)
		} else {
			s.Skip()
		}
	})
	if s.Err() != nil {
		return ""
	}
	return api
}

func azureData(data []byte, c *Change) error {
	s := jsonscan.New(data)
	var sizeErr error
	members(&s, func(name []byte) {
		switch string(name) {
		case "contentLength":
			c.Size, sizeErr = size(&s)
		case "eTag":
			c.ETag = strings.Trim(text(&s), `"`)
		case "sequencer":
			c.Sequencer = text(&s)
		default:
			s.Skip()
		}
	})
	return end(&s, sizeErr)
}
