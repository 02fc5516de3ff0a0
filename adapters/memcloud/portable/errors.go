package portable

import (
	"errors"
	"fmt"

	"github.com/eventfx/eventfx-go/adapters/memcloud"
	"gocloud.dev/gcerrors"
)

// driverError is an error of the drivers themselves: what a resource refuses
// is a *memcloud.Error.
type driverError struct {
	code    gcerrors.ErrorCode
	message string
}

func (e *driverError) Error() string { return "portable: " + e.message }

// ErrorCode returns gocloud's code, whose own error type is out of reach.
func (e *driverError) ErrorCode() gcerrors.ErrorCode { return e.code }

func failure(code gcerrors.ErrorCode, format string, args ...any) error {
	return &driverError{code, fmt.Sprintf(format, args...)}
}

// codes has gocloud's code for each of AWS's that means something portable.
var codes = map[string]gcerrors.ErrorCode{
	"NoSuchKey":              gcerrors.NotFound,
	"PreconditionFailed":     gcerrors.FailedPrecondition,
	"MessageNotInflight":     gcerrors.FailedPrecondition,
	"Halted":                 gcerrors.FailedPrecondition,
	"InvocationOver":         gcerrors.Canceled,
	"OverLimit":              gcerrors.ResourceExhausted,
	"InvalidMessageContents": gcerrors.InvalidArgument,
	"InvalidParameter":       gcerrors.InvalidArgument,
	"InvalidParameterValue":  gcerrors.InvalidArgument,
	"KeyTooLongError":        gcerrors.InvalidArgument,
	"MissingParameter":       gcerrors.InvalidArgument,
	"RequestTimeout":         gcerrors.DeadlineExceeded,
	"ServiceUnavailable":     gcerrors.ResourceExhausted,
	"ReceiptHandleIsInvalid": gcerrors.InvalidArgument,
	"ValidationException":    gcerrors.InvalidArgument,
}

// errorFace is the part of a driver that looks at errors.
type errorFace struct{}

// ErrorCode returns gocloud's code for an error of the cloud or of a driver.
func (errorFace) ErrorCode(err error) gcerrors.ErrorCode {
	if errors.Is(err, memcloud.ErrClosed) {
		return gcerrors.FailedPrecondition
	}
	if e, ok := errors.AsType[*driverError](err); ok {
		return e.ErrorCode()
	}
	if e, ok := errors.AsType[*memcloud.Error](err); ok {
		return codes[e.Code] // Unknown if it is not there
	}
	return gcerrors.Code(err)
}

// ErrorAs gives a **memcloud.Error what the resource answered.
func (errorFace) ErrorAs(err error, target any) bool {
	e, ok := target.(**memcloud.Error)
	return ok && errors.As(err, e)
}

// as sets *target to v if it is a *V: the escape hatch that every portable
// type has.
func as[V any](target any, v V) bool {
	p, ok := target.(*V)
	if ok && p != nil {
		*p = v
	}
	return ok && p != nil
}

// asNothing is the escape hatch of a hook that has nothing to show.
func asNothing(any) bool { return false }
