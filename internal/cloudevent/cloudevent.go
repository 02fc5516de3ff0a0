// Package cloudevent reads CloudEvents 1.0 strictly.
//
// The decoder of the CloudEvents SDK accepts bytes after the event, fractional
// extensions, and data beside data_base64, and it keeps attributes that no
// other SDK would send. An adapter that takes events from outside uses this
// package instead: what it accepts is a valid event, and what it refuses it
// refuses with the name of the attribute.
//
// [Decode] reads the JSON format. [Set] reads one attribute of a binary mode.
// [Check] says whether an event may be sent, and [Append] writes one.
package cloudevent

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// An Error says which attribute or member of an event is invalid, and why.
type Error struct {
	Name   string // of the attribute, or "data" or "data_base64"
	Reason string
}

func (e *Error) Error() string {
	return "CloudEvent attribute " + e.Name + ": " + e.Reason
}

func invalid(name, format string, args ...any) error {
	return &Error{Name: name, Reason: fmt.Sprintf(format, args...)}
}

// Check returns an error unless e is a valid event whose data can be sent as
// it is: JSON where the content type says so, text where it says that.
func Check(e event.Event) error {
	ec, ok := e.Context.(*event.EventContextV1)
	if !ok {
		return invalid("specversion", "want 1.0")
	}
	if err := complete(ec); err != nil {
		return err
	}
	for name, value := range attributes(ec) {
		if err := checkText(name, value); err != nil {
			return err
		}
	}
	if err := checkURIReference("source", ec.Source.String()); err != nil {
		return err
	}
	if ec.DataSchema != nil && !ec.DataSchema.IsAbs() {
		return invalid("dataschema", "not an absolute URI")
	}
	if ec.Time != nil && (ec.Time.Year() < 0 || ec.Time.Year() > 9999) {
		return invalid("time", "a year that RFC 3339 cannot write")
	}
	if ec.DataContentType != nil {
		if err := checkContentType(*ec.DataContentType); err != nil {
			return err
		}
	}
	for name, value := range ec.Extensions {
		if err := checkName(name); err != nil {
			return err
		}
		if reserved(name) {
			return invalid(name, "an extension cannot have this name")
		}
		text, err := types.Format(value)
		if err != nil {
			return invalid(name, "%v", err)
		}
		if _, ok := value.(string); ok {
			if err := checkText(name, text); err != nil {
				return err
			}
		}
	}
	return checkData(e, ec)
}

// attributes returns the text attributes of ec that are set.
func attributes(ec *event.EventContextV1) map[string]string {
	set := map[string]string{"id": ec.ID, "source": ec.Source.String(), "type": ec.Type}
	if ec.Subject != nil {
		set["subject"] = *ec.Subject
	}
	if ec.DataContentType != nil {
		set["datacontenttype"] = *ec.DataContentType
	}
	return set
}

func checkData(e event.Event, ec *event.EventContextV1) error {
	if e.DataEncoded == nil || e.DataBase64 {
		return nil
	}
	if jsonContent(ec) {
		// The SDK writes JSON data unchecked into the event around it.
		if !json.Valid(e.DataEncoded) || !utf8.Valid(e.DataEncoded) {
			return invalid("data", "not JSON, though the content type is %s: set datacontenttype, or DataBase64", contentType(ec))
		}
		return nil
	}
	if !utf8.Valid(e.DataEncoded) {
		return invalid("data", "not UTF-8: set DataBase64")
	}
	return nil
}

// complete returns an error for the first required attribute that is missing.
func complete(ec *event.EventContextV1) error {
	switch {
	case ec.ID == "":
		return invalid("id", "missing")
	case ec.Source.String() == "":
		return invalid("source", "missing")
	case ec.Type == "":
		return invalid("type", "missing")
	}
	return nil
}

func contentType(ec *event.EventContextV1) string {
	if ec.DataContentType == nil {
		return "application/json" // the JSON format's default
	}
	return *ec.DataContentType
}

// jsonContent reports whether the data of an event in the JSON format is a
// JSON value itself.
func jsonContent(ec *event.EventContextV1) bool {
	return ec.DataContentType == nil || IsJSON(*ec.DataContentType)
}

// IsJSON reports whether a content type stands for JSON: its subtype is json
// or ends in +json, whatever its parameters.
func IsJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	_, subtype, ok := strings.Cut(strings.TrimSpace(media), "/")
	if !ok {
		return false
	}
	const json = "json"
	if n := len(subtype) - len(json); n >= 0 && strings.EqualFold(subtype[n:], json) {
		return n == 0 || subtype[n-1] == '+'
	}
	return false
}
