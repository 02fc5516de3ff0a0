package cloudevent

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// Append appends e in the JSON format to dst. It returns an error, and dst as
// it was, unless e is valid by Check.
//
// The SDK's encoder is not used: it quotes JSON whose content type it does not
// know (application/problem+json), so that no other reader finds an object.
func Append(dst []byte, e event.Event) ([]byte, error) {
	if err := Check(e); err != nil {
		return dst, err
	}
	ec := e.Context.(*event.EventContextV1)
	out := dst
	out = append(out, `{"specversion":"1.0"`...)
	out = appendMember(out, "id", ec.ID)
	out = appendMember(out, "source", ec.Source.String())
	out = appendMember(out, "type", ec.Type)
	if ec.Subject != nil {
		out = appendMember(out, "subject", *ec.Subject)
	}
	if ec.Time != nil {
		out = appendMember(out, "time", types.FormatTime(ec.Time.Time))
	}
	if ec.DataSchema != nil {
		out = appendMember(out, "dataschema", ec.DataSchema.String())
	}
	if ec.DataContentType != nil {
		out = appendMember(out, "datacontenttype", *ec.DataContentType)
	}
	names := make([]string, 0, len(ec.Extensions))
	for name := range ec.Extensions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var err error
		if out, err = appendExtension(out, name, ec.Extensions[name]); err != nil {
			return dst, err
		}
	}
	switch {
	case e.DataEncoded == nil:
	case e.DataBase64:
		out = append(out, `,"data_base64":"`...)
		out = base64.StdEncoding.AppendEncode(out, e.DataEncoded)
		out = append(out, '"')
	case jsonContent(ec):
		out = append(out, `,"data":`...)
		out = append(out, e.DataEncoded...)
	default:
		out = appendMember(out, "data", string(e.DataEncoded))
	}
	return append(out, '}'), nil
}

func appendExtension(dst []byte, name string, value any) ([]byte, error) {
	value, err := types.Validate(value)
	if err != nil {
		return dst, invalid(name, "%v", err)
	}
	switch value := value.(type) {
	case bool:
		return strconv.AppendBool(appendName(dst, name), value), nil
	case int32:
		return strconv.AppendInt(appendName(dst, name), int64(value), 10), nil
	}
	text, err := types.Format(value)
	if err != nil {
		return dst, invalid(name, "%v", err)
	}
	return appendMember(dst, name, text), nil
}

// appendName appends a comma, the name, which needs no escapes, and a colon.
func appendName(dst []byte, name string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func appendMember(dst []byte, name, value string) []byte {
	dst = append(appendName(dst, name), '"')
	from := 0
	for i := range len(value) {
		c := value[i]
		if c >= utf8.RuneSelf || c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, value[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = fmt.Appendf(dst, `\u%04x`, c)
		}
	}
	dst = append(dst, value[from:]...)
	return append(dst, '"')
}
