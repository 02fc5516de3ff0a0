// Package awscompat lets functions written for aws-lambda-go move to a router
// as they are.
//
// Most Lambda functions are a loop over records around a function that does the
// work for one of them. The loop, with its error handling and its partial
// answers, is what a router does. The function stays:
//
//	// func audit(ctx context.Context, m events.SQSMessage) error
//	eventfx.On(r, awscompat.SQS{Queue: "audit"}, eventfx.Data(audit))
//
// The kinds are [SQS], [S3], [DynamoDB] and [EventBridge]; they give
// events.SQSMessage, events.S3EventRecord, events.DynamoDBEventRecord and
// events.EventBridgeEvent, field for field as aws-lambda-go reads them from the
// payload. docs/migrate.md shows the way from both sides.
//
// New functions are better off with packages object, queue, table and schedule:
// they decode into types of yours, and know other clouds.
//
// # Identity
//
// A kind reads the CloudEvent, not the payload that it came in. So a record
// reaches the same function when it comes by another way, such as S3's through
// SNS and SQS, and when it is replayed from a dead letter. What a replay cannot
// give are the facts of one delivery: an SQS message's receipt handle, digests,
// and system attributes such as the receive count. White space outside the
// strings of a JSON body may go as well.
//
// An event that EventBridge Scheduler sends by default has the minute as its ID
// and an object as its Detail.
//
// # Functions on both sides
//
// [SQSHandler] goes the other way: it makes the function for a whole batch out
// of a router. Programs and tests that call such a function need not change.
//
// # Partial failure, ordering and local testing
//
// Those are the host's and the router's: see packages lambdahost and awsevents.
package awscompat
