package attributevalue

import (
	"errors"
	"math/big"
	"reflect"
	"strconv"
)

// A number of DynamoDB has at most 38 digits and stands between 1E-130 and
// 1E+126, so these limits refuse none. They keep a few bytes of exponent from
// becoming gigabytes of a big.Int.
const (
	maxNumberLen   = 512
	maxExponentLen = 3
)

// bigPrec are the bits of a big.Float: enough to hold each whole number of
// DynamoDB exactly (they need 419), and to give back the 38 digits of each
// other.
const bigPrec = 512

// The seconds in which the years 1 and 9999 begin and end: outside of them a
// time has no text.
const (
	minSeconds = -62135596800
	maxSeconds = 253402300799
)

var errNumber = errors.New("malformed attribute value: not a number of DynamoDB")

// isDecimal reports whether text is a number by JSON's grammar, of a size that
// DynamoDB could have.
func isDecimal(text []byte) bool {
	if len(text) > maxNumberLen {
		return false
	}
	rest := text
	if len(rest) > 0 && rest[0] == '-' {
		rest = rest[1:]
	}
	whole := digits(rest)
	if whole == 0 || whole > 1 && rest[0] == '0' {
		return false
	}
	rest = rest[whole:]
	if len(rest) > 0 && rest[0] == '.' {
		n := digits(rest[1:])
		if n == 0 {
			return false
		}
		rest = rest[1+n:]
	}
	if len(rest) > 0 && rest[0]|0x20 == 'e' {
		rest = rest[1:]
		if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		n := digits(rest)
		return n > 0 && n <= maxExponentLen && n == len(rest)
	}
	return len(rest) == 0
}

// digits returns the number of digits that b begins with.
func digits(b []byte) int {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}

// setNumber sets v, of any kind of number, to a decimal. It returns false if v
// cannot hold it. A float takes the nearest that it has.
func setNumber(v reflect.Value, text []byte) bool {
	switch kind := v.Kind(); {
	case kind <= reflect.Int64:
		n, ok := parseInt(text)
		if !ok || v.OverflowInt(n) {
			return false
		}
		v.SetInt(n)
	case kind <= reflect.Uintptr:
		n, ok := parseUint(text)
		if !ok || v.OverflowUint(n) {
			return false
		}
		v.SetUint(n)
	default:
		f, err := strconv.ParseFloat(string(text), v.Type().Bits())
		if err != nil {
			return false
		}
		v.SetFloat(f)
	}
	return true
}

// parseInt returns the value of a decimal that is a whole number, however it is
// written, and fits.
func parseInt(text []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err == nil {
		return n, true
	}
	whole, ok := parseWhole(text)
	return whole.Int64(), ok && whole.IsInt64()
}

func parseUint(text []byte) (uint64, bool) {
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err == nil {
		return n, true
	}
	whole, ok := parseWhole(text)
	return whole.Uint64(), ok && whole.IsUint64()
}

// parseWhole is the slow way, for 1E+2 and 1.0, and for what does not fit.
func parseWhole(text []byte) (*big.Int, bool) {
	var r big.Rat
	if _, ok := r.SetString(string(text)); !ok {
		return new(big.Int), false
	}
	return r.Num(), r.IsInt()
}

func setBigInt(v reflect.Value, text []byte) bool {
	n, ok := parseWhole(text)
	if ok {
		v.Addr().Interface().(*big.Int).Set(n)
	}
	return ok
}

func setBigFloat(v reflect.Value, text []byte) {
	// A decimal cannot fail to parse, and no exponent of three digits leaves
	// the range of a big.Float.
	v.Addr().Interface().(*big.Float).SetPrec(bigPrec).SetString(string(text))
}
