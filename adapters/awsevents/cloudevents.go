package awsevents

import (
	"errors"

	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// openCloudEvent opens an event in the JSON format.
func (o *opener) openCloudEvent(doc document) {
	it := o.add()
	data, binary, err := cloudevent.Decode(doc.text, &it.ctx)
	if err != nil {
		w := wrong{msg: "is no CloudEvent: " + err.Error()}
		if e, ok := errors.AsType[*cloudevent.Error](err); ok {
			w = wrong{field: e.Name, msg: "is invalid: " + e.Reason}
		}
		o.failed(it, &w, doc, shapeCloudEvent)
		return
	}
	it.msg.DataEncoded = data
	it.msg.DataBase64 = binary
	it.msg.Origin.ID = it.ctx.ID
	for name, value := range it.ctx.Extensions {
		if text, ok := value.(string); ok && isCarrier([]byte(name)) {
			it.attribute(name, text)
		}
	}
	if !binary {
		it.carriers(data)
	}
}

// openBatch opens each event of a batch. They are the records of a payload,
// but inside a record they are all of that one.
func (o *opener) openBatch(events [][]byte, depth int) {
	for i, raw := range events {
		o.openCloudEvent(document{text: raw, pristine: raw})
		if depth > 0 {
			continue
		}
		it := &o.items[len(o.items)-1]
		it.record = i
		if e, ok := it.msg.Err.(*RecordError); ok {
			e.Index = i
		}
	}
}

// eventBatch returns the elements of an array, if each is an object that has a
// specversion.
func eventBatch(raw []byte) (events [][]byte, ok bool) {
	s := jsonscan.New(raw)
	for more := s.Array() && s.Elem(); more; more = s.Elem() {
		if s.Kind() != '{' {
			return nil, false
		}
		e := s.Skip()
		if object(e, "specversion")[0] == nil {
			return nil, false
		}
		events = append(events, e)
	}
	return events, s.End() == nil
}
