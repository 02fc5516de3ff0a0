package awscompat

import (
	"fmt"

	"github.com/eventfx/eventfx-go/eventfx"
)

// literal is how a source with one field is written in Go.
func literal(kind, field, value string) string {
	if value == "" {
		return "awscompat." + kind + "{}"
	}
	return fmt.Sprintf("awscompat.%s{%s: %q}", kind, field, value)
}

// extension returns the text of an extension attribute, "" without it.
func extension(m *eventfx.Message, name string) string {
	text, _ := m.Extensions()[name].(string)
	return text
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
