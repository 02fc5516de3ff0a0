// Package table is the kind of events about items of tables.
//
// A source says which changes a handler is for; the handler gets a [Change]
// with the images of the item, decoded into the user's own struct:
//
//	type User struct {
//		ID    string   `dynamodbav:"id"`
//		Email string   `dynamodbav:"email"`
//		Roles []string `dynamodbav:"roles,stringset"`
//	}
//
//	eventfx.On(r, table.Inserted[User]{Table: "users"}, welcome)
//
//	func welcome(ctx context.Context, e eventfx.Event[table.Change[User]]) error {
//		return mail(ctx, e.Data.New.Email)
//	}
//
// [Inserted], [Modified] and [Removed] are one kind of change each, [Any] is
// all of them, told apart by Change.Kind. Without a Table a source matches the
// changes of every table.
//
// # Where events come from
//
// From DynamoDB's streams: CloudEvents of the types
// com.amazonaws.dynamodb.INSERT, MODIFY and REMOVE, whose data is the record of
// the stream and whose source is the ARN of the table. A source needs nothing
// beside type, source and data, so an event that was kept as a dead letter, or
// travelled on through a queue, reaches the same handler.
//
// # Images
//
// The view of the stream decides what a Change holds:
//
//	view                 Inserted   Modified    Removed
//	NEW_AND_OLD_IMAGES   New        New, Old    Old
//	NEW_IMAGE            New        New         -
//	OLD_IMAGE            -          Old         Old
//	KEYS_ONLY            -          -           -
//
// What is not there is nil, so a handler for another view than its table's
// should look. Change.Keys is always there.
//
// Change.Expired tells a removal by time to live from one by request.
//
// # Attributes and fields
//
// T may be a struct, a map[string]V, a pointer to either, or any. The struct
// that the program writes its items with is the one to read them with: an
// attribute goes to the field that its tag names. The tag dynamodbav counts,
// else docstore, else json, and only the first of them that a field has; else
// the name is that of the field. "-" leaves a field out.
//
// A field takes the attribute of exactly its name, and if the item has none,
// one that differs in case only; two such are an error, for attributes have no
// order. Fields of embedded structs are promoted by Go's rules, and pointers to
// embedded structs are made. Attributes without a field are skipped, whatever
// they hold.
//
// # Values
//
//	attribute    takes it
//	S            string; time.Time (RFC 3339); big.Int, big.Float (a number);
//	             encoding.TextUnmarshaler; numbers, with the option string
//	N            int, uint, float of every size; big.Int, big.Float; string,
//	             json.Number; encoding.TextUnmarshaler;
//	             time.Time, with the option unixtime (seconds)
//	B            []byte, [n]byte; encoding.BinaryUnmarshaler
//	BOOL         bool
//	NULL         everything: it becomes nil, or the zero value
//	M            struct; map from string, number or encoding.TextUnmarshaler
//	L            slice, array
//	SS, NS, BS   slice, array; map[E]struct{} and map[E]bool, with each member
//	             as a key
//
// Types made from these take the same, and pointers are made as needed. What is
// left of an array becomes zero, and a list longer than it is an error. In an
// empty interface S becomes string, N json.Number, B []byte, BOOL bool, NULL
// nil, M map[string]any, L []any, SS []string, NS []json.Number and BS [][]byte.
//
// Options stand after the name in the tag: `dynamodbav:"expires,unixtime"`.
// Those that matter for writing only, such as omitempty and stringset, are
// ignored. NULL into a string is "", since docstore writes empty text so. Times
// from seconds are in UTC.
//
// Methods of the AWS SDK for Go (UnmarshalDynamoDBAttributeValue) and
// json.Unmarshaler are not called: this package links neither the SDK nor goes
// through JSON values.
//
// # Numbers
//
// A number of DynamoDB has up to 38 digits, more than a float64 can hold.
// Nothing is lost without an error: a number that does not fit the field, and a
// fraction for a whole number, are errors (1.0 and 1E+2 are whole); string,
// json.Number and big.Int keep every digit, and a big.Float has 512 bits,
// enough for 38 digits of any number and for each whole number exactly. The one
// exception are the float types, which take the nearest number that they have,
// and an error if there is none; do not keep identifiers in them.
//
// A type made from a number that has an UnmarshalText takes N as the number and
// S by its method.
//
// # Errors
//
// An attribute that does not fit, or is no attribute value, is a *[DecodeError]
// with the path of the attribute:
//
//	table: NewImage.items[2].price: number 3.5 does not fit int
//
// It is permanent: the message is a dead letter at once, or blocks the shard if
// the router has none. Errors repeat numbers, and no text.
//
// # Local testing
//
// A source needs nothing but the CloudEvent: Match and Decode can be called on
// any [eventfx.Message] made by hand, as in the examples.
package table
