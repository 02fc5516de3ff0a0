package httphost

import (
	"fmt"
	"slices"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/cloudevent"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
)

// The type of the event by which Event Grid asks, in its own schema. See
// https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema.
const validationType = "Microsoft.EventGrid.SubscriptionValidationEvent"

// openEventGrid opens events of Event Grid's own schema, which a subscription
// has unless CloudEvents were chosen:
// https://learn.microsoft.com/azure/event-grid/event-schema.
func (req *request) openEventGrid() (*incoming, *problem) {
	s := jsonscan.New(req.body)
	if s.Kind() == '{' {
		// One event is sent as an array, too; some emulators do not.
		req.body = slices.Concat([]byte("["), req.body, []byte("]"))
	}
	validation, topic := "", ""
	in, p := req.each(func(raw []byte) (*eventfx.Message, error) {
		e, err := gridEvent(raw)
		if err != nil {
			return nil, err
		}
		if e.Type() == validationType {
			if validation, err = validationCode(e.DataEncoded); err != nil {
				return nil, err
			}
			topic = e.Source()
		}
		return req.message(e), nil
	})
	if p == nil && validation != "" && len(in.messages) == 1 {
		return &incoming{validation: validation, topic: topic}, nil
	}
	return in, p
}

// gridEvent maps an event of Event Grid to CloudEvents as Event Grid does it
// itself: topic is the source, eventType the type, eventTime the time.
func gridEvent(raw []byte) (event.Event, error) {
	ec := new(event.EventContextV1)
	e := event.Event{Context: ec}
	s := jsonscan.New(raw)
	set := func(name string) error {
		value, ok := text(&s)
		if !ok {
			return &cloudevent.Error{Name: name, Reason: "no text"}
		}
		if value == "" && name == "subject" {
			return nil // Event Grid has it always
		}
		return cloudevent.Set(ec, name, value)
	}
	var err error
	if !s.Object() {
		return e, s.Err()
	}
	for key, ok := s.Key(); ok && err == nil; key, ok = s.Key() {
		switch string(key) {
		case "id":
			err = set("id")
		case "topic":
			err = set("source")
		case "subject":
			err = set("subject")
		case "eventType":
			err = set("type")
		case "eventTime":
			err = set("time")
		case "data":
			if e.DataEncoded != nil {
				err = &cloudevent.Error{Name: "data", Reason: "there twice"}
			}
			e.DataEncoded = s.Skip()
		default: // dataVersion and metadataVersion have no place in CloudEvents
			s.Skip()
		}
	}
	switch {
	case err != nil:
		return e, err
	case s.End() != nil:
		return e, s.End()
	case ec.ID == "" || ec.Type == "" || ec.Source.String() == "":
		return e, fmt.Errorf("event of Event Grid without id, topic or eventType")
	}
	if e.DataEncoded != nil {
		contentType := event.ApplicationJSON
		ec.DataContentType = &contentType
	}
	return e, nil
}

func validationCode(data []byte) (code string, err error) {
	s := jsonscan.New(data)
	if s.Kind() == '{' && s.Object() {
		for key, ok := s.Key(); ok; key, ok = s.Key() {
			if string(key) == "validationCode" {
				code, _ = text(&s)
			} else {
				s.Skip()
			}
		}
	}
	if code == "" {
		return "", fmt.Errorf("validation event of Event Grid without a validationCode")
	}
	return code, nil
}
