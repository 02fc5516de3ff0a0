package attributevalue

import "reflect"

// A bitset is a set of fields.
type bitset []uint64

func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 == 1 }
func (b bitset) add(i int)      { b[i/64] |= 1 << (i % 64) }

// A doubt is an error of an attribute that fits a field's name in another case.
// It does not count if the attribute of the exact name is there too.
type doubt struct {
	field int
	err   *Error
	at    int
}

// struct_ decodes attributes into the fields of a struct. Attributes that no
// field takes are walked over.
//
// Attributes have no order, so the result must not depend on one: the exact
// name outranks other cases wherever it stands, and two that differ from the
// name in case only are an error.
func (d *decoder) struct_(fs *fields, v reflect.Value) {
	var room [2][4]uint64
	var exactly, folded bitset = room[0][:], room[1][:]
	if n := (len(fs.list) + 63) / 64; n > len(room[0]) {
		exactly, folded = make(bitset, n), make(bitset, n)
	}
	var doubts []doubt
	s := d.s
	s.Object()
	for name, more := s.Key(); more; name, more = s.Key() {
		i, exact := fs.find(name)
		switch {
		case i < 0:
			s.Skip()
		case exact:
			if exactly.has(i) {
				d.report(d.place(), &Error{Err: errTwice})
			}
			exactly.add(i)
			d.field(&fs.list[i], v, folded.has(i))
		case exactly.has(i):
			s.Skip()
		default:
			before, beforeAt := d.err, d.at
			d.err = nil
			if folded.has(i) {
				d.report(d.place(), &Error{Err: errAmbiguous})
			}
			d.field(&fs.list[i], v, folded.has(i))
			folded.add(i)
			if d.err != nil {
				doubts = append(doubts, doubt{i, d.err, d.at})
			}
			d.err, d.at = before, beforeAt
		}
	}
	for _, doubt := range doubts {
		if !exactly.has(doubt.field) {
			d.report(doubt.at, doubt.err)
		}
	}
}

// field decodes the next attribute value into a field of v.
func (d *decoder) field(f *field, v reflect.Value, again bool) {
	if len(f.index) == 1 {
		v = v.Field(f.index[0])
	} else {
		for i, x := range f.index {
			if i > 0 && v.Kind() == reflect.Pointer {
				if v.IsNil() {
					if !v.CanSet() {
						d.mismatch(d.place(), "an attribute", f.plan, errUnexported)
						d.s.Skip()
						return
					}
					v.Set(reflect.New(v.Type().Elem()))
				}
				v = v.Elem()
			}
			v = v.Field(x)
		}
	}
	if again {
		v.SetZero()
	}
	d.value(f.plan, f.opts, v)
}
