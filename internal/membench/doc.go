// Package membench measures memcloud in one process and one run beside gocloud's
// mempubsub and Watermill's gochannel, whose router retries and keeps poison
// messages. It is a module of its own, so that nobody who uses memcloud hears of
// Watermill.
//
//	bash .ci/bench                                    # a table, and whether the targets are met
//	go test -run '^$' -bench . -benchmem              # in internal/membench: benchmarks, for pprof
//
// All contenders decode the JSON body of a message. memcloud's handler decodes
// the payload of Lambda as well, as any handler of SQS events does: what that
// alone costs is the floor.
package membench
