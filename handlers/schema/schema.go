package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/eventfx/eventfx-go/eventfx"
	"github.com/eventfx/eventfx-go/internal/jsonscan"
	"github.com/eventfx/eventfx-go/internal/narrow"
)

// ErrNotGiven says that a schema refers to a document that was not given to
// Compile. Nothing is ever loaded.
var ErrNotGiven = errors.New("the document was not given to Compile, and nothing is loaded")

// A Schema is a compiled JSON Schema. It may be used from any number of
// goroutines and by any number of routes.
type Schema struct{ compiled *jsonschema.Schema }

// base is the address of a document that does not state its own by $id.
const base = "https://schema.invalid/schema.json"

// Compile reads a JSON Schema. refs are the documents that its $ref and $schema
// may name, by their addresses; one that is relative is taken as the document
// would take it. It may be nil. An address that is not there fails with
// ErrNotGiven.
func Compile(document []byte, refs map[string][]byte) (*Schema, error) {
	root, err := read(document)
	if err != nil {
		return nil, fmt.Errorf("schema: compile: %w", err)
	}
	at, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("schema: compile: %w", err)
	}
	if members, ok := root.(map[string]any); ok {
		id, _ := members["$id"].(string)
		if own, err := url.Parse(id); err == nil && own.IsAbs() && own.Opaque == "" {
			own.Fragment = ""
			at = own
		}
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(at.String(), root); err != nil {
		return nil, fmt.Errorf("schema: compile: %w", err)
	}
	for name, ref := range refs {
		doc, err := read(ref)
		if err != nil {
			return nil, fmt.Errorf("schema: compile: %s: %w", name, err)
		}
		relative, err := url.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("schema: compile: the name of a document: %w", err)
		}
		if err := c.AddResource(at.ResolveReference(relative).String(), doc); err != nil {
			return nil, fmt.Errorf("schema: compile: %s: %w", name, err)
		}
	}
	compiled, err := c.Compile(at.String())
	if load, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		return nil, fmt.Errorf("schema: compile: %s: %w", load.URL, load.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("schema: compile: %w", err)
	}
	return &Schema{compiled}, nil
}

// noLoader stands where the library would read files.
type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, ErrNotGiven }

// read reads one JSON document. A name that is there twice has no agreed
// meaning: what is checked would not be what is decoded.
func read(data []byte) (any, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, unique := jsonscan.Unique(data, nil); !unique {
		return nil, errors.New("an object has a name twice")
	}
	return doc, nil
}

// Wrap is eventfx.Middleware: a message whose data is not valid fails for good,
// with an *Error, and is not run. In a batch each message is checked for itself.
func (s *Schema) Wrap(next eventfx.Handler) eventfx.Handler {
	return func(ctx context.Context, d *eventfx.Delivery) error {
		return narrow.Run(ctx, d, next, func(m *eventfx.Message) (*eventfx.Message, error) {
			return m, s.Check(m.DataEncoded)
		})
	}
}

// Check returns nil, or an *Error that says what is wrong with data.
func (s *Schema) Check(data []byte) error {
	if len(data) == 0 {
		return &Error{Fields: []Field{{Reason: "there is none"}}}
	}
	doc, err := read(data)
	if err != nil {
		return &Error{Fields: []Field{{Reason: err.Error()}}}
	}
	if fields := checkNumbers(nil, nil, doc); fields != nil {
		return newError(fields)
	}
	err = s.compiled.Validate(doc)
	if err == nil {
		return nil
	}
	v, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return &Error{Fields: []Field{{Reason: err.Error()}}}
	}
	c := collector{doc: doc, printer: message.NewPrinter(language.English)}
	c.collect(v, "")
	return newError(c.fields)
}

