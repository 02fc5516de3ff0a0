// Package bootstrap runs a compiled Lambda function, the executable that is
// deployed as bootstrap, as a function of a cloud in memory. The binary gets
// its events as on AWS, by HTTP from a Runtime API, so that a local program or
// an end-to-end test runs what will be deployed, whatever it is written in.
//
//	cloud := memcloud.Open(nil)
//	defer cloud.Close()
//	orders := cloud.Queue("orders", &memcloud.QueueOptions{MaxReceives: 3})
//	command := exec.Command("build/ship/bootstrap")
//	command.Stderr = os.Stderr // the function's log
//	cloud.Function("ship", bootstrap.New(cloud, command),
//		memcloud.Trigger(orders, &memcloud.Mapping{ReportBatchItemFailures: true}))
//	orders.Send(`{"id":"7"}`)
//	cloud.Settle()
//
// # Environments
//
// As on Lambda, a process has one invocation at a time, and is kept for the
// next one. Another process is started when all are busy; all are ended when
// the cloud is closed, by SIGTERM first where the function asked for it
// (lambda.WithEnableSIGTERM). A terminal's Ctrl-C does not reach them: it is
// for the program, which closes the cloud.
//
// A process that panics, exits or outstays its deadline fails its invocation,
// and the next one meets a new process.
//
// # Errors
//
// An error that the function reports is a [memcloud.FunctionError] with its
// errorType and errorMessage. Others have Lambda's types: Runtime.ExitError
// when the process ended, Sandbox.Timedout when it was killed at the deadline,
// Runtime.InvalidEntrypoint when it could not be started. The answer is handed
// on as it is, JSON or not: what becomes of it is for the trigger to say.
//
// # Time
//
// Processes live in real time. In a synctest bubble, whose time is not theirs,
// [New] panics. Init time counts towards the function's timeout, and there are
// no limits of memory.
package bootstrap
