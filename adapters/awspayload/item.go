package awspayload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of DynamoDB.
const (
	itemDepth    = 32 // levels of lists and maps inside an item
	numberDigits = 38 // significant digits of a number
)

// ParseItem makes an item of a plain JSON object: text is S, a number N with
// all its digits, true and false BOOL, null NULL, an array L, an object M. What
// plain JSON cannot say, binary values and sets, has no place in it. The error
// names the attribute that DynamoDB would refuse.
func ParseItem(document []byte) (Item, error) {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	v, err := parseValue(d, "", 0)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	item, ok := v.(Item)
	if err == nil && !ok {
		err = fmt.Errorf("want an object of attributes, not %s", plain(v))
	}
	if err != nil {
		return nil, fmt.Errorf("awspayload: item: %w", err)
	}
	return item, nil
}

func plain(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case []any:
		return "an array"
	case bool:
		return "a truth value"
	}
	return "null"
}

// parseValue reads the next value. at is where it stands in the item.
func parseValue(d *json.Decoder, at string, depth int) (any, error) {
	token, err := d.Token()
	if errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Number:
		return token, checkNumber(token, at)
	case json.Delim:
		if depth > itemDepth {
			return nil, fmt.Errorf("%s: more than %d levels", at, itemDepth)
		}
		if token == '[' {
			return parseList(d, at, depth)
		}
		return parseMap(d, at, depth)
	}
	return token, nil
}

func parseList(d *json.Decoder, at string, depth int) (any, error) {
	list := []any{}
	for d.More() {
		v, err := parseValue(d, fmt.Sprintf("%s[%d]", at, len(list)), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

func parseMap(d *json.Decoder, at string, depth int) (any, error) {
	item := Item{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		inside := strings.TrimPrefix(at+"."+name, ".")
		switch _, twice := item[name]; {
		case name == "":
			return nil, fmt.Errorf("%s: an attribute needs a name", at)
		case twice:
			return nil, fmt.Errorf("%s: is there twice", inside)
		}
		if item[name], err = parseValue(d, inside, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return item, err
}

// checkNumber counts the digits between the first and the last that is not 0.
func checkNumber(n json.Number, at string) error {
	mantissa, _, _ := strings.Cut(strings.ToLower(string(n)), "e")
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, mantissa)
	if count := len(strings.Trim(digits, "0")); count > numberDigits {
		return fmt.Errorf("%s: a number of %d digits, and DynamoDB keeps %d", strings.TrimPrefix(at, "."), count, numberDigits)
	}
	return nil
}