// checkNumbers refuses numbers like 1e999999, a short text for a number of a
// million digits: the library computes with all of them.
func checkNumbers(found []Field, at []string, value any) []Field {
	switch value := value.(type) {
	case json.Number:
		_, exponent, ok := strings.Cut(strings.ToLower(value.String()), "e")
		if ok && len(strings.TrimLeft(exponent, "+-0")) > 3 {
			found = append(found, Field{pointer(at...), "the exponent has more than three digits"})
		}
	case []any:
		for i, v := range value {
			found = checkNumbers(found, append(at, strconv.Itoa(i)), v)
		}
	case map[string]any:
		for name, v := range value {
			found = checkNumbers(found, append(at, name), v)
		}
	}
	return found
}

// A collector takes the fields out of what the library says.
type collector struct {
	doc     any
	fields  []Field
	names   int // how many names were not allowed
	printer *message.Printer
}

// collect adds what v and its causes say; above is where what has v as its
// cause is.
func (c *collector) collect(v *jsonschema.ValidationError, above string) {
	at := pointer(v.InstanceLocation...)
	add := func(reason string) { c.fields = append(c.fields, Field{at, reason}) }
	inside := func(names []string, reason string) {
		for _, name := range names {
			c.fields = append(c.fields, Field{at + pointer(name), reason})
		}
	}
	switch k := v.ErrorKind.(type) {
	case *kind.Schema, *kind.Reference, *kind.Group, *kind.AllOf:
		if len(v.Causes) == 0 {
			add("is not valid")
		}
	case *kind.Required:
		inside(k.Missing, "is missing")
	case *kind.DependentRequired:
		inside(k.Missing, "is missing, beside "+clip(k.Prop))
	case *kind.Dependency:
		inside(k.Missing, "is missing, beside "+clip(k.Prop))
	case *kind.AdditionalProperties:
		inside(k.Properties, "is not allowed")
	case *kind.PropertyNames:
		c.collectName(above, len(v.InstanceLocation), k.Property)
		return // its causes show the name as a value
	case *kind.AnyOf:
		add("fits none of the alternatives")
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			add("fits more than one of the alternatives")
		} else {
			add("fits none of the alternatives")
		}
	case *kind.Not:
		add("is what it must not be")
	case *kind.FalseSchema:
		add("is not allowed")
	case *kind.Pattern: // the library's words repeat the text of the data, here and below
		add("must match " + clip(k.Want))
	case *kind.Format:
		add("is no valid " + clip(k.Want))
	case *kind.ContentEncoding:
		add("is no valid " + clip(k.Want))
	case *kind.ContentMediaType:
		add("is no valid " + clip(k.Want))
	default:
		add(clip(k.LocalizedString(c.printer)))
	}
	for _, cause := range v.Causes {
		c.collect(cause, at)
	}
}

// collectName adds that a name at some depth is not allowed. The place that the
// library gives may be a sibling's (its slice is used again for them,
// santhosh-tekuri/jsonschema#269), so the name is looked for: when it is there
// several times, no more is said than where it is known to be.
func (c *collector) collectName(above string, depth int, name string) {
	if c.names++; c.names <= mostFields { // each search reads the document
		if places := placesOf(nil, c.doc, nil, depth, name); len(places) == 1 {
			c.fields = append(c.fields, Field{places[0], "the name is not allowed"})
			return
		}
	}
	c.fields = append(c.fields, Field{above, "a name inside is not allowed: " + clip(name)})
}

// placesOf finds the members that objects at a depth have of that name.
func placesOf(found []string, value any, at []string, depth int, name string) []string {
	switch value := value.(type) {
	case []any:
		for i, v := range value {
			if depth > 0 {
				found = placesOf(found, v, append(at, strconv.Itoa(i)), depth-1, name)
			}
		}
	case map[string]any:
		if _, ok := value[name]; ok && depth == 0 {
			return append(found, pointer(append(at, name)...))
		}
		for n, v := range value {
			if depth > 0 {
				found = placesOf(found, v, append(at, n), depth-1, name)
			}
		}
	}
	return found
}
