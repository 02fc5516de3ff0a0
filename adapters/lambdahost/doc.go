// Package lambdahost runs a router on AWS Lambda.
//
// A function that handles the orders of a queue:
//
//	func main() {
//		r := &eventfx.Router{Retry: eventfx.Retry{Attempts: 3}}
//		eventfx.On(r, queue.JSON[Order]{Queue: "orders"}, ship)
//		lambdahost.Start(r, nil)
//	}
//
// It is built for the runtime provided.al2023:
//
//	GOOS=linux GOARCH=arm64 go build -tags lambda.norpc -o bootstrap .
//
// The same router takes every source that [awsevents] knows, side by side in
// one function: which one called is read from the payload. [Handler] gives the
// same without the process around it, for a test, for a wrapper, or for a
// program that starts itself.
//
// # Partial failure
//
// When some messages of a batch fail, it depends on the event source mapping
// what may be said about it. A mapping with ReportBatchItemFailures among its
// FunctionResponseTypes reads a list of what failed, and only that comes back.
// A mapping without it reads no list: it sees a success and deletes the whole
// batch, the failed messages as well. The setting is off unless a template has
// it on, and a function cannot ask which it is.
//
// So by default any failure is an error of the invocation. Nothing is lost,
// and what was done comes again with the rest. Declare the setting to get the
// better half, by [Options].PartialBatch, or in the template beside the setting:
//
//	Environment:
//	  Variables:
//	    EVENTFX_PARTIAL_BATCH: "on"
//	Events:
//	  Orders:
//	    Type: SQS
//	    Properties:
//	      FunctionResponseTypes: [ReportBatchItemFailures]
//
// One line of the log at cold start says which of the two runs, and why.
//
//	                      not declared        declared
//	SQS, all done         empty list          empty list
//	SQS, some failed      error               list of what failed
//	SQS, all failed       error               error; a list with ReportAll
//	stream                the same, with the lowest failed sequence number alone
//	S3, SNS, EventBridge, schedules, CloudEvents: null, or an error
//
// The last row are asynchronous or direct invocations: Lambda repeats them
// as a whole, and reads no list. The error names the messages that failed.
// Give such a router a dead letter to get rid of what cannot succeed.
//
// # Deadline
//
// Handlers' contexts end before Lambda's deadline: by 500 ms, or a tenth of
// the time for functions with less than 5 s. Then nothing new starts, and what
// is not done is answered as failed, so that it comes back, while what was done
// counts. A handler that does not return is waited for half of that margin.
// It goes on running beside the answer and in the next invocation, without
// effect on any answer.
//
// # Concurrency
//
// Nothing is kept from one invocation to the next, and on Managed Instances
// several run at once. Within one invocation Router.Concurrency is the limit.
//
// # Shutdown
//
// [Start] asks Lambda for a SIGTERM before the end, and then runs
// [Options].Shutdown: close pools and flush telemetry there.
//
// # Local testing
//
// A handler is a function from bytes to bytes: invoke it with a payload, as the
// examples do, or let package memcloud invoke it as AWS's event sources do.
package lambdahost
