// Package redact takes values out of events before they are written somewhere
// that more people read: dead letters, logs.
//
// # Selecting
//
// A [Redactor] removes what any of three ways selects:
//
//	r := &redact.Redactor{
//		Pointers: []string{"/customer/email", "/cards/*/number"},
//		Types:    []any{Order{}},
//		Func:     func(path, value string) bool { return strings.HasPrefix(value, "sk_live_") },
//	}
//
// Pointers are JSON pointers; * stands for any member or element. Types are
// structs with fields that have the tag redact:"true"; every member with the
// name of such a field is removed, wherever it stands, so that it is found in a
// row of DynamoDB and inside an envelope, too. Func is asked about each text,
// number and boolean, and about each key of an object.
//
// JSON inside of a string of JSON is gone through as if it stood there: the
// body of an SQS message in an SNS envelope, to any depth. Data that is no JSON
// is one text, for which Func is called with an empty path. In JSON that is
// broken, names are looked for in the text.
//
// # Removing
//
// In place of a value stands "[redacted]". A removed text of at least 4
// characters, or a number of at least 6, is then removed wherever else it
// occurs: in the rest of the data, the subject, the extensions, and in the
// texts that [Redactor.Event] gives a function for: errors, stacks, attributes.
// Its forms in JSON, in Go's quotes and in URLs are removed with it; in base64
// it is not found.
//
// The id, source and type of an event stay: they are what it is known by.
//
// # Logs
//
// [Redactor.Errors] is middleware. Errors and panics of the handlers come out
// of it without what is removed, so that retries, observers, the router's own
// log line and the dead letters see them so. Give it as the last of Router.Use:
//
//	router := &eventfx.Router{Use: []eventfx.Middleware{claims.Fetch, r.Errors}}
//
// What a handler logs itself is its own affair.
package redact
